import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import validate from "asl-validator";
import { beforeAll, describe, expect, test } from "vitest";
import { usualAnswer, usualRun } from "../../docs/make/usual-run.ts";
import { ErrorName, FINAL } from "../../lambdas/shared/errors.ts";
import { stateInWords } from "../../lambdas/shared/names.ts";
import { named } from "../../lambdas/shared/next-migration.ts";
import { type CompiledPlan, type Migration, RESTORE } from "../../lambdas/shared/plan.ts";
import { WAYS_BACK } from "../../lib/machine/retries.ts";
import { compilePlan } from "../../lib/plan/compile.ts";
import { EVENTS } from "../../lib/plan/limits.ts";
import { type Definition, definitionOf, type StateGraph, type Template } from "../../local/definition.ts";
import { interpret } from "../../local/interpreter.ts";
import { synthesize, templateOf } from "../../local/synthesize.ts";
import { planOf } from "../support/plans.ts";
import { temporaryFolder } from "../support/rehearsal.ts";
import { fullSettings, makeApp } from "../support/stack.ts";

interface Retrier {
  ErrorEquals: string[];
  IntervalSeconds: number;
  BackoffRate: number;
  MaxAttempts: number;
  MaxDelaySeconds: number;
  JitterStrategy?: string;
}

interface State {
  Type: string;
  Resource?: string;
  TimeoutSeconds?: number;
  TimeoutSecondsPath?: string;
  Parameters?: { Payload: Record<string, unknown> };
  Next?: string;
  Default?: string;
  Choices?: { Next: string }[];
  Branches?: StateGraph[];
  within?: string;
  Retry?: Retrier[];
  Catch?: { ErrorEquals: string[]; Next: string }[];
}

const statesOf = (definition: Pick<Definition, "states">) =>
  [...definition.states] as unknown as [string, State][];
const ways = ({ Next, Default, Choices = [], Catch = [], Branches = [] }: State) =>
  [
    ...Branches.map(({ StartAt }) => StartAt),
    Next,
    Default,
    ...Choices.map((choice) => choice.Next),
    ...Catch.map((caught) => caught.Next),
  ].filter((name) => name !== undefined);
const isCallback = (state: State) => state.Resource?.endsWith(".waitForTaskToken") === true;

describe.each(["before", "inside"] as const)(
  "the definition with the rehearsal %s the downtime",
  (rehearse) => {
    let definition: Definition;
    beforeAll(async () => {
      definition = await synthesize(await compilePlan("sql/knowledge-graph"), { rehearse });
    });

    test("is one that Step Functions takes", () => {
      const found = validate(JSON.parse(definition.text));
      expect(found.errorsText()).toBe("");
      expect(found.isValid).toBe(true);
    });

    test("bounds every task in time and catches whatever it can meet", () => {
      for (const [name, state] of statesOf(definition).filter(([, { Type }]) => Type === "Task")) {
        // The task before a gate returns how long the gate is open.
        if (isCallback(state)) {
          expect(state.TimeoutSecondsPath, name).toBe("$.Payload.seconds");
          // Step Functions reads the path in the state's input. The state's payload takes it from there, so it exists.
          expect(state.Parameters?.Payload["seconds.$"], name).toBe(state.TimeoutSecondsPath);
        } else expect(state.TimeoutSeconds, name).toBeGreaterThan(0);
        expect(state.Catch?.at(-1)?.ErrorEquals, name).toEqual(["States.ALL"]);
      }
    });

    test("has no timeout for the whole machine, which would skip the rollback", () => {
      expect(JSON.parse(definition.text)).not.toHaveProperty("TimeoutSeconds");
    });

    test("never tries a final error again", () => {
      for (const [name, state] of statesOf(definition).filter(([, { Type }]) => Type === "Task"))
        expect(state.Retry?.[0], name).toEqual({ ErrorEquals: [...FINAL], MaxAttempts: 0 });
    });

    test("never asks the same people again because their time is over", () => {
      const gates = statesOf(definition).filter(([, state]) => isCallback(state));
      expect(gates.length).toBe(12);
      for (const [name, state] of gates)
        for (const { ErrorEquals } of state.Retry ?? [])
          expect(
            ErrorEquals.some((error) => error === "States.ALL" || error === "States.Timeout"),
            name,
          ).toBe(false);
    });

    test("leads from every state to one of the five ends, and from the start to all of them", () => {
      const states = new Map(statesOf(definition));
      const seen = new Set<string>();
      const ends = new Set<string>();
      const visit = (name: string): void => {
        if (seen.has(name)) return;
        seen.add(name);
        const state = states.get(name);
        if (!state) throw new Error(`There is no state ${name}`);
        const following = ways(state);
        // The end of a branch is not an end of the machine.
        if (following.length === 0 && state.within === undefined) ends.add(name);
        for (const following_ of following) visit(following_);
      };
      visit(definition.parsed.StartAt);
      expect([...ends].sort()).toEqual(["NeedsOperator", "Refused", "Restored", "RolledBack", "Succeeded"]);
      expect(seen.size).toBe(states.size);
    });

    test("is the same for every plan: nothing of one is in it but its checksum", async () => {
      const [one, many] = [planOf(1), planOf(300)];
      const texts = await Promise.all(
        [one, many].map(async (plan) => {
          const template = await templateOf({ ...plan, checksum: "c".repeat(64) }, { rehearse });
          return (["run", "clean-up"] as const).map((name) => definitionOf(template, name).text);
        }),
      );
      expect(texts[1]).toEqual(texts[0]);
      expect(definition.text.length).toBe(texts[0]?.[0]?.length);
    });

    test("names the phase of every task, in the definition and in the task's input", () => {
      const inPhases = definition.phases.flatMap(({ states }) => states);
      expect([...inPhases].sort()).toEqual([...definition.capabilities.keys()].sort());
      for (const { phase, states } of definition.phases)
        for (const name of states) {
          const sent = (definition.states.get(name) as State).Parameters;
          expect({ ...sent, ...sent?.Payload }, name).toMatchObject({
            phase,
            state: name.replace(/, then .*$/, ""),
          });
        }
    });

    test("shows the migration that a state works on in its input, by version and title", async () => {
      const plan = planOf(3);
      const shown = new Map<string, unknown>();
      await play(definition, plan, {
        onTask: (_, { state, version, title }) => void (version && shown.set(`${state} ${version}`, title)),
      });
      for (const state of [
        "Apply to staging",
        "Validate on staging",
        "Roll back on staging",
        "Prove rolled back on staging",
        "Apply to staging again",
        "Apply to production",
        "Validate on production",
        "Gate: after",
      ])
        for (const { version, title } of plan.migrations)
          expect(shown.get(`${state} ${version}`), state).toBe(title);
    });
  },
);

describe("errors of Lambda itself", () => {
  let template: Template;
  beforeAll(async () => {
    template = await templateOf(await compilePlan("test/plans/tiny"), { rehearse: "before" });
  });
  const THROTTLED = "Lambda.TooManyRequestsException";

  /** Returns the seconds that the machine waits in all before it gives up after that error. */
  function patience({ Retry = [] }: State, error: string): number {
    const retrier = Retry.find(({ ErrorEquals }) => ErrorEquals.some((name) => name === error));
    if (!retrier) return 0;
    // With jitter a pause could be almost zero.
    expect(retrier.JitterStrategy).toBeUndefined();
    const pause = (tried: number) => retrier.IntervalSeconds * retrier.BackoffRate ** tried;
    return Array.from({ length: retrier.MaxAttempts }, (_, tried) =>
      Math.min(pause(tried), retrier.MaxDelaySeconds),
    ).reduce((sum, seconds) => sum + seconds);
  }

  test.each([
    THROTTLED,
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.Unknown",
    "Lambda.ResourceNotReadyException",
    "Lambda.ResourceConflictException",
    "Lambda.CodeArtifactUserPendingException",
    "Lambda.ENINotReadyException",
    "Lambda.ENILimitReachedException",
    "Lambda.SubnetIPAddressLimitReachedException",
    "Lambda.EC2ThrottledException",
    "Lambda.EC2UnexpectedException",
  ])("have minutes to pass, and most of an hour on the ways back and in the clean-up: %s", (error) => {
    for (const name of ["run", "clean-up"] as const) {
      const definition = definitionOf(template, name);
      const back = new Set(
        definition.phases
          .filter(({ phase }) => name === "clean-up" || WAYS_BACK.includes(phase))
          .flatMap(({ states }) => states),
      );
      for (const [state, found] of statesOf(definition).filter(([, { Type }]) => Type === "Task")) {
        const seconds = patience(found, error);
        expect(seconds, state).toBeGreaterThanOrEqual((back.has(state) ? 45 : 5) * 60);
        expect(seconds, state).toBeLessThanOrEqual((back.has(state) ? 70 : 10) * 60);
      }
    }
  });

  test("are waited out, and so is a restored production's name: it takes ten minutes to lead there", () => {
    for (const name of ["run", "clean-up"] as const) {
      const states = new Map(statesOf(definitionOf(template, name)));
      const proof = states.get("Prove production restored") as State;
      expect(patience(proof, ErrorName.ConnectionLost)).toBeGreaterThanOrEqual(15 * 60);
    }
  });

  test("lead to no other way: neither Preflight, nor a gate, nor a rollback gives up after ten of them", async () => {
    const definition = definitionOf(template);
    const throttled = new Map<string, number>();
    const asked: string[] = [];
    const end = await interpret({
      definition,
      input: {},
      run: "run-1",
      execution: "arn:x",
      retryPauseMs: 0,
      async task(state, event) {
        const times = throttled.get(state) ?? 0;
        throttled.set(state, times + 1);
        if (times < 10) throw Object.assign(new Error("Rate exceeded"), { name: THROTTLED });
        asked.push(state);
        if (state === "Benchmark production") throw Object.assign(new Error(), { name: "BenchmarkFailed" });
        return usualAnswer(definition.capabilities.get(state), event, planOf(2));
      },
      onEvent: () => undefined,
    });
    expect(end).toBe("RolledBack");
    expect(asked).toContain("Prove production rolled back");
  });
});

test("no intrinsic of either machine holds an escaped apostrophe, which not every interpreter reads", async () => {
  const template = await templateOf(planOf(1), { rehearse: "before" });
  const intrinsics = (["run", "clean-up"] as const).flatMap((name) =>
    [...definitionOf(template, name).text.matchAll(/"[^"]*\.\$":\s*("(?:States\.)(?:[^"\\]|\\.)*")/g)].map(
      ([, text]) => JSON.parse(text as string) as string,
    ),
  );
  expect(intrinsics.length).toBeGreaterThanOrEqual(2);
  for (const intrinsic of intrinsics) expect(intrinsic).not.toContain("\\'");
});

test("where restores are off no state mentions one, and every state can be reached", async () => {
  const { app, stack } = await makeApp({ settings: { ...fullSettings, restore: false } });
  const { template } = app.synth().getStackArtifact(stack.artifactId);
  for (const name of ["run", "clean-up"] as const) {
    const { parsed, states } = definitionOf(template, name);
    const led = new Set([parsed.StartAt]);
    for (const [, state] of statesOf({ states })) for (const next of ways(state)) led.add(next);
    expect([...led].sort()).toEqual([...states.keys()].sort());
    expect([...led].filter((state) => /restore\?|aside|production restored/i.test(state))).toEqual([]);
  }
});

test("the definition that runs locally is byte for byte the one that cdk synth makes", async () => {
  const out = await temporaryFolder();
  await promisify(execFile)(process.execPath, [
    "node_modules/aws-cdk/bin/cdk",
    "synth",
    "--quiet",
    "--output",
    out,
  ]);
  const stack = "Sluice-orders-production";
  const template = JSON.parse(await readFile(join(out, `${stack}.template.json`), "utf8"));
  const local = await synthesize(await compilePlan("sql/knowledge-graph"), { rehearse: "before" });
  expect(local.text).toBe(definitionOf(template).text);
});

interface Played {
  end: string;
  /** Longest input of a state, in characters. */
  largest: number;
  states: string[];
}

/** Plays the whole machine, with a Go at every gate and without waiting. */
async function play(
  definition: Definition,
  plan: CompiledPlan,
  {
    failing,
    begun = plan.migrations.length,
    onTask,
  }: {
    failing?: string;
    /** Number of migrations that have begun, by the ledger. */
    begun?: number;
    onTask?: (state: string, event: Record<string, unknown>) => void;
  } = {},
): Promise<Played> {
  let largest = 0;
  const states: string[] = [];
  const end = await interpret({
    definition,
    input: { reason: "r".repeat(2_000) },
    run: "run-of-a-large-plan",
    execution: "arn:aws:states:us-east-1:000000000000:execution:sluice:run-of-a-large-plan",
    retryPauseMs: 0,
    waitMs: 0,
    async task(state, event) {
      onTask?.(state, event);
      const name = stateInWords(String(event.state), event.version as string | undefined);
      states.push(name);
      if (name === failing) throw Object.assign(new Error("x".repeat(2_000)), { name: "BenchmarkFailed" });
      if (state === "Write the report") return { error: "RolledBack", cause: "y".repeat(2_000) };
      if (state === "Begin rollback") return { ...named(plan.migrations[begun - 1]), way: "rollback" };
      return usualAnswer(definition.capabilities.get(state), event, plan);
    },
    onEvent({ state }) {
      largest = Math.max(largest, JSON.stringify(state?.input ?? "").length);
    },
  });
  return { end, largest, states };
}

describe("states side by side", () => {
  const [alarms, stop] = ["Silence the alarms", "Stop the application"] as const;
  let definition: Definition;
  beforeAll(async () => {
    definition = await synthesize(planOf(1), { rehearse: "before" });
  });

  /** @param slow takes so long that the machine could continue without it */
  async function playSideBySide(broken: readonly string[], slow?: string) {
    const log: string[] = [];
    const starts = new Set<unknown>();
    let reported: unknown;
    const end = await interpret({
      definition,
      input: {},
      run: "run-1",
      execution: "arn:x",
      retryPauseMs: 0,
      waitMs: 0,
      async task(state, event) {
        log.push(`${state} begins`);
        starts.add(event.started);
        if (state === slow) await new Promise((resolve) => setTimeout(resolve, 100));
        log.push(`${state} ends`);
        if (state === "Write the report") reported = event.failure;
        if (broken.includes(state))
          throw Object.assign(new Error(`${state} is broken`), { name: ErrorName.HookFailed });
        return usualAnswer(definition.capabilities.get(state), event, planOf(1));
      },
      onEvent: () => undefined,
    });
    return { end, log, reported, starts };
  }

  test("begin before one of them has ended, and all end before the fence", async () => {
    const { end, log } = await playSideBySide([], alarms);
    expect(end).toBe("Succeeded");
    const at = (line: string) => log.indexOf(line);
    expect(at(`${stop} begins`)).toBeLessThan(at(`${alarms} ends`));
    for (const one of [alarms, stop]) expect(at(`${one} ends`)).toBeLessThan(at("Fence production begins"));
  });

  test("belong to the same execution: their input has the same start as all others", async () => {
    const { starts } = await playSideBySide([], alarms);
    expect(starts.size).toBe(1);
  });

  test.each([
    [stop, alarms],
    [alarms, stop],
  ])('lead back where "%s" fails, and only when "%s" has ended', async (broken, slow) => {
    const { end, log, reported } = await playSideBySide([broken], slow);
    expect(end).toBe("Refused");
    expect(reported).toEqual({ Error: ErrorName.HookFailed, Cause: `${broken} is broken` });
    expect(log).not.toContain("Fence production begins");
    expect(log.indexOf(`${slow} ends`)).toBeGreaterThan(log.indexOf(`${broken} ends`));
    expect(log.indexOf(`${slow} ends`)).toBeLessThan(log.indexOf("Leave no fence begins"));
  });

  test("lead back once where all of them fail, with the failure of one", async () => {
    const { end, log, reported } = await playSideBySide([alarms, stop]);
    expect(end).toBe("Refused");
    expect(reported).toEqual({ Error: ErrorName.HookFailed, Cause: `${alarms} is broken` });
    expect(log.filter((line) => line === "Leave no fence begins")).toHaveLength(1);
  });
});

describe("a plan of 300 migrations", () => {
  let definition: Definition;

  test("comes to no more events in its history than the plan's limits count", async () => {
    const eventsOf = async (count: number) => {
      const { entered, called } = await usualRun(definition, planOf(count));
      return called.length * 5 + (entered.length - called.length) * 2 + 2;
    };
    const [one, eleven] = [await eventsOf(1), await eventsOf(11)];
    const each = EVENTS.migration + EVENTS.gate;
    // The way back adds one call and two choices.
    expect((eleven - one) / 10 + 5 + 2 * 2).toBeLessThanOrEqual(each);
    expect(each).toBeLessThan(((eleven - one) / 10) * 1.6);
    expect(one).toBeLessThan(EVENTS.once);
  });

  test("nor where the restore is its way back, and all of it is applied once more", async () => {
    const eventsOf = async (count: number, restores: boolean) => {
      const plan = planOf(count);
      const [first, ...more] = plan.migrations as [Migration, ...Migration[]];
      const migrations = restores ? [{ ...first, rollback: RESTORE } as const, ...more] : plan.migrations;
      const { entered, called } = await usualRun(definition, { ...plan, migrations });
      return called.length * 5 + (entered.length - called.length) * 2 + 2;
    };
    const more = async (count: number) => (await eventsOf(count, true)) - (await eventsOf(count, false));
    const each = ((await more(11)) - (await more(1))) / 10;
    expect(each).toBeGreaterThan(5);
    expect(each).toBeLessThanOrEqual(EVENTS.restore.migration);
    expect(await more(1)).toBeLessThan(EVENTS.restore.once);
  });

  const plan = planOf(300);
  const first = plan.migrations[0]?.version;
  const middle = plan.migrations[150]?.version;
  const last = plan.migrations.at(-1)?.version;
  const back = (from: number) =>
    plan.migrations
      .slice(0, from)
      .map(({ version }) => `Roll back ${version}`)
      .reverse();
  beforeAll(async () => {
    definition = await synthesize(plan, { rehearse: "before" });
  });

  test("is gone through in order, all the way to the end, in small states", async () => {
    const { end, largest, states } = await play(definition, plan);
    expect(end).toBe("Succeeded");
    expect(largest).toBeLessThan(32 * 1024);
    const applied = states.filter((state) => /^Apply .* to production$/.test(state));
    expect(applied).toEqual(plan.migrations.map(({ version }) => `Apply ${version} to production`));
    expect(states.filter((state) => /^Apply .* to staging again$/.test(state))).toHaveLength(300);
  });

  test.each([
    [`Apply ${first} to production`, 1],
    [`Validate ${middle} on production`, 151],
    [`Gate: after ${last}`, 300],
    ["Benchmark production", 300],
  ])(
    "goes back from the ledger's newest migration when %s fails, in small states",
    async (failing, begun) => {
      const { end, largest, states } = await play(definition, plan, { failing, begun });
      expect(end).toBe("RolledBack");
      expect(largest).toBeLessThan(32 * 1024);
      expect(states.filter((state) => /^Roll back \d+$/.test(state))).toEqual(back(begun));
    },
  );
});

test("a run of the bundled plan enters at most 115 states", async () => {
  const plan = await compilePlan("sql/knowledge-graph");
  const { entered } = await usualRun(await synthesize(plan, { rehearse: "before" }), plan);
  expect(entered.length).toBeLessThanOrEqual(115);
});
