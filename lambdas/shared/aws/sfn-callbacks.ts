import { SendTaskSuccessCommand, type SFNClient } from "@aws-sdk/client-sfn";
import type { Callbacks } from "../ports.ts";
import { awsErrorName } from "./error-name.ts";

// TaskDoesNotExist is also what the second of two answers gets; InvalidToken, one whose execution is long gone.
const NOBODY_WAITS = ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"];

/** Answers to states that wait for a task token. */
export class SfnCallbacks implements Callbacks {
  private readonly client: SFNClient;

  constructor(client: SFNClient) {
    this.client = client;
  }

  async succeed(token: string, output: unknown): Promise<boolean> {
    try {
      await this.client.send(
        new SendTaskSuccessCommand({ taskToken: token, output: JSON.stringify(output) }),
      );
      return true;
    } catch (error) {
      if (NOBODY_WAITS.includes(awsErrorName(error))) return false;
      throw error;
    }
  }
}
