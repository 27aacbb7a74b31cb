import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compilePlan } from "../../lib/plan/compile.ts";
import { definitionOf } from "../../local/definition.ts";
import { templateOf } from "../../local/synthesize.ts";
import type { SavedEnvironment } from "../support/matrix/environment.ts";
import { type Fault, faultText } from "../support/matrix/faults.ts";
import { type Entry, entries, kindsOfFaults, statesOf, withFault } from "../support/matrix/matrix.ts";
import { StandInEnvironment } from "../support/matrix/stand-in-environment.ts";
import { BACKUP, EXECUTION, type Ground, type Halt, RUN, type Walked, walk } from "../support/matrix/walk.ts";
import { TINY_PLAN } from "../support/rehearsal.ts";
import { Engine } from "./engine.ts";

/** All kinds of failures at every state, or one of them. */
const WHOLE = process.env.SLUICE_MATRIX === "whole";
const CLEAN_UP = "arn:aws:states:eu-central-1:123456789012:execution:clean-up:1";

let engine: Engine;
beforeAll(() => {
  engine = new Engine();
});
afterAll(async () => await engine.close());

describe.each(["before", "inside"] as const)("with the rehearsal %s the downtime", async (rehearse) => {
  const plan = await compilePlan(TINY_PLAN);
  const template = await templateOf(plan, { rehearse, backup: BACKUP });
  const run: Ground = { definition: definitionOf(template), plan, rehearse };
  const cleanUp: Ground = { ...run, definition: definitionOf(template, "clean-up"), execution: CLEAN_UP };
  let found: Map<string, Entry>;
  beforeAll(async () => {
    found = await entries(run, new StandInEnvironment());
    expect(await engine.load("run", run.definition)).toEqual({ loaded: "run" });
    expect(await engine.load("clean-up", cleanUp.definition)).toEqual({ loaded: "clean-up" });
  });

  // The two definitions differ only in the order of their phases, so a sample of the second's states is enough.
  const asked = statesOf(run)
    .map((state, at) => ({ state, at }))
    .filter(({ at }) => WHOLE || rehearse === "before" || at % 4 === 0);
  test.each(asked)(
    "a run ends equally in both interpreters where this fails: $state",
    async ({ state, at }) => {
      const { halt, faults } = found.get(state) as Entry;
      for (const fault of some([...kindsOfFaults(run, state), throttledOnce(state)], at))
        await compare(run, halt, await walk(run, halt, withFault(faults, fault)));
    },
  );

  test.each(comesBy(cleanUp).map((came, at) => ({ came, at })))(
    "a clean-up ends equally in both after a run that came so far: $came",
    async ({ came, at }) => {
      // The application is in, and only a restore helps: from here every way is possible.
      const stopped = found.get("Smoke-test the application") as Entry;
      const halt = stoppedAt(stopped.halt, came);
      const walked = await walk(cleanUp, halt, []);
      await compare(cleanUp, halt, walked);
      for (const [place, state] of [...new Set(walked.calls)].entries())
        for (const fault of some(kindsOfFaults(cleanUp, state), place))
          if (WHOLE || (rehearse === "before" && (place + at) % 6 === 0))
            await compare(cleanUp, halt, await walk(cleanUp, halt, [fault]));
    },
  );

  function stoppedAt({ evidence, alarmsOn, notices, environment }: Halt, came: string): Halt {
    const input = { run: RUN, execution: EXECUTION, status: "ABORTED" };
    const state = cleanUp.definition.parsed.StartAt;
    return { state, input, evidence, alarmsOn, notices, environment: () => looked(environment, came) };
  }
});

/** Returns what the task that looks at a stopped run may find, by the definition. */
function comesBy({ definition }: Ground): string[] {
  const choices = [...definition.states.values()].flatMap(({ Choices = [] }) => Choices);
  return choices.flatMap((choice) =>
    (choice as { Variable?: string }).Variable?.endsWith(".came") && choice.StringEquals
      ? [choice.StringEquals]
      : [],
  );
}

/** Returns the same environment, where the task that looks finds `came`. */
function looked(environment: SavedEnvironment, came: string): ReturnType<SavedEnvironment> {
  const made = environment();
  const task = made.tasks["clean-up"];
  const run: typeof task.run = async ({ action }) =>
    action === "look" ? { status: "done", came } : { Error: "", Cause: "", go: "on", plan: "" };
  const tasks = { ...made.tasks, "clean-up": { ...task, run } };
  return Object.assign(Object.create(made) as ReturnType<SavedEnvironment>, { tasks });
}

function throttledOnce(state: string): Fault {
  return { state, kind: "error", error: "Lambda.TooManyRequestsException", when: "before", tries: "first" };
}

/** Returns all faults, or one, which differs from place to place. */
function some(faults: readonly Fault[], at: number): readonly Fault[] {
  return WHOLE ? faults : faults.slice(at % faults.length).slice(0, 1);
}

/** Replays the walk with the same answers in the other interpreter, and compares what was sent, its order, and the end. */
async function compare({ definition, execution }: Ground, halt: Halt, walked: Walked): Promise<void> {
  const { input, state } = halt;
  const beside = [...definition.states].flatMap(([name, { within }]) => (within === undefined ? [] : [name]));
  const asked = {
    machine: execution === CLEAN_UP ? "clean-up" : "run",
    startAt: state,
    input,
    executionInput: input,
    execution: execution ?? EXECUTION,
    beside,
  };
  const ran = await engine.run({ ...asked, exchanges: walked.exchanges });
  const text = walked.faults.map(faultText).join(" + ");
  const inOrder = (sent: readonly [string, Record<string, unknown>][]) =>
    ordered(sent.map(seen), (one) => beside.includes(one[0]));
  expect(inOrder(ran.sent), text).toEqual(inOrder(walked.exchanges.map(({ state, sent }) => [state, sent])));
  expect({ end: ran.end, cause: untimed(ran.cause), left: ran.left }, text).toEqual({
    end: walked.end,
    cause: untimed(walked.cause),
    left: 0,
  });
}

/** What branches send has no fixed order, so neighbors among those are sorted by name. */
function ordered(sent: readonly [string, unknown][], isBeside: (one: [string, unknown]) => boolean) {
  const runs: [string, unknown][][] = [];
  for (const one of sent) {
    const last = runs.at(-1);
    if (last?.[0] && isBeside(last[0]) && isBeside(one)) last.push(one);
    else runs.push([one]);
  }
  return runs.flatMap((run) => run.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

/** The event as JSON, without the token, which each interpreter makes itself. */
function seen([state, event]: [string, Record<string, unknown>]): [string, unknown] {
  const told = { ...event, ...("token" in event && { token: "" }) };
  return [state, JSON.parse(untimed(JSON.stringify(told)))];
}

/** Removes the cause that a walk gives for a timeout: Step Functions gives none. */
function untimed(text: string): string {
  return text.replaceAll("it did not answer in time", "");
}
