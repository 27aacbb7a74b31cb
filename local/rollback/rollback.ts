import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Migration, RESTORE } from "../../lambdas/shared/plan.ts";
import type { LoadedPlan } from "../../lib/plan/compile.ts";
import { embeddedEnvironment, serverEnvironment } from "../environments.ts";
import { type CopyHow, UsageError } from "../events.ts";
import { copyIn } from "./copy.ts";
import { isGenerated } from "./file.ts";
import { applySteps, type MadeRollback, makeRollback, rollbackPath } from "./make.ts";

export interface RollbackOptions {
  /** Folder of the plan. */
  plan: string;
  /** Version or folder; absent: every migration whose rollback.sql is missing or generated. */
  migration?: string | undefined;
  /** Whether to replace a file that a person wrote. */
  force: boolean;
  databaseUrl?: string | undefined;
  copy?: CopyHow | undefined;
  startedBy: string;
}

/**
 * Makes rollbacks on a copy of the plan's baseline, or of a database on a server, which is only read.
 * @param made called with each rollback as soon as it is made, before the next begins
 * @throws Stopped if a person stopped it, after the copies were dropped
 * @throws UsageError for a migration that the plan does not have, that fails on the copy, or whose file a person wrote
 */
export async function makeRollbacks(
  loaded: LoadedPlan,
  options: RollbackOptions,
  made: (rollback: MadeRollback) => Promise<void>,
  show: (line: string) => void,
  stopped: () => boolean = () => false,
): Promise<void> {
  const { plan } = loaded;
  const wanted = await wantedOf(plan.migrations, options, show);
  const last = plan.migrations.findLastIndex((migration) => wanted.includes(migration));
  if (last < 0) return;
  const { databaseUrl } = options;
  const environment =
    databaseUrl === undefined
      ? await embeddedEnvironment(loaded)
      : await serverEnvironment(
          {
            plan: options.plan,
            rehearse: "before",
            fence: "none",
            apply: false,
            startedBy: options.startedBy,
            databaseUrl,
            ...(options.copy === undefined ? {} : { copy: options.copy }),
          },
          `rollback-${randomUUID()}`,
          loaded,
        );
  const copy = copyIn(environment, plan.runAs, stopped);
  try {
    for (const migration of plan.migrations.slice(0, last + 1)) {
      if (wanted.includes(migration)) {
        await made(await makeRollback(copy, migration, plan.applicationRoles, show));
        if (migration.leaves !== undefined)
          show(
            `${migration.folder}: plan.yaml names under \`leaves\` what its rollback leaves. If the new rollback leaves nothing, remove that key.`,
          );
      }
      if (migration !== plan.migrations[last]) await applySteps(copy, migration.migrate);
    }
  } finally {
    await copy.forget();
    await environment.close();
  }
}

async function wantedOf(
  migrations: readonly Migration[],
  { plan, migration: name, force }: RollbackOptions,
  show: (line: string) => void,
): Promise<Migration[]> {
  const named = migrations.filter(
    ({ version, folder }) => name === undefined || version === name || folder === name,
  );
  if (named.length === 0)
    throw new UsageError(
      `The plan has no migration ${name}. It has: ${migrations.map(({ folder }) => folder).join(", ")}.`,
    );
  const wanted: Migration[] = [];
  for (const migration of named) {
    const path = rollbackPath(migration);
    if (migration.rollback === RESTORE) {
      if (name !== undefined)
        throw new UsageError(
          `plan.yaml has \`rollback: ${RESTORE}\` for ${migration.folder}, so a file would never run. Remove that key first.`,
        );
      show(`${path}: not made: in plan.yaml the way back is the restore.`);
    } else if (force || !(await isByHand(join(plan, path)))) wanted.push(migration);
    else if (name === undefined) show(`${path}: kept, as a person wrote it. --force replaces it.`);
    else
      throw new UsageError(
        `${join(plan, path)} was written by a person, or changed since it was generated. It was kept. --force replaces it.`,
      );
  }
  return wanted;
}

/** Whether the file exists and differs from what was generated. */
async function isByHand(path: string): Promise<boolean> {
  try {
    return !isGenerated(await readFile(path, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}
