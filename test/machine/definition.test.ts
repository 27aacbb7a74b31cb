import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import validate from "asl-validator";
import { beforeAll, describe, expect, test } from "vitest";
import { FINAL } from "../../lambdas/shared/errors.ts";
import { WAYS_BACK } from "../../lib/machine/retries.ts";
import { compilePlan } from "../../lib/plan/compile.ts";
import { type Definition, definitionOf, type Template } from "../../local/definition.ts";
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
  Retry?: Retrier[];
  Catch?: { ErrorEquals: string[]; Next: string }[];
}

const statesOf = (definition: Definition) =>
  Object.entries(definition.parsed.States as Record<string, State>);
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
        // A gate is open as long as the task before it said.
        if (isCallback(state)) {
          expect(state.TimeoutSecondsPath, name).toBe("$.Payload.seconds");
          // Step Functions looks it up in the state's input. There it is: the state sends it on from there.
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
      expect(gates.length).toBeGreaterThan(10);
      for (const [name, state] of gates)
        for (const { ErrorEquals } of state.Retry ?? [])
          expect(
            ErrorEquals.some((error) => error === "States.ALL" || error === "States.Timeout"),
            name,
          ).toBe(false);
    });

    test("leads from every state to one of the five ends, and from the start to all of them", () => {
      const states = new Map(statesOf(definition));
      const next = (state: State) =>
        [
          state.Next,
          state.Default,
          ...(state.Choices ?? []).map((c) => c.Next),
          ...(state.Catch ?? []).map((c) => c.Next),
        ].filter((name) => name !== undefined);
      const seen = new Set<string>();
      const ends = new Set<string>();
      const visit = (name: string): void => {
        if (seen.has(name)) return;
        seen.add(name);
        const state = states.get(name);
        if (!state) throw new Error(`There is no state ${name}`);
        const following = next(state);
        if (following.length === 0) ends.add(name);
        for (const following_ of following) visit(following_);
      };
      visit(definition.parsed.StartAt);
      expect([...ends].sort()).toEqual(["NeedsOperator", "Refused", "Restored", "RolledBack", "Succeeded"]);
      expect(seen.size).toBe(states.size);
    });

    test("names every migration's states so that the graph can be read", () => {
      const names = statesOf(definition).map(([name]) => name);
      expect(names).toEqual(
        expect.arrayContaining([
          "Apply 006 to staging",
          "Apply 006 to production",
          "Roll back 007",
          "Gate: go to production?",
        ]),
      );
    });

    test("tells the phase of every task", () => {
      const inPhases = definition.phases.flatMap(({ states }) => states);
      expect([...inPhases].sort()).toEqual([...definition.capabilities.keys()].sort());
    });
  },
);

describe("errors of Lambda itself", () => {
  let template: Template;
  beforeAll(async () => {
    template = await templateOf(await compilePlan("test/plans/tiny"), { rehearse: "before" });
  });
  const THROTTLED = "Lambda.TooManyRequestsException";

  /** Seconds that the machine waits in all before it gives up after that error. */
  function patience({ Retry = [] }: State, error: string): number {
    const retrier = Retry.find(({ ErrorEquals }) => ErrorEquals.some((name) => name === error));
    if (!retrier) return 0;
    // A share of a pause could be next to nothing.
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
      async task(state) {
        const times = throttled.get(state) ?? 0;
        throttled.set(state, times + 1);
        if (times < 10) throw Object.assign(new Error("Rate exceeded"), { name: THROTTLED });
        asked.push(state);
        if (state.startsWith("Time: ")) return { seconds: 60, until: "2026-11-03T03:00:00.000Z" };
        if (definition.capabilities.get(state) === "gate") return { decision: "Go" };
        if (state === "Benchmark production") throw Object.assign(new Error(), { name: "BenchmarkFailed" });
        if (state === "Begin rollback") return { from: "003" };
        if (state === "Write the report") return { error: "RolledBack", cause: "" };
        return { status: "done" };
      },
      onEvent: () => undefined,
    });
    expect(end).toBe("RolledBack");
    expect(asked).toContain("Prove production rolled back");
  });
});

test("no intrinsic of either machine holds an escaped apostrophe, which not every interpreter knows", async () => {
  const template = await templateOf(planOf(1), { rehearse: "before" });
  const intrinsics = (["run", "clean-up"] as const).flatMap((name) =>
    [...definitionOf(template, name).text.matchAll(/"[^"]*\.\$":\s*("(?:States\.)(?:[^"\\]|\\.)*")/g)].map(
      ([, text]) => JSON.parse(text as string) as string,
    ),
  );
  expect(intrinsics.length).toBeGreaterThanOrEqual(2);
  for (const intrinsic of intrinsics) expect(intrinsic).not.toContain("\\'");
});

test("where production may not be restored no state says that it could, and each of the others can be reached", async () => {
  const { app, stack } = await makeApp({ settings: { ...fullSettings, restore: false } });
  const { template } = app.synth().getStackArtifact(stack.artifactId);
  for (const name of ["run", "clean-up"] as const) {
    const { parsed } = definitionOf(template, name);
    const led = new Set([parsed.StartAt]);
    for (const [, state] of statesOf({ parsed } as Definition))
      for (const next of [state.Next, state.Default, ...(state.Choices ?? []), ...(state.Catch ?? [])])
        if (next !== undefined) led.add(typeof next === "string" ? next : next.Next);
    expect([...led].sort()).toEqual(Object.keys(parsed.States).sort());
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

describe("a plan of 30 migrations", () => {
  test("keeps every state's input under 32 KB, all the way to the end and all the way back", async () => {
    const definition = await synthesize(planOf(30), { rehearse: "before" });
    const longestCause = "x".repeat(2_000);
    for (const failing of [undefined, "Benchmark production"]) {
      let largest = 0;
      const end = await interpret({
        definition,
        input: { reason: "r".repeat(2_000) },
        run: "run-of-a-large-plan",
        execution: "arn:aws:states:us-east-1:000000000000:execution:sluice:run-of-a-large-plan",
        retryPauseMs: 0,
        async task(state) {
          if (state === failing) throw Object.assign(new Error(longestCause), { name: "BenchmarkFailed" });
          if (state.startsWith("Time: ")) return { seconds: 60, until: "2026-11-03T03:00:00.000Z" };
          if (definition.capabilities.get(state) === "gate") return { decision: "Go" };
          if (state === "Begin rollback") return { from: "130" };
          if (state === "Write the report") return { error: "RolledBack", cause: "y".repeat(2_000) };
          if (state === "Admit the run") return { status: "done", checksum: "a".repeat(64) };
          return { status: "done" };
        },
        onEvent({ state }) {
          largest = Math.max(largest, JSON.stringify(state?.input ?? "").length);
        },
      });
      expect(end).toBe(failing === undefined ? "Succeeded" : "RolledBack");
      expect(largest).toBeLessThan(32 * 1024);
      expect(largest).toBeGreaterThan(100);
    }
  });

  test("is at most 5 more than what fits into a CloudFormation template and a state machine, each of 1 MB", async () => {
    const definition = await synthesize(planOf(25), { rehearse: "before" });
    // Within the template's JSON the definition's quotes are escaped.
    expect(JSON.stringify(definition.text).length).toBeLessThan(900_000);
  });
});
