import * as z from "zod";
import { disarmMappings, outsideAllowed } from "../fence/disarm.ts";
import { noteActiveBefore } from "../fence/stilled.ts";
import { noteMoment, passMoment } from "../moments/moment.ts";
import { Doc } from "../shared/documents.ts";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { firstMigration } from "../shared/next-migration.ts";
import { applicationRoles, withTarget } from "../shared/places.ts";
import { restoreIsWayBack } from "../shared/plan.ts";
import type { Ports } from "../shared/ports.ts";
import { type Answer, DONE, RUNNING, runFields, type Task } from "../shared/task.ts";
import { takeFingerprint } from "./catalog.ts";
import { asFarAsRead, compareContents } from "./compare-contents.ts";
import { differencesOfCopy } from "./difference.ts";
import { prove } from "./prove.ts";
import { scopeOf } from "./scope.ts";
import { keptFingerprint } from "./stored-record.ts";
import { EVERY_ROW } from "./subjects.ts";
import { takeRecord } from "./take-record.ts";

const event = z.strictObject({ ...runFields, again: z.literal(true).optional() });

/**
 * Tests the backup: reads every row of the restored copy and compares its catalog with production's. If production
 * was already recorded behind the fence, contents must be equal too. `again`: a second copy from the same snapshot
 * must equal the first, as production must after a restore.
 */
export const verifyTask: Task<z.infer<typeof event>> = {
  name: "verify",
  event,
  async run({ again }, ports, evidence) {
    if (again) return await verifyAgain(ports, evidence);
    const staging = await withTarget(ports, evidence, "staging", (session) =>
      takeRecord(ports, evidence, {
        name: "staging",
        target: "staging",
        session,
        scope: { of: "all", read: EVERY_ROW },
        since: undefined,
      }),
    );
    if (!staging) return RUNNING;
    const found = await compare(ports, evidence);
    await evidence.createOnce(Doc.stagingVerified, {
      at: ports.clock.now().toISOString(),
      tables: staging.tables.length,
      rows: staging.tables.reduce((sum, table) => sum + BigInt(table.rows), 0n).toString(),
      equal: found.length === 0,
      differences: found,
      scope: scopeOf({
        catalog: await keptFingerprint(evidence, "staging"),
        tables: staging.tables,
        views: staging.views ?? [],
        sequences: staging.sequences ?? [],
        growing: [],
        leftOut: staging.leftOut,
        largeObjects: staging.largeObjects,
        unproven: 0,
      }),
    });
    if (found.length > 0)
      throw new SluiceError(
        ErrorName.BackupMismatch,
        `Staging, restored from the snapshot, differs from production: ${found.slice(0, 10).join("; ")}`,
      );
    await keepFromOutside(ports, evidence);
    await noteMomentToRehearse(ports, evidence);
    return { ...DONE, ...firstMigration(ports.plan) };
  },
};

async function verifyAgain(ports: Ports, evidence: RunEvidence): Promise<Answer> {
  const doc = await prove("restore-rehearsed", ports, evidence);
  if (!doc) return RUNNING;
  if (!doc.equal)
    throw new SluiceError(
      ErrorName.BackupMismatch,
      `The second restore of staging differs from the first: ${doc.differences.slice(0, 10).join("; ")}. The restore is the way back, and it does not bring everything back.`,
    );
  await disarm(ports, evidence);
  return { ...DONE, ...firstMigration(ports.plan) };
}

/** If the way back is a restore to a moment, notes a moment to rehearse it with, as far as that is possible now. */
async function noteMomentToRehearse(ports: Ports, evidence: RunEvidence): Promise<void> {
  if (!restoreIsWayBack(ports.plan, ports.settings)) return;
  if ((await evidence.read(Doc.backup))?.by !== "point-in-time") return;
  await withTarget(ports, evidence, "production", async (session) => {
    await noteMoment(session, "rehearsal", ports, evidence);
    await passMoment(session, "rehearsal", ports, evidence);
  });
}

/** Runs once staging equals production, and before a step runs on it. */
async function keepFromOutside(ports: Ports, evidence: RunEvidence): Promise<void> {
  await withTarget(ports, evidence, "staging", (session) => noteActiveBefore(session, ports, evidence));
  await disarm(ports, evidence);
}

async function disarm(ports: Ports, evidence: RunEvidence): Promise<void> {
  if (outsideAllowed(ports.plan).length > 0) return;
  await withTarget(ports, evidence, "staging", async (session) => {
    const { useless, left } = await disarmMappings(session);
    if (useless.length + left.length === 0) return;
    await evidence.createOnce(Doc.disarmed, { at: ports.clock.now().toISOString(), useless, left });
    if (useless.length > 0) ports.progress(`user mappings made useless: ${useless.join(", ")}`);
    if (left.length > 0) ports.progress(`user mappings that still work: ${left.join(", ")}`);
  });
}

async function compare(ports: Ports, evidence: RunEvidence): Promise<string[]> {
  const staging = await keptFingerprint(evidence, "staging");
  const before = await evidence.read(Doc.record("before"));
  if (before) {
    const read = await evidence.require(Doc.record("staging"));
    return [
      ...differencesOfCopy(await keptFingerprint(evidence, "before"), staging),
      // Here every row was read; there only what the plan requests.
      ...compareContents(...asFarAsRead(before.tables, read.tables)).map(({ text }) => text),
    ];
  }
  const production = await withTarget(ports, evidence, "production", (session) =>
    takeFingerprint(session, applicationRoles(ports)),
  );
  return differencesOfCopy(production, staging);
}
