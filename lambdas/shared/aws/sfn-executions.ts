import { DescribeExecutionCommand, type SFNClient } from "@aws-sdk/client-sfn";
import type { Executions } from "../ports.ts";
import { awsErrorName } from "./error-name.ts";

/** Whether an execution of the state machine is under way, as Step Functions itself says. */
export class SfnExecutions implements Executions {
  private readonly client: SFNClient;

  constructor(client: SFNClient) {
    this.client = client;
  }

  async isRunning(execution: string): Promise<boolean> {
    try {
      const { status } = await this.client.send(new DescribeExecutionCommand({ executionArn: execution }));
      return status === "RUNNING" || status === "PENDING_REDRIVE";
    } catch (error) {
      // Step Functions forgets an execution 90 days after its end.
      if (awsErrorName(error) === "ExecutionDoesNotExist") return false;
      throw error;
    }
  }
}
