import { FINAL, RETRYABLE } from "../../lambdas/shared/errors.ts";
import { LAMBDA_ERRORS } from "../../lib/machine/retries.ts";
import type { Definition } from "../../local/definition.ts";
import { filled, inputFor, readsState } from "./input.ts";

interface Retrier {
  ErrorEquals: string[];
  MaxAttempts: number;
  IntervalSeconds?: number;
}

export interface TaskState {
  Type: string;
  Resource: string;
  Next?: string;
  Parameters?: unknown;
  ResultPath?: string | null;
  TimeoutSecondsPath?: string;
  Retry?: Retrier[];
  Catch?: { ErrorEquals: string[]; Next: string; ResultPath?: string }[];
}

/** A question to Step Functions about a state, and the expected answer. */
export interface Case {
  machine: string;
  state: string;
  /** The tested behavior, for the summary. */
  title: string;
  input: unknown;
  mock: { result: unknown } | { error: string };
  /** The number of earlier tries of the retrier. */
  tried?: number;
  expected: { status: string; nextState?: string; output?: unknown; backoff?: number };
}

const UNNAMED = "TypeError";
const TIMEOUT = "States.Timeout";

/** Cases for one state of each kind: its errors, retries and transitions, a time by a path, and a missing path. */
export function casesOf(machine: string, definition: Definition, every = false): Case[] {
  const states = [...definition.states] as unknown as [string, TaskState][];
  const tasks = states.filter(([, { Type }]) => Type === "Task");
  const kinds = new Set<string>();
  return tasks.flatMap(([name, state], at) => {
    const kind = kindOf(state);
    const first = !kinds.has(kind);
    kinds.add(kind);
    return first || every ? casesOfState(machine, definition, name, state, at === 0) : [];
  });
}

/** The features of a state that Step Functions treats alike, whatever it calls and wherever it leads. */
function kindOf({ Resource, Retry, Catch, ResultPath, TimeoutSecondsPath }: TaskState): string {
  const caught = Catch?.map(({ ErrorEquals, ResultPath: path }) => [ErrorEquals, path?.split(".").length]);
  const waits = Resource.endsWith(".waitForTaskToken");
  return JSON.stringify([waits, Retry, caught, ResultPath?.split(".").length, TimeoutSecondsPath]);
}

function casesOfState(
  machine: string,
  definition: Definition,
  name: string,
  state: TaskState,
  allNames: boolean,
): Case[] {
  const input = inputFor(definition);
  const of = { machine, state: name, input };
  const result = { status: "done", seconds: 60 };
  const { Retry = [], Next } = state;
  const errors = [
    ...(allNames ? FINAL : FINAL.slice(0, 1)),
    ...(allNames ? RETRYABLE : RETRYABLE.slice(0, 1)),
    ...(allNames ? LAMBDA_ERRORS : LAMBDA_ERRORS.slice(0, 1)),
    UNNAMED,
    TIMEOUT,
  ];
  return [
    {
      ...of,
      title: "it succeeds",
      mock: { result },
      expected: {
        status: "SUCCEEDED",
        ...(Next === undefined ? {} : { nextState: Next }),
        output: filled(input, state.ResultPath, result),
      },
    },
    ...errors.flatMap((error) => casesOfError(of, state, Retry, error)),
    // By the language this is States.Runtime, which no Catch receives.
    ...(readsState(state)
      ? [
          {
            ...of,
            input: {},
            title: "a path leads nowhere",
            mock: { result },
            expected: { status: "FAILED" },
          },
        ]
      : []),
  ];
}

function casesOfError(
  of: Pick<Case, "machine" | "state" | "input">,
  state: TaskState,
  retriers: readonly Retrier[],
  error: string,
): Case[] {
  const retrier = retriers.find(({ ErrorEquals }) => ErrorEquals.some((name) => names(name, error)));
  const most = retrier?.MaxAttempts ?? 0;
  const caught = state.Catch?.find(({ ErrorEquals }) => ErrorEquals.some((name) => names(name, error)));
  const gaveUp: Case = {
    ...of,
    title: most > 0 ? `${error}, after ${most} tries` : error,
    mock: { error },
    ...(most > 0 ? { tried: most } : {}),
    expected: { status: "CAUGHT_ERROR", ...(caught && { nextState: caught.Next }) },
  };
  if (most === 0) return [gaveUp];
  const again: Case = {
    ...of,
    title: `${error}, the first time`,
    mock: { error },
    tried: 0,
    // Step Functions does not report a pause with jitter beforehand.
    expected: {
      status: "RETRIABLE",
      ...(hasJitter(retrier) || retrier?.IntervalSeconds === undefined
        ? {}
        : { backoff: retrier.IntervalSeconds }),
    },
  };
  return [again, gaveUp];
}

function names(pattern: string, error: string): boolean {
  if (pattern === "States.ALL") return true;
  if (pattern === "States.TaskFailed") return error !== TIMEOUT;
  return pattern === error;
}

function hasJitter(retrier: Retrier | undefined): boolean {
  return (retrier as { JitterStrategy?: string } | undefined)?.JitterStrategy === "FULL";
}
