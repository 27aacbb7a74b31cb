import { randomUUID } from "node:crypto";
import type { Definition } from "./definition.ts";
import {
  type ItemWork,
  itemsIn,
  type MapRun,
  type RawMachine,
  type RawState,
  runItems,
  withoutDistributedMaps,
} from "./distributed-map.ts";
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
  /** Reads the list of a Distributed Map, by what its reader's parameters are. */
  readList?(reader: Readonly<Record<string, unknown>>): Promise<string>;
  /** Pause before a retry, in milliseconds; as in the definition if not given. */
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
  readList,
  retryPauseMs,
  waitMs = WAIT_MS,
  startAt = definition.parsed.StartAt,
}: Interpretation): Promise<string> {
  // The interpreter is written for Node 22.
  Promise.withResolvers ??= withResolvers;
  const { StateMachine } = await import("aws-local-stepfunctions");
  const { machine, maps } = withoutDistributedMaps(
    JSON.parse(definition.text.replaceAll(START_TIME.asked, () => START_TIME.told)) as RawMachine,
  );
  const states = statesIn([machine, ...[...maps.values()].map(({ processor }) => processor)]);
  const tasks = states.filter(([name, { Type }]) => Type === "Task" && !maps.has(name)).map(([name]) => name);
  const waits = states.filter(([, { Type }]) => Type === "Wait").map(([name]) => name);
  const handlers: Record<string, (sent: unknown) => Promise<never>> = {};
  for (const name of tasks)
    handlers[name] = async (event) => {
      const sent = event as { Payload?: Record<string, unknown> };
      return withinTimer(await task(name, sent.Payload ?? (sent as Record<string, unknown>))) as never;
    };
  const contextOf = (id: string, name: string, given: unknown) => ({
    Execution: { Id: id, Name: name, Input: given as never },
    Run: { StartTime: new Date().toISOString() },
    Task: {
      // A getter, as every callback task needs a token of its own.
      get Token() {
        return randomUUID();
      },
    },
  });
  const begin = (one: RawMachine, given: unknown, context: Record<string, unknown>) =>
    // A test validates it: that takes a hundred times as long as to run it.
    new StateMachine(one as never, { validationOptions: { noValidate: true } }).run(given as never, {
      context,
      overrides: {
        taskResourceLocalHandlers: handlers,
        waitTimeOverrides: Object.fromEntries(waits.map((name) => [name, waitMs])),
        ...(retryPauseMs === undefined
          ? {}
          : {
              retryIntervalOverrides: Object.fromEntries(
                [...tasks, ...maps.keys()].map((name) => [name, retryPauseMs]),
              ),
            }),
      },
    });
  const context = contextOf(execution, run, input);
  const item = async (name: string, work: ItemWork, mapInput: unknown, value: unknown, index: number) => {
    const given =
      work.selector === undefined
        ? value
        : await begin(selecting(work.selector), mapInput, {
            ...context,
            Map: { Item: { Index: index, Value: value } },
          }).result;
    const id = `${execution}/${name}:${index}`;
    return await begin(work.processor, given, contextOf(id, id, given)).result;
  };
  for (const [name, work] of maps)
    handlers[name] = async (sent) => {
      const map = sent as MapRun;
      const items = map.reader
        ? itemsIn((await readList?.(map.reader)) ?? "", work.inputType)
        : (map.items as unknown[]);
      return (await runItems(items, map, work, (value, index) =>
        item(name, work, map.input, value, index),
      )) as never;
    };
  const execute = begin({ ...machine, StartAt: startAt }, input, context);
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

/** Node's timers end at once when they are to wait for longer. */
const LONGEST_TIMER_SECONDS = 2_147_483;

/** An answer may hold how long a gate is open, which a timer of this process waits for. */
function withinTimer(answer: unknown): unknown {
  const { seconds } = (answer ?? {}) as { seconds?: unknown };
  if (typeof seconds !== "number" || seconds <= LONGEST_TIMER_SECONDS) return answer;
  return { ...(answer as object), seconds: LONGEST_TIMER_SECONDS };
}

/** All states of these machines, those within their inline Maps and Parallels among them. */
function statesIn(machines: readonly RawMachine[]): [string, RawState][] {
  return machines.flatMap(({ States }) =>
    Object.entries(States).flatMap(([name, state]) => {
      const inner = [state.ItemProcessor, ...((state.Branches as unknown[]) ?? [])] as (
        | RawMachine
        | undefined
      )[];
      return [[name, state] as [string, RawState], ...statesIn(inner.filter((one) => one !== undefined))];
    }),
  );
}

/** A machine of one state that makes an item's input, as Step Functions does before an item's execution begins. */
function selecting(selector: Readonly<Record<string, unknown>>): RawMachine {
  return { StartAt: "Select", States: { Select: { Type: "Pass", Parameters: selector, End: true } } };
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
