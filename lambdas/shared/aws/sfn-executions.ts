import { DescribeExecutionCommand, type SFNClient } from "@aws-sdk/client-sfn";
import type { Executions } from "../ports.ts";
import { awsErrorName } from "./error-name.ts";

// As long as a Lambda may live.
const WORKERS_LIVE_MS = 15 * 60_000;

/** Whether an execution, or a worker that it started, may still be at work. */
export class SfnExecutions implements Executions {
  private readonly client: SFNClient;

  constructor(client: SFNClient) {
    this.client = client;
  }

  async isRunning(execution: string): Promise<boolean> {
    try {
      const { status, stopDate } = await this.client.send(
        new DescribeExecutionCommand({ executionArn: execution }),
      );
      if (status === "RUNNING" || status === "PENDING_REDRIVE") return true;
      // Step Functions does not end the workers of an execution that is stopped; and its clean-up is about to begin.
      return stopDate !== undefined && stopDate.getTime() + WORKERS_LIVE_MS > Date.now();
    } catch (error) {
      // Step Functions forgets an execution 90 days after its end.
      if (awsErrorName(error) === "ExecutionDoesNotExist") return false;
      throw error;
    }
  }
}
