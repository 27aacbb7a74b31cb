import { beforeAll, describe, expect, test } from "vitest";
import { evidenceOf } from "../../lambdas/shared/evidence.ts";
import type { Ports } from "../../lambdas/shared/ports.ts";
import type { Task } from "../../lambdas/shared/task.ts";
import { compilePlan } from "../../lib/plan/compile.ts";
import { definitionOf } from "../../local/definition.ts";
import { templateOf } from "../../local/synthesize.ts";
import { TASKS } from "../../local/tasks.ts";
import type { Sight } from "../support/matrix/environment.ts";
import { brokenPromises } from "../support/matrix/promises.ts";
import { StandInEnvironment } from "../support/matrix/stand-in-environment.ts";
import { ALARM, EXECUTION, type Ground, type Halt, MUTED, RUN, walk } from "../support/matrix/walk.ts";
import { TINY_PLAN } from "../support/rehearsal.ts";

const CLEAN_UP = "arn:aws:states:eu-central-1:123456789012:execution:clean-up:1";

describe("a run that is stopped while it silences the alarms and stops the application", () => {
  let run: Ground;
  let cleanUp: Ground;
  let before: Sight;
  let entered: Halt;
  beforeAll(async () => {
    const plan = await compilePlan(TINY_PLAN);
    const template = await templateOf(plan, { rehearse: "before" });
    run = { definition: definitionOf(template), plan, rehearse: "before" };
    cleanUp = { ...run, definition: definitionOf(template, "clean-up"), execution: CLEAN_UP };
    const environment = new StandInEnvironment();
    before = await environment.look();
    const walked = await walk(run, { environment }, [], (state) => state === "Silence the alarms");
    entered = walked.halts.get("Silence the alarms") as Halt;
  });

  // A worker that still acts when the run is stopped ends before the clean-up looks, because the clean-up waits for it.
  test.each([
    { done: [] },
    { done: ["alarms"] },
    { done: ["stop"] },
    { done: ["alarms", "stop"] },
    { done: ["stop", "alarms"] },
  ] as const)("gets everything back where these were done: $done", async ({ done }) => {
    const environment = entered.environment();
    const evidence = entered.evidence.copy();
    const alarmsOn = new Set(entered.alarmsOn);
    const ports = {
      plan: run.plan,
      settings: { alarms: [ALARM, MUTED], applicationUrl: "https://application.example.com" },
      http: environment.http,
      clock: { now: () => new Date() },
      progress: () => undefined,
      alarms: {
        known: async (names: string[]) => names,
        enabled: async (names: string[]) => names.filter((name) => alarmsOn.has(name)),
        disable: async (names: string[]) => names.forEach((name) => void alarmsOn.delete(name)),
      },
    } as unknown as Ports;
    const act = async <E>(task: Task<E>, event: object) =>
      await task.run(event as E, ports, evidenceOf(evidence, RUN));
    for (const one of done)
      if (one === "alarms") await act(TASKS.alarms, { action: "silence" });
      else await act(TASKS.application, { hook: "stop" });
    expect(alarmsOn.has(ALARM)).toBe(!done.some((one) => one === "alarms"));
    expect(environment.applicationRuns()).toBe(!done.some((one) => one === "stop"));

    const cleaned = await walk(
      cleanUp,
      {
        state: cleanUp.definition.parsed.StartAt,
        input: { run: RUN, execution: EXECUTION, status: "ABORTED" },
        evidence,
        alarmsOn,
        notices: entered.notices,
        environment: await environment.save(),
      },
      [],
    );
    expect(cleaned.end).toBe("Refused");
    expect(await brokenPromises(cleaned, before)).toEqual([]);
  });
});
