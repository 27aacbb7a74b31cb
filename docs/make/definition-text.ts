import { WAYS_BACK } from "../../lib/machine/retries.ts";
import type { Definition } from "../../local/definition.ts";
import { Flow } from "./flow.ts";

interface Task {
  Resource: string;
  Parameters?: Record<string, unknown>;
  TimeoutSeconds?: number;
  TimeoutSecondsPath?: string;
  ResultPath?: string | null;
  Retry?: {
    ErrorEquals: string[];
    MaxAttempts?: number;
    IntervalSeconds?: number;
    MaxDelaySeconds?: number;
  }[];
}

// Every task has these, so they are left out.
const RUN_FIELDS = [
  "run",
  "execution",
  "started",
  "planChecksum",
  "state",
  "phase",
  "cleanUp",
  "token",
  "limitMinutes",
];

/** Returns a state machine as text for reviews: a change of the machine is a readable difference of the text. */
export function definitionText(definition: Definition): string {
  const flow = new Flow(definition);
  const usual = usualLimits(flow);
  const lines = [
    `${flow.order.length} states, from "${definition.parsed.StartAt}".`,
    ...[...usual].map(([kind, limits]) => `${kind} ${limits}, unless stated otherwise.`),
    `Errors of Lambda itself: ${[...errorsOfLambda(flow)].join(", ")}.`,
  ];
  for (const { phase, within } of definition.phases) {
    lines.push("", within === undefined ? phase : `${phase} (within ${within})`);
    for (const name of flow.order.filter((state) => flow.phaseOf(state) === phase && !isInLoop(flow, state)))
      lines.push(`  ${stateText(flow, name, usual)}`);
  }
  return `${lines.join("\n")}\n`;
}

type Limits = ReadonlyMap<string, string>;

/** The line of a loop's task includes its wait and its choice. */
function isInLoop(flow: Flow, name: string): boolean {
  const task = /^(Wait|Done): (.*)$/.exec(name)?.[2];
  return task !== undefined && flow.isTask(task);
}

function stateText(flow: Flow, name: string, usual: Limits): string {
  const state = flow.state(name) as unknown as Record<string, unknown>;
  switch (state.Type) {
    case "Task":
      return `${name}: ${taskText(flow, name, taskOf(flow, name), usual)}`;
    case "Fail":
      return `${name}: fails with ${String(state.Error)}`;
    case "Succeed":
      return `${name}: succeeds`;
    case "Wait":
      return `${name}: waits ${String(state.Seconds ?? state.SecondsPath)} s${waysText(flow, name)}`;
    case "Pass":
      return `${name}${notedText(state)}${waysText(flow, name)}`;
    default:
      return `${name}${waysText(flow, name)}`;
  }
}

function notedText({ Result, Parameters, InputPath }: Record<string, unknown>): string {
  if (InputPath !== undefined) return `: notes ${String(InputPath)}`;
  const noted = Result ?? Parameters;
  return noted === undefined ? "" : `: notes ${JSON.stringify(noted)}`;
}

function taskText(flow: Flow, name: string, task: Task, usual: Limits): string {
  const sent = payloadOf(task);
  const what = Object.entries(sent)
    .filter(([key]) => !RUN_FIELDS.includes(key.replace(/\.\$$/, "")))
    .map(
      ([key, value]) =>
        `${key.replace(/\.\$$/, "")}=${Array.isArray(value) ? value.join("+") : String(value)}`,
    );
  const loop = flow.ways(name)[0]?.to;
  const isLoop = loop === `Done: ${name}`;
  const notes = [
    isLoop ? `again until done, ${String(sent.limitMinutes)} min at most` : "",
    isQuestion(task) ? "waits for an answer" : "",
    limitsText(task) === usual.get(kindOf(flow, name)) ? "" : limitsText(task),
  ].filter((note) => note !== "");
  const after = isLoop
    ? [...flow.ways(loop).filter(({ to }) => to !== `Wait: ${name}`), ...flow.ways(name).slice(1)]
    : undefined;
  const called = `${flow.definition.capabilities.get(name)}(${what.join(", ")})`;
  return [called, ...notes].join("; ") + waysText(flow, name, after);
}

function payloadOf({ Parameters = {} }: Task): Record<string, unknown> {
  return (Parameters.Payload as Record<string, unknown> | undefined) ?? Parameters;
}

function waysText(flow: Flow, name: string, ways = flow.ways(name)): string {
  return ways.map(({ to, when }) => (when === "" ? ` -> ${to}` : ` | ${when} -> ${to}`)).join("");
}

/** The interpreter's types lack the fields that only tasks have. */
function taskOf(flow: Flow, name: string): Task {
  return flow.state(name) as unknown as Task;
}

function isQuestion({ Resource }: Task): boolean {
  return Resource.endsWith("waitForTaskToken");
}

function kindOf(flow: Flow, name: string): string {
  const kind = isQuestion(taskOf(flow, name)) ? "A task that waits for an answer" : "Any other task";
  return WAYS_BACK.includes(flow.phaseOf(name) ?? "") ? `${kind}, on the ways back,` : kind;
}

function isOfLambda(errors: readonly string[]): boolean {
  return errors.every((error) => error.startsWith("Lambda."));
}

function errorsOfLambda(flow: Flow): ReadonlySet<string> {
  const retriers = flow.order.flatMap((name) => taskOf(flow, name).Retry ?? []);
  return new Set(retriers.flatMap(({ ErrorEquals }) => (isOfLambda(ErrorEquals) ? ErrorEquals : [])));
}

/** Returns a task's time limit and its retries, in words. */
function limitsText({ TimeoutSeconds, TimeoutSecondsPath, Retry = [] }: Task): string {
  const time =
    TimeoutSeconds === undefined ? `as many seconds as ${TimeoutSecondsPath}` : `${TimeoutSeconds} s`;
  const tries = Retry.map(({ ErrorEquals, MaxAttempts = 3, IntervalSeconds = 1, MaxDelaySeconds }) => {
    const errors = isOfLambda(ErrorEquals) ? "errors of Lambda itself" : ErrorEquals.join(", ");
    if (MaxAttempts === 0) return `never again after ${errors}`;
    const longest = MaxDelaySeconds === undefined ? "" : ` to ${MaxDelaySeconds}`;
    return `${MaxAttempts} times more after ${errors} (pauses from ${IntervalSeconds}${longest} s)`;
  });
  return `may take ${time}, and is tried ${tries.join("; ")}`;
}

/** Returns the most frequent limits for each kind of task. */
function usualLimits(flow: Flow): Limits {
  const counts = new Map<string, Map<string, number>>();
  for (const name of flow.order.filter((state) => flow.isTask(state))) {
    const task = taskOf(flow, name);
    const kind = kindOf(flow, name);
    const ofKind = counts.get(kind) ?? new Map<string, number>();
    const limits = limitsText(task);
    counts.set(kind, ofKind.set(limits, (ofKind.get(limits) ?? 0) + 1));
  }
  return new Map(
    [...counts].map(([kind, ofKind]) => [kind, [...ofKind].sort((a, b) => b[1] - a[1])[0]?.[0] ?? ""]),
  );
}
