import { describe, expect, test } from "vitest";
import { predict } from "../../lambdas/rollback/predict.ts";
import { Doc, docName } from "../../lambdas/shared/documents.ts";
import { evidenceOf } from "../../lambdas/shared/evidence.ts";
import { RESTORE } from "../../lambdas/shared/plan.ts";
import type { Instances } from "../../lambdas/shared/ports.ts";
import type { RunSettings } from "../../lambdas/shared/settings.ts";
import { memoryPorts } from "../support/ports.ts";

/** A rehearsal that took so many seconds: rollbacks of 003 and 002, and the readings that proved them. */
async function rehearsed(
  { rollbacks = [60, 30], proofs = [20, 25] } = {},
  {
    rollbackSloMinutes = 30,
    renameSeconds = 600,
    restoreOnly = [] as string[],
    settings = {} as Partial<RunSettings>,
  } = {},
) {
  const { plan } = memoryPorts();
  const migrations = plan.migrations.map((migration) =>
    restoreOnly.includes(migration.version) ? ({ ...migration, rollback: RESTORE } as const) : migration,
  );
  const ports = memoryPorts({ plan: { rollbackSloMinutes, migrations }, settings });
  ports.instances = { renameSeconds } as Instances;
  const evidence = evidenceOf(ports.evidence, "run-1");
  for (const [i, version] of ["003", "002"].entries()) {
    await evidence.createOnce(docName(Doc.steps("staging", version, 1, "rollback")), {
      seconds: rollbacks[i],
    });
    await evidence.createOnce(docName(Doc.record(`after-staging-${version}`)), { seconds: proofs[i] });
  }
  await evidence.createOnce(docName(Doc.staging), { seconds: 900 });
  await evidence.createOnce(docName(Doc.record("staging")), { seconds: 240 });
  return { ports, evidence };
}

describe("the way back", () => {
  test("by rollback is every rehearsed rollback, newest first, and the slowest reading that proves it", async () => {
    const { ports, evidence } = await rehearsed();
    await predict(ports, evidence);
    expect((await evidence.require(Doc.wayBack)).rollback).toEqual({
      seconds: 115,
      parts: [
        { what: "Roll back 003", seconds: 60 },
        { what: "Roll back 002", seconds: 30 },
        { what: "Prove it", seconds: 25 },
      ],
    });
  });

  test("by restore from a clone takes as long as staging's restore, if that was cloned too", async () => {
    const cluster = { staging: "clone", backup: "clone" } as const;
    const { ports, evidence } = await rehearsed({}, { settings: { cluster } });
    await evidence.createOnce(docName(Doc.snapshot("rehearsal")), { clone: true });
    await predict(ports, evidence);
    expect((await evidence.require(Doc.wayBack)).restore.parts[1]).toEqual({
      what: "Put the clone in production's place",
      seconds: 900,
    });
  });

  test("by restore after a cloned staging counts only the instance: the volume's time is not measured", async () => {
    const cluster = { staging: "clone", backup: "snapshot" } as const;
    const { ports, evidence } = await rehearsed({}, { settings: { cluster } });
    await evidence.createOnce(docName(Doc.snapshot("rehearsal")), { clone: true });
    await predict(ports, evidence);
    expect((await evidence.require(Doc.wayBack)).restore.parts[1]).toEqual({
      what: "Create its writer",
      seconds: 900,
    });
  });

  test("by restore names what it leaves out, because no rehearsal shows it", async () => {
    const { ports, evidence } = await rehearsed();
    const leavesOut = ["The conversion to Multi-AZ."];
    const findings = { refusals: [], checks: [], forGates: [], leavesOut, afterRestore: [] };
    await evidence.createOnce(docName(Doc.production), { findings });
    await predict(ports, evidence);
    const wayBack = await evidence.require(Doc.wayBack);
    expect(wayBack.restore).toMatchObject({ seconds: 1740, leavesOut });
    expect(wayBack.rollback.leavesOut).toBeUndefined();
  });

  test("by restore is the rename, staging's restore, and the first reading of the restored database", async () => {
    const { ports, evidence } = await rehearsed();
    await predict(ports, evidence);
    expect((await evidence.require(Doc.wayBack)).restore).toEqual({
      seconds: 1740,
      parts: [
        { what: "Move production aside", seconds: 600 },
        { what: "Restore the snapshot", seconds: 900 },
        { what: "Prove it", seconds: 240 },
      ],
    });
  });

  test("by restore is the last measured time, if it was rehearsed as the way back", async () => {
    const { ports, evidence } = await rehearsed({}, { restoreOnly: ["003"] });
    await evidence.createOnce(docName(Doc.stagingAgain), { seconds: 700 });
    await evidence.createOnce(docName(Doc.record("after-restore-rehearsed")), { seconds: 200 });
    await predict(ports, evidence);
    const wayBack = await evidence.require(Doc.wayBack);
    expect(wayBack.restoreFrom).toBe("003");
    expect(wayBack.restore).toMatchObject({ seconds: 600 + 700 + 200 });
    // The time of 003 does not count: it has no rollback.
    expect(wayBack.rollback.parts.map(({ what }) => what)).toEqual(["Roll back 002", "Prove it"]);
  });

  test("by restore refuses the run if it is too slow and is the way back, and not if rollbacks are", async () => {
    const slow = { rollbackSloMinutes: 20 };
    const { ports, evidence } = await rehearsed({}, { ...slow, restoreOnly: ["002", "003"] });
    await expect(predict(ports, evidence)).rejects.toMatchObject({
      name: "RollbackTooSlow",
      message: expect.stringMatching(
        /the restore, which is the way back from 002 on, would take 29 min \(.*\), but the plan allows 20 min\. Give 002 a rollback of its own/,
      ),
    });
    const usual = await rehearsed({}, slow);
    await predict(usual.ports, usual.evidence);
    // Nor if a restore is not allowed at all.
    const none = await rehearsed({}, { ...slow, restoreOnly: ["002"], settings: { restore: false } });
    await predict(none.ports, none.evidence);
  });

  test("a rollback too slow for the plan refuses the run, and shows the time of each part", async () => {
    const { ports, evidence } = await rehearsed({ rollbacks: [1500, 290] });
    await expect(predict(ports, evidence)).rejects.toMatchObject({
      name: "RollbackTooSlow",
      message: expect.stringMatching(
        /30 min 15 s \(Roll back 003 25 min, Roll back 002 4 min 50 s, Prove it 25 s\), but the plan allows 30 min/,
      ),
    });
    // A second call gives the same answer.
    await expect(predict(ports, evidence)).rejects.toMatchObject({ name: "RollbackTooSlow" });
  });

  test("a rollback that takes exactly the plan's limit does not", async () => {
    const { ports, evidence } = await rehearsed({ rollbacks: [1500, 275] });
    await predict(ports, evidence);
  });

  test("a slow restore refuses nothing: the gate shows it", async () => {
    const { ports, evidence } = await rehearsed({}, { rollbackSloMinutes: 20 });
    await predict(ports, evidence);
    const { restore, sloSeconds } = await evidence.require(Doc.wayBack);
    expect(restore.seconds).toBeGreaterThan(sloSeconds);
  });
});
