import * as z from "zod";
import { hasLedger, type LedgerKey, versionsLeft } from "../ledger/ledger.ts";
import { runSteps } from "../migrate/run-steps.ts";
import { endFormerWorkers } from "../migrate/step-lock.ts";
import { stepsDoc } from "../migrate/task.ts";
import { Doc, type RollbackDoc } from "../shared/documents.ts";
import { type Caught, caughtSchema, ErrorName, readCaught, SluiceError } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { migrationBefore, named, ONLY_RESTORE, type WayBack } from "../shared/next-migration.ts";
import { besideTarget, withTarget } from "../shared/places.ts";
import { isRestoreOnly, type Migration, migrationOf, rollbackOf } from "../shared/plan.ts";
import type { Ports } from "../shared/ports.ts";
import { type Answer, DONE, RELIEVE_ME, runFields, type Task } from "../shared/task.ts";
import { VERSION } from "../shared/version.ts";
import { predict } from "./predict.ts";

const event = z.discriminatedUnion("action", [
  z.strictObject({
    ...runFields,
    action: z.literal("begin"),
    failure: caughtSchema,
  }),
  z.strictObject({ ...runFields, action: z.literal("predict") }),
  z.strictObject({
    ...runFields,
    action: z.literal("rollBack"),
    target: z.enum(["production", "staging"]),
    version: z.string().regex(VERSION),
  }),
]);
type RollBack = Extract<z.infer<typeof event>, { action: "rollBack" }>;

export const rollbackTask: Task<z.infer<typeof event>> = {
  name: "rollback",
  event,
  async run(request, ports, evidence) {
    switch (request.action) {
      case "predict":
        await predict(ports, evidence);
        return DONE;
      case "begin":
        return await begin(request.failure, ports, evidence);
      case "rollBack":
        return await rollBack(request, ports, evidence);
    }
  },
};

/** The ledger shows which migrations left anything behind; the state before does not matter. */
async function begin(failure: Caught, ports: Ports, evidence: RunEvidence): Promise<Answer> {
  const left = await withTarget(ports, evidence, "production", async (session) => {
    // A statement that a dead worker left running could commit after the ledger was read.
    if (!(await endFormerWorkers(session, ports, evidence.run)))
      throw new SluiceError(ErrorName.ConnectionLost, "A former worker's session did not end in time.");
    return (await hasLedger(session)) ? await versionsLeft(session, evidence.run) : [];
  });
  const { error, message } = readCaught(failure);
  const begun = ports.plan.migrations.filter(({ version }) => left.includes(version));
  const restoreFrom = begun.find(isRestoreOnly)?.version;
  const doc = await evidence.createOnce(Doc.rollback, {
    at: ports.clock.now().toISOString(),
    why: failure.Error ? `${error}: ${message}` : "No-Go",
    from: begun.at(-1)?.version ?? null,
    ...(restoreFrom === undefined ? {} : { restoreFrom }),
  });
  return { ...named(newestOf(ports, doc)), way: wayOf(doc) };
}

/** Rollbacks that would not lead back are not tried: the restore undoes everything at once. */
function wayOf({ restoreFrom }: RollbackDoc): WayBack {
  return restoreFrom === undefined ? "rollback" : ONLY_RESTORE;
}

/** Uses the kept document: a later worker may find fewer migrations. */
function newestOf({ plan }: Ports, { from }: RollbackDoc): Migration | undefined {
  return from === null ? undefined : migrationOf(plan, from);
}

async function rollBack(
  { run, target, version, limitMinutes }: RollBack,
  ports: Ports,
  evidence: RunEvidence,
): Promise<Answer> {
  const migration = migrationOf(ports.plan, version);
  const round = 1;
  const key: LedgerKey = { run, version, round, direction: "rollback" };
  const steps = await withTarget(ports, evidence, target, (session) =>
    runSteps(session, ports, {
      key,
      file: rollbackOf(migration),
      checksum: migration.migrate.checksum,
      failure: ErrorName.RollbackFailed,
      limitMinutes,
      beside: besideTarget(ports, evidence, target),
      noticesRewrites: target === "staging",
    }),
  );
  if (!steps) return { ...RELIEVE_ME, ...named(migration) };
  await evidence.createOnce(
    Doc.steps(target, version, round, "rollback"),
    stepsDoc(
      steps,
      { target, version, round, title: migration.title, direction: "rollback" },
      ports.clock.now(),
    ),
  );
  return { ...DONE, ...migrationBefore(ports.plan, version) };
}
