import type { CompiledPlan, SchemaVersion } from "../shared/plan.ts";
import type { Session } from "../shared/session.ts";
import { identifier, literal } from "../shared/sql-text.ts";
import { NONE, type Tool, type ToolRow } from "../shared/tool-rows.ts";

/** The table that holds the schema's version, and where it is. */
export interface ToolTable {
  /** Qualified, and quoted where needed: as records have it. */
  name: string;
  /** Another table of the tool's in the same schema, in the same way; its name is made from this one's. */
  beside: (name: (own: string) => string) => string;
}

/** The row of placeQuery. */
export interface TablePlace {
  name: string;
  schema: string;
  own: string;
}

/** The query for where a table is, without parameters; its row, where there is one, is a TablePlace. */
export function placeQuery(table: string): string {
  return `
    SELECT format('%I.%I', n.nspname, c.relname) AS name, quote_ident(n.nspname) AS schema, c.relname AS own
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass(${literal(table)})`;
}

/** Undefined: there is none. */
export async function toolTable(session: Session, { table }: SchemaVersion): Promise<ToolTable | undefined> {
  return toolTableOf(await session.query<TablePlace>(placeQuery(table)));
}

/** Undefined: there is none. */
export function toolTableOf([row]: readonly TablePlace[]): ToolTable | undefined {
  return (
    row && {
      name: row.name,
      beside: (name) => `${row.schema}.${identifier(name(row.own))}`,
    }
  );
}

/** Sqitch notes a change in several tables. */
const SQITCH = ["events", "dependencies", "tags"];

/**
 * All tables that the run writes to by itself to note what is applied, as records name them. That they change is no
 * change of the migration's.
 */
export async function versionTables(
  session: Session,
  schema: SchemaVersion | undefined,
): Promise<ReadonlySet<string>> {
  if (!schema) return new Set();
  const table = await toolTable(session, schema);
  if (!table) return new Set();
  const beside = schema.tool === "sqitch" ? SQITCH.map((name) => table.beside(() => name)) : [];
  const names = beside.length === 0 ? [] : await recordNames(session, beside);
  return new Set([table.name, ...names]);
}

async function recordNames(session: Session, tables: readonly string[]): Promise<string[]> {
  const rows = await session.query<{ name: string }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.oid = ANY (SELECT to_regclass(named) FROM unnest($1::text[]) AS named)`,
    [tables],
  );
  return rows.map(({ name }) => name);
}

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
