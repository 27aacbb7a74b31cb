import type { Target } from "./documents.ts";
import { type CompiledPlan, isRestoreOnly, type Migration, migrationOf, restoreIsWayBack } from "./plan.ts";
import { cutText } from "./text.ts";

/** A migration in a task's answer. The machine passes it to the states that work on it. */
type NamedMigration = Readonly<Record<"version" | "title", string>>;

export const NO_MIGRATION: NamedMigration = { version: "none", title: "none" };

/**
 * What follows an apply: the rehearsal of its rollback, a gate, the next migration, the rehearsal of the restore, or
 * the end, with all migrations applied.
 */
export type Follows = "rollback" | "gate" | "next" | "restore" | "end";

/** The way back of production. The state machine branches on it. */
export type WayBack = "rollback" | "restore";

export const ONLY_RESTORE: WayBack = "restore";

// Each state's input must stay small.
const LONGEST_TITLE = 200;

export function named(migration: Migration | undefined): NamedMigration {
  return migration
    ? { version: migration.version, title: cutText(migration.title, LONGEST_TITLE) }
    : NO_MIGRATION;
}

export function firstMigration({ migrations }: CompiledPlan): NamedMigration {
  return named(migrations[0]);
}

export function migrationAfter(plan: CompiledPlan, version: string): NamedMigration {
  return named(neighbour(plan, version, 1));
}

export function migrationBefore(plan: CompiledPlan, version: string): NamedMigration {
  return named(neighbour(plan, version, -1));
}

export function followsApply(
  { plan, settings }: { plan: CompiledPlan; settings: { restore?: false | undefined } },
  version: string,
  target: Target,
  round: number,
): Follows {
  const migration = migrationOf(plan, version);
  if (target === "production" && !migration.unasked) return "gate";
  if (target === "staging" && round === 1 && !isRestoreOnly(migration)) return "rollback";
  if (neighbour(plan, version, 1)) return "next";
  return target === "staging" && round < 3 && restoreIsWayBack(plan, settings) ? "restore" : "end";
}

function neighbour({ migrations }: CompiledPlan, version: string, step: 1 | -1): Migration | undefined {
  const at = migrations.findIndex((migration) => migration.version === version);
  return at === -1 ? undefined : migrations[at + step];
}
