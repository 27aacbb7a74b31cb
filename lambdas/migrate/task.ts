import * as z from "zod";
import { keepStill } from "../fence/stilled.ts";
import { noteChanges } from "../proof/changes-seen.ts";
import { keepRows, makeRoomForRows } from "../proof/former-rows.ts";
import { noteApplied, refuseOtherwiseApplied } from "../proof/leaves.ts";
import { stagingWishes } from "../proof/subjects.ts";
import { takeRecord } from "../proof/take-record.ts";
import { Doc, type RecordName, type StepDoc, type StepsDoc } from "../shared/documents.ts";
import { ErrorName, messageOf } from "../shared/errors.ts";
import { followsApply, named } from "../shared/next-migration.ts";
import { besideTarget, withTarget } from "../shared/places.ts";
import { type CompiledPlan, isRestoreOnly, migrationOf } from "../shared/plan.ts";
import { DONE, RELIEVE_ME, runFields, type Task } from "../shared/task.ts";
import { VERSION } from "../shared/version.ts";
import { runSteps } from "./run-steps.ts";
import { tryRollbackAgain } from "./try-rollback.ts";

const event = z.strictObject({
  ...runFields,
  target: z.enum(["production", "staging"]),
  version: z.string().regex(VERSION),
  round: z.number().int().positive(),
});

/**
 * Applies one migration, step by step. On staging it first records what its rollback must bring back. Before the
 * second apply it tries that rollback again, and afterwards it notes what the migration did to existing data. A
 * migration without a rollback is applied once. The third round is on a copy from another restore.
 */
export const migrateTask: Task<z.infer<typeof event>> = {
  name: "migrate",
  event,
  async run({ run, target, version, round, limitMinutes }, ports, evidence) {
    const migration = migrationOf(ports.plan, version);
    const about = named(migration);
    const key = { run, version, round, direction: "migrate" as const };
    if (target === "staging" && round === 2)
      if (!(await tryRollbackAgain(ports, evidence, { run, version, limitMinutes })))
        return { ...RELIEVE_ME, ...about };
    const steps = await withTarget(
      ports,
      evidence,
      target,
      async (session): Promise<StepDoc[] | undefined> => {
        if (target === "staging" && round === 1) {
          const name: RecordName = `staging-${version}`;
          await makeRoomForRows(session);
          const before = await takeRecord(ports, evidence, {
            name,
            target,
            session,
            scope: { of: "all", read: await stagingWishes(session, ports) },
            since: recordBefore(ports.plan, version),
            alongside: (tables) =>
              keepRows(session, name, tables).catch((error: unknown) => {
                // Kept rows only serve to name rows. A real session problem shows with the next statement.
                ports.progress(`a difference will not name rows: ${messageOf(error)}`);
              }),
          });
          if (!before) return undefined;
        }
        const done = await runSteps(session, ports, {
          key,
          file: migration.migrate,
          checksum: migration.migrate.checksum,
          failure: ErrorName.StepFailed,
          limitMinutes,
          beside: besideTarget(ports, evidence, target),
          noticesRewrites: target === "staging",
        });
        // Pause jobs that a step scheduled: they would write behind the fence.
        if (done && target === "production" && ports.settings.fence === "connect")
          await keepStill(session, ports, evidence, "first");
        if (done && target === "staging" && round === 1)
          await noteApplied(session, ports, evidence, migration);
        // Once it is on staging for good, but not in the round after the second restore.
        const stays = target === "staging" && round === (isRestoreOnly(migration) ? 1 : 2);
        if (!done || !stays) return done;
        if (!(await noteChanges(session, ports, evidence, migration))) return undefined;
        await refuseOtherwiseApplied(evidence, migration);
        return done;
      },
    );
    if (!steps) return { ...RELIEVE_ME, ...about };
    await evidence.createOnce(
      Doc.steps(target, version, round, "migrate"),
      stepsDoc(
        steps,
        { target, version, round, title: migration.title, direction: "migrate" },
        ports.clock.now(),
      ),
    );
    return { ...DONE, ...about, follows: followsApply(ports, version, target, round) };
  },
};

/** The newest record of staging from before that migration. */
function recordBefore({ migrations }: CompiledPlan, version: string): RecordName {
  const place = migrations.findIndex((migration) => migration.version === version);
  const former = migrations[place - 1];
  return former ? `changed-${former.version}` : "staging";
}

/** The document for steps that are all done. */
export function stepsDoc(
  steps: StepDoc[],
  what: Pick<StepsDoc, "target" | "version" | "round" | "title" | "direction">,
  now: Date,
): StepsDoc {
  const last = steps.at(-1);
  const startedAt = steps[0]?.startedAt ?? now.toISOString();
  // By the server's clock: the worker's later work does not count.
  const ended = last ? Date.parse(last.startedAt) + last.seconds * 1000 : now.getTime();
  return {
    ...what,
    startedAt,
    endedAt: new Date(ended).toISOString(),
    seconds: (ended - Date.parse(startedAt)) / 1000,
    steps,
  };
}
