import { cutText } from "./cut.ts";
import type { Target } from "./documents.ts";
import { type CompiledPlan, isRestoreOnly, type Migration, migrationOf } from "./plan.ts";

/** What a task says of a migration: the machine's state carries it to the states that work on it. */
export type NamedMigration = Readonly<Record<"version" | "title", string>>;

export const NO_MIGRATION: NamedMigration = { version: "none", title: "none" };

/** What comes after an apply: its rollback is rehearsed, people are asked, the next one is applied, or all stand. */
export type Follows = "rollback" | "gate" | "next" | "end";

// Every input of a state must stay small.
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

export function followsApply(plan: CompiledPlan, version: string, target: Target, round: number): Follows {
  const migration = migrationOf(plan, version);
  if (target === "production" && !migration.unasked) return "gate";
  if (target === "staging" && round === 1 && !isRestoreOnly(migration)) return "rollback";
  return neighbour(plan, version, 1) ? "next" : "end";
}

function neighbour({ migrations }: CompiledPlan, version: string, step: 1 | -1): Migration | undefined {
  const at = migrations.findIndex((migration) => migration.version === version);
  return at === -1 ? undefined : migrations[at + step];
}
