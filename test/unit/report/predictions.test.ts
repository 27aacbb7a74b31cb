import { describe, expect, test } from "vitest";
import { buildReport } from "../../../lambdas/report/build.ts";
import type { Facts } from "../../../lambdas/report/facts.ts";
import { besideWork, stopSecondsOf } from "../../../lambdas/report/machine-time.ts";
import type { Report } from "../../../lambdas/report/schema.ts";
import { Doc, type RollbackDoc } from "../../../lambdas/shared/documents.ts";
import type { RunSettings } from "../../../lambdas/shared/settings.ts";
import {
  migrated,
  RunFixture,
  rehearsed,
  rolledBackByCheck,
  succeeded,
} from "../../support/evidence-fixtures.ts";

const phase = ({ timeline }: Report, id: string) => timeline.phases.find((found) => found.id === id);
const parts = (report: Report, id: string) =>
  Object.fromEntries((phase(report, id)?.parts ?? []).map(({ what, ...times }) => [what, times]));

/** Entered 0.2 s apart; the application's stop is entered later. */
function sideBySide(stopSeconds: number) {
  const at = (seconds: number) => new Date(Date.UTC(2026, 10, 3) + seconds * 1000).toISOString();
  const state = (name: string, from: number, to: number) => ({
    state: name,
    enteredAt: at(from),
    doneAt: at(to),
  });
  return [
    state("Silence the alarms", 0, 1),
    state("Stop the application", 0.2, 0.2 + stopSeconds),
    state("Fence production", 31, 31.5),
  ];
}

describe("what is predicted of production", () => {
  test("is each part as the rehearsal took it, and a phase is the sum of its parts", async () => {
    const report = await buildReport((await succeeded()).evidence);
    expect(parts(report, "fence")).toMatchObject({
      "Record production": { predictedSeconds: 37, seconds: 34 },
      "Final snapshot": { predictedSeconds: 95, seconds: 95 },
      // From alarms and application (counted once, as they run in parallel), the fence and the record.
      "Calls and evidence": { predictedSeconds: 0.6 },
    });
    expect(parts(report, "migrate-007")).toEqual({
      "Apply 007": { predictedSeconds: 24.725, seconds: 21.5 },
      "Validate 007": { predictedSeconds: 0.8, seconds: 0.8 },
      // Two states, each 0.2 s more than its work.
      "Calls and evidence": { predictedSeconds: 0.4, seconds: 0.4 },
    });
    expect(parts(report, "prove")).toMatchObject({
      "Prove the data": { predictedSeconds: 37, seconds: 36 },
      "Validate everything": { predictedSeconds: 2.4, seconds: 2.4 },
    });
    for (const { predictedBy, predictedSeconds, parts } of report.timeline.phases)
      if (predictedBy === "rehearsal")
        expect(predictedSeconds).toBeCloseTo(
          parts.reduce((sum, part) => sum + (part.predictedSeconds ?? 0), 0),
          6,
        );
  });

  test("counts parallel states once, and leaves out the time of the application's stop", async () => {
    const { states, hooks } = { states: sideBySide(30), hooks: [{ evidence: "hooks/stop" }] };
    const facts = { states, hooks } as unknown as Facts;
    const before = ["Silence the alarms", "Stop the application"];
    expect(stopSecondsOf(facts)).toBe(30);
    expect(besideWork(facts, [before], [])).toBe(30.2);
    expect(besideWork(facts, [before, "Fence production"], [stopSecondsOf(facts)])).toBeCloseTo(0.7, 6);
    const notDone = { states: states.map((one) => ({ ...one, doneAt: null })), hooks: [] };
    expect(besideWork(notDone as unknown as Facts, [before], [])).toBeNull();
    expect(stopSecondsOf(notDone as unknown as Facts)).toBeNull();
  });

  describe("of a cluster", () => {
    const reportOf = async (staging: "clone" | "snapshot", backup: "clone" | "snapshot") => {
      const settings = { cluster: { staging, backup } } as RunSettings;
      return await buildReport((await succeeded(new RunFixture({ request: { settings } }))).evidence);
    };
    const backupIn = ({ downtime }: Report) => downtime.parts.find(({ what }) => what.startsWith("Final"));

    test("counts a final clone as long as staging's clone took", async () => {
      const report = await reportOf("clone", "clone");
      expect(parts(report, "fence")["Final clone"]).toEqual({ predictedSeconds: 95, seconds: 95 });
      expect(backupIn(report)).toMatchObject({ what: "Final clone", seconds: 95 });
    });

    test.each([
      ["clone", "snapshot", "Final snapshot"],
      ["snapshot", "clone", "Final clone"],
    ] as const)(
      "states that nobody measured it if staging was made by a %s and the backup is a %s",
      async (staging, backup, what) => {
        const report = await reportOf(staging, backup);
        expect(parts(report, "fence")[what]).toEqual({ predictedSeconds: null, seconds: 95 });
        expect(backupIn(report)).toEqual({
          what: `${what}: not measured`,
          seconds: 0,
          by: "rehearsal",
          took: 95,
        });
        expect(phase(report, "fence")?.predictedBy).toBeNull();
      },
    );
  });

  test("counts each gate behind the fence, as long as opening and confirming one took before", async () => {
    const run = new RunFixture();
    await run.admit();
    await run.state("Preflight", () => run.preflight());
    await run.state("Gate: readiness");
    await run.gate("readiness");
    await run.state("Confirm: readiness");
    await run.rehearse();
    // It reads the catalog, which the first one did not.
    await run.state("Gate: rehearsal", async () => void run.after(3));
    const before = (await buildReport(run.evidence)).downtime;
    expect(before.parts.some(({ what }) => what.includes("gate"))).toBe(false);
    await run.gate("rehearsal");
    const { parts, predictedSeconds } = (await buildReport(run.evidence)).downtime;
    // 4.2 s to open the second one, and 0.2 s to confirm the first.
    const seconds = 4 * (4.2 + 0.2);
    expect(parts.find(({ what }) => what.includes("gate"))).toEqual({
      what: "4 gates, opened and confirmed",
      seconds,
      by: "rehearsal",
      took: null,
    });
    expect(predictedSeconds).toBeCloseTo((before.predictedSeconds ?? 0) + seconds, 3);
  });

  test("leaves out what staging measured with generated data: production has none", async () => {
    const run = await succeeded();
    const staging = await run.evidence.require(Doc.benchmarks("staging"));
    const measured = staging.results.filter(({ generated }) => !generated);
    expect(measured.length).toBeLessThan(staging.results.length);
    const { predictedSeconds } = parts(await buildReport(run.evidence), "prove").Benchmarks ?? {};
    expect(predictedSeconds).toBeCloseTo(
      measured.reduce((sum, { seconds = 0 }) => sum + seconds, 0),
      3,
    );
  });

  test("of the downtime is the sum of its parts, and their measured times add up to all of it except the waiting", async () => {
    const { downtime } = await buildReport((await succeeded()).evidence);
    const sum = (values: (number | null)[]) => values.reduce<number>((all, one) => all + (one ?? 0), 0);
    expect(sum(downtime.parts.map(({ seconds }) => seconds))).toBeCloseTo(downtime.predictedSeconds ?? 0, 3);
    const work = (downtime.seconds ?? 0) - (downtime.waitedSeconds ?? 0);
    expect(sum(downtime.parts.map(({ took }) => took))).toBeCloseTo(work, 3);
    expect(downtime.parts.map(({ what }) => what)).toEqual([
      "Record production",
      "Final snapshot",
      "Migrations",
      "Checks",
      "Prove the data",
      "Benchmarks",
      "Fence, calls and evidence",
    ]);
  });

  test("of a step is the time of the same step on staging, the fastest one", async () => {
    const { migrations } = await buildReport((await migrated()).evidence);
    const steps = migrations[0]?.production.passes[0]?.steps ?? [];
    expect(steps.map(({ predictedSeconds }) => predictedSeconds)).toEqual([0.46, 24.15, 0.115]);
  });

  test("of the way back is the rehearsed rollbacks and one more reading", async () => {
    const report = await buildReport((await rolledBackByCheck()).evidence);
    expect(Object.keys(parts(report, "rollback"))).toEqual([
      "Roll back 007",
      "Roll back 006",
      "Prove it back",
    ]);
    expect(phase(report, "rollback")).toMatchObject({ predictedBy: "rehearsal" });
    expect(phase(report, "rollback")?.predictedSeconds).toBeCloseTo(0.805 * 2 + 37, 3);
  });

  test("of an interrupted way back covers everything that it had to undo, not only what it undid", async () => {
    const run = await migrated(undefined, "007");
    await run.state("Begin rollback", () =>
      run.keep<RollbackDoc>(Doc.rollback, { at: run.after(1), why: "a check failed", from: "007" }),
    );
    const report = await buildReport(run.evidence);
    expect(phase(report, "rollback")?.predictedSeconds).toBeCloseTo(0.805 * 2 + 37, 3);
    expect(parts(report, "rollback")["Roll back 007"]).toMatchObject({ seconds: null });
  });

  test("is the same before production begins and after it ends: it is not adjusted", async () => {
    const ids = ["fence", "migrate-006", "migrate-007", "migrate-008", "prove"];
    const predicted = (report: Report) => ids.map((id) => phase(report, id)?.predictedSeconds);
    const before = await buildReport((await rehearsed()).evidence);
    const after = await buildReport((await succeeded()).evidence);
    expect(predicted(before)).toEqual(predicted(after));
    expect(before.downtime.predictedSeconds).toBe(after.downtime.predictedSeconds);
  });

  test("is the plan's if the rehearsal has no time for a part", async () => {
    const run = new RunFixture();
    await run.admit();
    const report = await buildReport(run.evidence);
    expect(phase(report, "migrate-006")).toMatchObject({ predictedBy: "plan", predictedSeconds: 45 * 60 });
    expect(report.timeline.plannedSeconds).toBe((15 + 45 + 60 + 30 + 30 + 15) * 60);
  });
});

describe("a run on a copy", () => {
  const COPY = { copyOf: null };

  test("has no prediction by the plan, whose minutes are production's, and none of zero seconds", async () => {
    const run = new RunFixture({ request: COPY });
    await run.admit();
    const { timeline, downtime, migrations } = await buildReport(run.evidence);
    expect(timeline.phases.every(({ predictedSeconds }) => predictedSeconds === null)).toBe(true);
    expect(timeline.plannedSeconds).toBeNull();
    expect(migrations.every(({ expectedSeconds }) => expectedSeconds === null)).toBe(true);
    expect(downtime).toMatchObject({ predictedSeconds: null, parts: [] });
  });

  test("is predicted by its own rehearsal", async () => {
    const report = await buildReport((await rehearsed(new RunFixture({ request: COPY }))).evidence);
    expect(phase(report, "migrate-007")).toMatchObject({ predictedBy: "rehearsal" });
    expect(phase(report, "open")).toMatchObject({ predictedBy: null });
    expect(report.downtime.parts.map(({ by }) => by)).not.toContain("plan");
  });
});

describe("the time at a gate", () => {
  test("lasts from its preparation until its answer takes effect, so that the remaining time is work alone", async () => {
    const run = await rehearsed();
    await run.state("Time: rehearsal", async () => void run.after(3));
    await run.gate("rehearsal");
    await run.state("Confirm: rehearsal", async () => void run.after(2));
    await run.fenceAndBackUp();
    const report = await buildReport(run.evidence);
    const gate = phase(report, "gate-rehearsal");
    // Prepared in 3.2 s, opened a second later, answered after 240 s, confirmed in 2.2 s.
    expect(gate?.seconds).toBeCloseTo(3.2 + 1 + 240 + 2.2, 3);
    expect(phase(report, "fence")?.startedAt).toBe(gate?.endedAt);
  });

  test("counts as waiting for people only while it was open", async () => {
    const run = await rehearsed();
    await run.state("Time: rehearsal", async () => void run.after(3));
    const before = (await buildReport(run.evidence)).timeline.waitedSeconds;
    await run.gate("rehearsal");
    const after = (await buildReport(run.evidence)).timeline.waitedSeconds;
    expect(after - before).toBeCloseTo(240, 3);
  });
});
