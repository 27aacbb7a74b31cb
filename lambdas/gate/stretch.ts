import type { CompiledPlan, Migration } from "../shared/plan.ts";

type Migrations = readonly Pick<Migration, "version" | "unasked">[];

/**
 * The migrations that are applied from one question to the next: those since the gate before this one.
 * @param version the migration that the gate comes after; null: the gate that all of them come before
 */
export function since<M extends Migrations[number]>(migrations: readonly M[], version: string | null): M[] {
  const end = version === null ? migrations.length : placeOf(migrations, version) + 1;
  const former = migrations
    .slice(0, version === null ? end : end - 1)
    .findLastIndex(({ unasked }) => !unasked);
  return migrations.slice(former + 1, end);
}

/**
 * Those that a Go leads to, up to the next gate.
 * @param version the migration that the gate comes after; null: none is applied yet
 */
export function ahead({ migrations }: CompiledPlan, version: string | null): Migration[] {
  const begin = version === null ? 0 : placeOf(migrations, version) + 1;
  const next = migrations.slice(begin).findIndex(({ unasked }) => !unasked);
  return migrations.slice(begin, next === -1 ? undefined : begin + next + 1);
}

function placeOf(migrations: Migrations, version: string): number {
  return migrations.findIndex((migration) => migration.version === version);
}
