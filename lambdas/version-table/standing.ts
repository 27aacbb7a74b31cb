import type { CompiledPlan, SchemaVersion } from "../shared/plan.ts";
import { NONE, type Tool, type ToolRow } from "../shared/tool-rows.ts";

// Three tools keep no row for each migration: their table holds where the schema stands. What it holds after each
// migration of the plan follows from where the plan starts, so that a rollback can put back exactly that.

/** Of a tool whose table holds only where the schema stands: the versions in it. */
export type Standing = readonly string[];

/**
 * What the table holds once the migrations up to that one are applied, and before that one. Undefined: of other tools,
 * which keep a row for each migration.
 */
export function standingAround(
  { tool, expectedVersion }: SchemaVersion,
  migrations: CompiledPlan["migrations"],
  version: string,
): { before: Standing; after: Standing } | undefined {
  if (tool === undefined || !keepsStanding(tool)) return undefined;
  let after: Standing =
    expectedVersion === NONE ? fresh(tool) : expectedVersion.split(",").map((head) => head.trim());
  for (const migration of migrations) {
    const before = after;
    for (const row of migration.rows ?? []) after = followed(after, row);
    if (migration.version === version) return { before, after };
  }
  throw new Error(`The plan has no migration ${version}`);
}

/** Whether a tool's table holds only where the schema stands. */
export function keepsStanding(tool: Tool): boolean {
  return tool === "alembic" || tool === "golang-migrate" || tool === "tern";
}

/** What its table holds once these are applied, one after another, to a database that had none. */
export function standingAfter(tool: Tool, rows: readonly ToolRow[]): Standing {
  return rows.reduce<Standing>(followed, fresh(tool));
}

/** Tern's table always has its one row. */
function fresh(tool: Tool): Standing {
  return tool === "tern" ? ["0"] : [];
}

function followed(standing: Standing, row: ToolRow): Standing {
  if (row.tool === "golang-migrate" || row.tool === "tern") return [row.version];
  if (row.tool !== "alembic") return standing;
  const followed = [row.down_revision ?? []].flat();
  return [...standing.filter((head) => !followed.includes(head)), row.version_num];
}
