import type { SchemaVersion } from "../../lambdas/shared/plan.ts";
import type { Session } from "../../lambdas/shared/session.ts";
import { TOOL_TABLES } from "../../lambdas/shared/tool-rows.ts";
import { missingColumns, readApplied } from "../../lambdas/version-table/applied.ts";
import { toolTable } from "../../lambdas/version-table/tables.ts";
import type { Finding, ImportedFolder, ImportedMigration, NotingTool } from "./imported.ts";
import type { Applied } from "./pending.ts";
import { ImportError } from "./source.ts";
import { byVersion } from "./tools/flyway.ts";

/** What the tool's own table states about a folder. */
export interface TableSays {
  folder: ImportedFolder;
  applied: Applied;
  /** schema.expectedVersion, by the tool's own rules. */
  version: string;
}

interface Kept {
  /** The tool's key for an applied migration. */
  key: string;
  checksum: string | null;
}

/** How a tool records what it applied. */
interface Reads {
  /** Query for a table: rows of `key` and, if the tool compares it, `checksum`. */
  query: (table: string) => string;
  key: (migration: ImportedMigration) => string;
  same?: (a: string, b: string) => boolean;
  /** The table holds only the newest version, and all before it are applied. */
  newestAlone?: true;
}

const column =
  (name: string, where = "") =>
  (table: string) =>
    `SELECT ${name}::text AS key, NULL AS checksum FROM ${table} ${where}`;

const version = (one: ImportedMigration) => one.version;
const standing = (one: ImportedMigration) => one.standing;

/** Prefix of the version of a Flyway baseline: everything before it counts as applied too. */
const UP_TO = "up to ";

const READS: Readonly<Record<NotingTool, Reads>> = {
  alembic: { query: column("version_num"), key: version },
  atlas: { query: column("version", "WHERE version NOT LIKE '.%'"), key: version },
  dbmate: { query: column("version"), key: version },
  django: { query: column("app || '.' || name"), key: version },
  drizzle: { query: column("created_at"), key: (one) => String(one.row?.created_at) },
  flyway: {
    query: (table) =>
      `SELECT CASE WHEN type LIKE '%BASELINE' THEN '${UP_TO}' ELSE '' END || version AS key, checksum::text AS checksum
         FROM (SELECT DISTINCT ON (version) version, type, success, checksum FROM ${table}
                WHERE version IS NOT NULL ORDER BY version, installed_rank DESC) AS latest
        WHERE success AND type <> 'DELETE' AND type NOT LIKE 'UNDO%'`,
    key: standing,
    same: (a, b) =>
      a.startsWith(UP_TO)
        ? byVersion(b, a.slice(UP_TO.length).replaceAll("_", ".")) <= 0
        : byVersion(a.replaceAll("_", "."), b) === 0,
  },
  "golang-migrate": { query: column("version"), key: version, newestAlone: true },
  goose: {
    query: (table) =>
      `SELECT version_id::text AS key, NULL AS checksum FROM (
         SELECT DISTINCT ON (version_id) version_id, is_applied FROM ${table} ORDER BY version_id, id DESC) AS latest
        WHERE is_applied AND version_id > 0`,
    key: version,
  },
  "graphile-migrate": { query: column("filename"), key: standing },
  liquibase: { query: column("filename || '::' || id || '::' || author"), key: standing },
  "node-pg-migrate": { query: column("name"), key: version },
  postgrator: { query: column("version", "WHERE version > 0"), key: version },
  prisma: {
    query: (table) =>
      `SELECT migration_name AS key, checksum FROM ${table} WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL`,
    key: version,
  },
  sqitch: { query: column("change_id"), key: (one) => String(one.row?.change_id) },
  sqlx: {
    query: (table) => `SELECT version::text AS key, encode(checksum, 'hex') AS checksum FROM ${table}`,
    key: version,
  },
  tern: { query: column("version", "WHERE version > 0"), key: version, newestAlone: true },
  yoyo: { query: column("migration_id"), key: version },
};

/**
 * Reads which migrations are applied. It only reads.
 * @param given the table's name, if it is not the tool's default
 * @throws ImportError if there is no such table, or if the tool itself would not continue from the table's state
 */
export async function appliedIn(
  session: Session,
  folder: ImportedFolder,
  given: string | undefined,
): Promise<TableSays> {
  const { tool } = folder;
  if (tool === "numbered")
    throw new ImportError(
      "These files belong to no tool, so no table of the database shows which are applied. Give that yourself: --after VERSION, or --after none.",
    );
  const schema: SchemaVersion = { tool, table: given ?? TOOL_TABLES[tool], expectedVersion: "none" };
  const table = await toolTable(session, schema);
  if (!table)
    throw new ImportError(
      `The database has no table ${schema.table}, where ${tool} records what it applied. If the table has another name: --table NAME. If nothing was applied yet: --after none, without --database-url.`,
    );
  const missing = await missingColumns(session, table, tool);
  if (missing.length > 0)
    throw new ImportError(
      `The table ${schema.table} is not ${tool}'s: it has no column ${missing.join(", ")}. Give the right table: --table NAME; or the right tool: --tool NAME.`,
    );
  const { version: newest, unfinished } = await readApplied(session, table, tool, { schema, migrations: [] });
  if (unfinished.length > 0)
    throw new ImportError(
      `${tool} itself would not continue from the state of its table ${schema.table}: ${unfinished.join("; ")}. Fix that first.`,
    );
  const reads = READS[tool];
  const rows = await session.query<Kept>(reads.query(table.name));
  return stateOf(folder, reads, rows, newest);
}

function stateOf(folder: ImportedFolder, reads: Reads, rows: readonly Kept[], newest: string): TableSays {
  const moved = folder.tool === "liquibase" ? withPaths(folder, rows) : folder;
  const { key, same = (a: string, b: string) => a === b, newestAlone } = reads;
  const { migrations } = moved;
  const found = (one: ImportedMigration) => rows.find((row) => same(row.key, key(one)));
  const known = new Set(
    moved.tool === "alembic" ? ancestors(migrations, rows) : migrations.filter((one) => found(one)),
  );
  const last = migrations.findLastIndex((one) => known.has(one));
  const applied = newestAlone ? new Set(migrations.slice(0, last + 1)) : known;
  const missing = rows.filter(
    (row) => !row.key.startsWith(UP_TO) && !migrations.some((one) => same(row.key, key(one))),
  );
  const notes: Finding[] = missing.map((row) => ({
    file: folder.tool,
    says: `has applied ${row.key}, which is not in the folder. Is it the right folder, and up to date?`,
  }));
  for (const one of known) {
    const row = found(one);
    const was = row?.key.startsWith(UP_TO) ? undefined : row?.checksum;
    const is = one.row?.checksum;
    if (was !== null && was !== undefined && is !== undefined && is !== null && String(is) !== was)
      notes.push({
        file: one.files[0] ?? one.version,
        says: `was changed after it was applied: its checksum is ${is}, and ${folder.tool}'s table has ${was}`,
      });
  }
  return {
    folder: { ...moved, notes: [...moved.notes, ...notes] },
    applied: { kind: "table", isApplied: (one) => applied.has(one) },
    version: newest,
  };
}

/** Alembic keeps only the heads: their ancestors are applied too. */
function ancestors(migrations: readonly ImportedMigration[], rows: readonly Kept[]): ImportedMigration[] {
  const done = new Set<string>();
  const visit = (id: string) => {
    if (done.has(id)) return;
    done.add(id);
    const one = migrations.find(({ version: known }) => known === id);
    for (const before of [one?.row?.down_revision ?? []].flat()) visit(String(before));
  };
  for (const { key } of rows) visit(key);
  return migrations.filter(({ version: id }) => done.has(id));
}

/** Liquibase identifies a file by the path at which it ran: the table has the paths of applied changesets. */
function withPaths(folder: ImportedFolder, rows: readonly Kept[]): ImportedFolder {
  for (const one of folder.migrations) {
    const row = rows.find(({ key }) => key.endsWith(`/${one.standing}`));
    if (!row) continue;
    const before = row.key.slice(0, -one.standing.length);
    return {
      ...folder,
      notes: folder.notes.filter(({ says: text }) => !text.startsWith("is known to Liquibase by its path")),
      migrations: folder.migrations.map((migration) => ({
        ...migration,
        standing: `${before}${migration.standing}`,
        row: { ...migration.row, filename: `${before}${migration.row?.filename}` },
      })),
    };
  }
  return folder;
}
