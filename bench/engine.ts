import { runSteps } from "../lambdas/migrate/run-steps.ts";
import type { StepDoc } from "../lambdas/shared/documents.ts";
import { ErrorName } from "../lambdas/shared/errors.ts";
import { type CompiledPlan, type Migration, migrationOf, rollbackOf } from "../lambdas/shared/plan.ts";
import type { Ports } from "../lambdas/shared/ports.ts";
import type { Bench, Database } from "./harness.ts";

/** Returns the ports that the step engine needs: a plan, a clock and waiting times, as in a local rehearsal. */
export function enginePorts(plan: Pick<CompiledPlan, "schema" | "migrations">): Ports {
  return {
    settings: { lockTimeoutMs: 2_000, lockTries: 30, concurrentWaitMs: 600_000 },
    clock: { now: () => new Date(), remaining: () => Number.POSITIVE_INFINITY },
    plan,
    worker: "bench",
    progress: () => undefined,
  } as unknown as Ports;
}

/** Applies migrations of the plan with the real step engine. Returns each step's time. */
export async function migrate(
  bench: Bench,
  database: Database,
  ...versions: string[]
): Promise<{ migration: Migration; steps: StepDoc[] }[]> {
  const done = [];
  for (const version of versions) {
    const migration = migrationOf(bench.loaded.plan, version);
    const steps = await database.asOwner((session) =>
      runSteps(session, enginePorts(bench.loaded.plan), {
        key: { run: "bench", version, round: 1, direction: "migrate" },
        file: migration.migrate,
        checksum: migration.migrate.checksum,
        failure: ErrorName.StepFailed,
        limitMinutes: undefined,
        beside: database.asOwner,
      }),
    );
    done.push({ migration, steps: steps ?? [] });
  }
  return done;
}

export async function rollBack(bench: Bench, database: Database, version: string): Promise<void> {
  const migration = migrationOf(bench.loaded.plan, version);
  await database.asOwner((session) =>
    runSteps(session, enginePorts(bench.loaded.plan), {
      key: { run: "bench", version, round: 1, direction: "rollback" },
      file: rollbackOf(migration),
      checksum: migration.migrate.checksum,
      failure: ErrorName.RollbackFailed,
      limitMinutes: undefined,
      beside: database.asOwner,
    }),
  );
}

/** Returns the seconds of the steps whose SQL contains that text. */
export function secondsOfSteps(
  { migration, steps }: { migration: Migration; steps: StepDoc[] },
  mentions: RegExp,
): number {
  const mentioning = migration.migrate.steps
    .filter(({ statements }) => statements.some(({ sql }) => mentions.test(sql)))
    .map(({ name }) => name);
  return steps.filter(({ name }) => mentioning.includes(name)).reduce((sum, { seconds }) => sum + seconds, 0);
}
