import { beforeAll, describe, expect, test } from "vitest";
import { type Simulated, simulate } from "../../bench/simulate-rollout.ts";
import { usualRun } from "../../docs/make/usual-run.ts";
import { looksAt, rolloutLimits, TRANSITIONS } from "../../lambdas/rollout/limits.ts";
import type { CompiledPlan } from "../../lambdas/shared/plan.ts";
import { compilePlan } from "../../lib/plan/compile.ts";
import { type Definition, definitionOf } from "../../local/definition.ts";
import { templateOf } from "../../local/synthesize.ts";
import { TINY_PLAN } from "../support/rehearsal.ts";

const HOUR = 3600;
const WAVES = [1, "10 %", "rest"];

let plan: CompiledPlan;
let ofRun: Definition;
let definition: Definition;
beforeAll(async () => {
  plan = await compilePlan(TINY_PLAN);
  const template = await templateOf(plan, { rehearse: "before" });
  ofRun = definitionOf(template);
  definition = definitionOf(template, "rollout");
});

const rollout = (databases: number, fails: (index: number) => boolean = () => false, tolerated = 0) =>
  simulate({ definition, plan, databases, atATime: 20, waves: WAVES, tolerated, runSeconds: HOUR, fails });

describe("the coordinator of a rollout", () => {
  let few: Simulated;
  let many: Simulated;
  beforeAll(async () => {
    few = await rollout(30);
    many = await rollout(600);
  });

  test("has a state of the same size for twenty times as many databases, far below 64 KB", () => {
    expect(many.stateBytes).toBeLessThan(64 * 1024);
    expect(many.stateBytes).toBeLessThan(few.stateBytes + 100);
    expect(many.itemBytes).toBeLessThan(64 * 1024);
  });

  test("adds events to its history by the time that a wave takes, and not by its databases", () => {
    expect(many.runs).toEqual({ Succeeded: 600 });
    for (const events of many.events) expect(events).toBeLessThan(25_000);
    // 540 databases, 20 at a time, take 27 hours.
    expect(many.events[3]).toBeLessThan(9 * looksAt(27 * HOUR) * 1.2 + 80);
  });

  test("never has more runs under way than it may", () => {
    expect(many.most).toBe(20);
  });

  test("starts no further run of a wave in which more failed than is tolerated, and asks before the rest", async () => {
    const { runs, end } = await rollout(200, (index) => index >= 21 && index < 26, 2);
    expect(end).toBe("Incomplete");
    expect(runs).toEqual({ Succeeded: 195, RolledBack: 5 });
  });
});

describe("what is computed before a rollout", () => {
  test("has the state transitions of a run that the definition has", async () => {
    const entered = async (migrations: number) =>
      (await usualRun(ofRun, { ...plan, migrations: plan.migrations.slice(0, migrations) })).entered.length;
    const [one, two] = [await entered(1), await entered(2)];
    expect(TRANSITIONS.migration).toBe(two - one);
    expect(TRANSITIONS.run).toBe(one - TRANSITIONS.migration);
  });

  test("comes within a tenth of the transitions that a rollout itself makes", async () => {
    const { transitions } = await rollout(200);
    const own = (databases: number) => {
      const { stateTransitions } = rolloutLimits({
        databases,
        instances: databases,
        waves: [1, 20, 179],
        atATime: 20,
        migrations: 2,
        secondsPerRun: HOUR,
      });
      const { run, migration, waiting, keepWarm } = TRANSITIONS;
      return stateTransitions - databases * (run + 2 * migration + waiting + keepWarm);
    };
    const made = transitions.coordinator + transitions.items;
    expect(Math.abs(own(200) - made)).toBeLessThan(made / 10);
  });
});
