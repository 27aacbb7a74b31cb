import { DescribeExecutionCommand, SendTaskSuccessCommand, type SFNClient } from "@aws-sdk/client-sfn";
import { awsErrorName } from "../errors.ts";
import type { Callbacks, Executions } from "../ports.ts";

// A second answer also gets TaskDoesNotExist. An answer to an execution that is long gone gets InvalidToken.
const NOBODY_WAITS = ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"];

/** Sends answers to states that wait for a task token. */
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

// Lambda's longest run time.
const WORKERS_LIVE_MS = 15 * 60_000;

/** Reports whether an execution, or a worker that it started, may still be running. */
export class SfnExecutions implements Executions {
  private readonly client: SFNClient;

  constructor(client: SFNClient) {
    this.client = client;
  }

  async isRunning(execution: string, alone = false): Promise<boolean> {
    try {
      const { status, stopDate } = await this.client.send(
        new DescribeExecutionCommand({ executionArn: execution }),
      );
      if (status === "RUNNING" || status === "PENDING_REDRIVE") return true;
      if (alone) return false;
      // Step Functions does not end the workers of an execution that is stopped; and its clean-up is about to begin.
      return stopDate !== undefined && stopDate.getTime() + WORKERS_LIVE_MS > Date.now();
    } catch (error) {
      // Step Functions deletes an execution's history 90 days after its end.
      if (awsErrorName(error) === "ExecutionDoesNotExist") return false;
      throw error;
    }
  }
}
