import type { CompiledPlan, SchemaVersion } from "../shared/plan.ts";
import type { Session } from "../shared/session.ts";
import { identifier, literal } from "../shared/sql-text.ts";
import { NONE, type Tool, type ToolRow } from "../shared/tool-rows.ts";

/** The table that holds the schema's version, with its schema. */
export interface ToolTable {
  /** Qualified, and quoted where needed: as in records. */
  name: string;
  /** Another table of the tool in the same schema, in the same form; its name is derived from this one's. */
  beside: (name: (own: string) => string) => string;
}

/** The row of placeQuery. */
export interface TablePlace {
  name: string;
  schema: string;
  own: string;
}

/** Returns the query that finds a table, without parameters; its row, if any, is a TablePlace. */
export function placeQuery(table: string): string {
  return `
    SELECT format('%I.%I', n.nspname, c.relname) AS name, quote_ident(n.nspname) AS schema, c.relname AS own
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass(${literal(table)})`;
}

/** Undefined: the table does not exist. */
export async function toolTable(session: Session, { table }: SchemaVersion): Promise<ToolTable | undefined> {
  return toolTableOf(await session.query<TablePlace>(placeQuery(table)));
}

/** Undefined: the table does not exist. */
export function toolTableOf([row]: readonly TablePlace[]): ToolTable | undefined {
  return (
    row && {
      name: row.name,
      beside: (name) => `${row.schema}.${identifier(name(row.own))}`,
    }
  );
}

/** Sqitch also notes a change in these tables. */
const SQITCH = ["events", "dependencies", "tags"];

/**
 * Returns all tables that the run itself writes to note what is applied, as records name them. Their changes are not
 * the migration's.
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

// Three tools keep no row for each migration: their table holds only the current state. Its content after each
// migration of the plan follows from the plan's start, so that a rollback can restore exactly that.

/** The versions in the table of a tool that keeps only the current state. */
export type Standing = readonly string[];

/**
 * Returns the table's content before this migration and after it. Undefined for tools that keep a row for each
 * migration.
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

/** True if a tool's table holds only the current state of the schema. */
export function keepsStanding(tool: Tool): boolean {
  return tool === "alembic" || tool === "golang-migrate" || tool === "tern";
}

/** Returns the table's content after these migrations were applied, in this sequence, to an empty database. */
export function standingAfter(tool: Tool, rows: readonly ToolRow[]): Standing {
  return rows.reduce<Standing>(followed, fresh(tool));
}

/** Tern's table always has exactly one row. */
function fresh(tool: Tool): Standing {
  return tool === "tern" ? ["0"] : [];
}

function followed(standing: Standing, row: ToolRow): Standing {
  if (row.tool === "golang-migrate" || row.tool === "tern") return [row.version];
  if (row.tool !== "alembic") return standing;
  const followed = [row.down_revision ?? []].flat();
  return [...standing.filter((head) => !followed.includes(head)), row.version_num];
}
