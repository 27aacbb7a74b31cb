import { randomUUID } from "node:crypto";
import type { Definition } from "./definition.ts";
import type { EventLog } from "./interpreter-types.ts";

/** How long a local run waits where the deployed one polls AWS. */
const WAIT_MS = 20;

/**
 * The interpreter runs each branch of a Parallel state as an execution with its own start time. In Step Functions all
 * branches have the start time of the run.
 */
const START_TIME = { asked: '"$$.Execution.StartTime"', told: '"$$.Run.StartTime"' };

export interface Interpretation {
  definition: Definition;
  input: Record<string, unknown>;
  run: string;
  execution: string;
  /** Called for every Task state with what the state would send. For callback tasks it resolves with the answer. */
  task(state: string, event: Record<string, unknown>): Promise<unknown>;
  onEvent(event: EventLog): void;
  /** Pause before a retry, in milliseconds; what the definition says when not given. */
  retryPauseMs?: number;
  /** The same for each Wait state. */
  waitMs?: number;
  /** Enters the machine at this state instead of its first, with `input` as that state's. */
  startAt?: string;
}

/** Runs the definition to its end. Resolves to the name of the end state: `Succeeded`, or the error of a Fail state. */
export async function interpret({
  definition,
  input,
  run,
  execution,
  task,
  onEvent,
  retryPauseMs,
  waitMs = WAIT_MS,
  startAt = definition.parsed.StartAt,
}: Interpretation): Promise<string> {
  // The interpreter is written for Node 22.
  Promise.withResolvers ??= withResolvers;
  const { StateMachine } = await import("aws-local-stepfunctions");
  const machine = new StateMachine(
    { ...JSON.parse(definition.text.replaceAll(START_TIME.asked, () => START_TIME.told)), StartAt: startAt },
    // A test validates it: that takes a hundred times as long as to run it.
    { validationOptions: { noValidate: true } },
  );
  const taskStates = [...definition.capabilities.keys()];
  const waitStates = [...definition.states].filter(([, { Type }]) => Type === "Wait");
  const execute = machine.run(input as never, {
    context: {
      Execution: { Id: execution, Name: run, Input: input as never },
      Run: { StartTime: new Date().toISOString() },
      Task: {
        // A getter, as every callback task needs a token of its own.
        get Token() {
          return randomUUID();
        },
      },
    },
    overrides: {
      taskResourceLocalHandlers: Object.fromEntries(
        taskStates.map((name) => [
          name,
          async (event: unknown) => {
            const sent = event as { Payload?: Record<string, unknown> };
            return (await task(name, sent.Payload ?? (sent as Record<string, unknown>))) as never;
          },
        ]),
      ),
      waitTimeOverrides: Object.fromEntries(waitStates.map(([name]) => [name, waitMs])),
      ...(retryPauseMs === undefined
        ? {}
        : { retryIntervalOverrides: Object.fromEntries(taskStates.map((name) => [name, retryPauseMs])) }),
    },
  });
  const told = (async () => {
    for await (const event of execute.eventLogs) onEvent(event as EventLog);
  })();
  try {
    await execute.result;
    return "Succeeded";
  } catch (error) {
    const cause = (error as { cause?: unknown }).cause;
    if (cause instanceof Error) return cause.name;
    throw error;
  } finally {
    await told;
  }
}

function withResolvers<T>(): PromiseWithResolvers<T> {
  let resolve!: PromiseWithResolvers<T>["resolve"];
  let reject!: PromiseWithResolvers<T>["reject"];
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
