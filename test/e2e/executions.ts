import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  ListExecutionsCommand,
  SendTaskSuccessCommand,
  type SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from "@aws-sdk/client-sfn";
import { eventually } from "./command.ts";

export interface Ended {
  status: string;
  /** Of a failed end: its name, and its cause. */
  error: string | undefined;
  cause: string | undefined;
  /** States that were entered, in order. */
  states: string[];
  /** What failed on the way, caught or not; a line each. */
  failures: string[];
  /** Every event, as JSON. */
  history: string[];
}

/** A state machine as an operator has it: only by its API. */
export class Executions {
  private readonly sfn: SFNClient;
  private readonly machine: string;

  constructor(sfn: SFNClient, machine: string) {
    this.sfn = sfn;
    this.machine = machine;
  }

  async start(name: string, input: object): Promise<string> {
    const started = await this.sfn.send(
      new StartExecutionCommand({ stateMachineArn: this.machine, name, input: JSON.stringify(input) }),
    );
    return started.executionArn ?? "";
  }

  async stop(execution: string): Promise<void> {
    await this.sfn.send(new StopExecutionCommand({ executionArn: execution }));
  }

  /** Answers a state that waits. */
  async answer(taskToken: string, output: object): Promise<void> {
    await this.sfn.send(new SendTaskSuccessCommand({ taskToken, output: JSON.stringify(output) }));
  }

  /** The execution whose input names that run, once there is one. */
  async about(run: string): Promise<string> {
    let found: string | undefined;
    await eventually(async () => {
      for (const execution of await this.all()) {
        const { input = "{}" } = await this.describe(execution);
        if ((JSON.parse(input) as { run?: string }).run === run) found = execution;
      }
      return found !== undefined;
    }, `an execution about ${run}`);
    return found as string;
  }

  private async all(): Promise<string[]> {
    const { executions = [] } = await this.sfn.send(
      new ListExecutionsCommand({ stateMachineArn: this.machine }),
    );
    return executions.flatMap(({ executionArn }) => (executionArn === undefined ? [] : [executionArn]));
  }

  /** Where each one stands that has not ended, a line each with what failed on its way. */
  async standing(): Promise<string[]> {
    const lines: string[] = [];
    for (const execution of await this.all()) {
      if ((await this.describe(execution)).status !== "RUNNING") continue;
      const { states, failures } = await this.history(execution);
      lines.push([`${execution.split(":").at(-1)} is in "${states.at(-1)}"`, ...failures].join(". "));
    }
    return lines;
  }

  private describe(execution: string) {
    return this.sfn.send(new DescribeExecutionCommand({ executionArn: execution }));
  }

  async end(execution: string, seconds = 300): Promise<Ended> {
    let status = "";
    try {
      await eventually(
        async () => {
          status = (await this.describe(execution)).status ?? "";
          return status !== "RUNNING";
        },
        "the execution to end",
        seconds,
        500,
      );
    } catch (error) {
      const { states, failures } = await this.history(execution);
      throw new Error(`${(error as Error).message}; it is in "${states.at(-1)}". ${failures.join("\n")}`, {
        cause: error,
      });
    }
    const { error, cause } = await this.describe(execution);
    return { status, error, cause, ...(await this.history(execution)) };
  }

  private async history(execution: string): Promise<Pick<Ended, "states" | "failures" | "history">> {
    const events: HistoryEvent[] = [];
    let nextToken: string | undefined;
    do {
      const page = await this.sfn.send(
        new GetExecutionHistoryCommand({ executionArn: execution, maxResults: 1000, nextToken }),
      );
      events.push(...(page.events ?? []));
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
    const states: string[] = [];
    const failures: string[] = [];
    for (const { stateEnteredEventDetails: entered, taskFailedEventDetails: failed } of events) {
      if (entered?.name !== undefined) states.push(entered.name);
      if (failed) failures.push(`${states.at(-1)}: ${failed.error}: ${failed.cause}`);
    }
    return { states, failures, history: events.map((event) => JSON.stringify(event)) };
  }
}
