import type { CompiledPlan, SchemaVersion } from "../shared/plan.ts";
import type { Session } from "../shared/session.ts";
import { literal } from "../shared/sql-text.ts";
import { NONE, type Tool, type ToolRow } from "../shared/tool-rows.ts";
import { AS_NUMBER, AS_TEXT } from "../shared/version.ts";
import type { ToolTable } from "./tables.ts";

/** How a tool's own table is read. */
interface Reading {
  /** Columns that identify the table as this tool's. */
  columns: readonly string[];
  /** A query for the newest version as `version`; no row or null if there is none. */
  newest: (table: string, rows: readonly ToolRow[]) => string;
  /** A query for everything, as `what`, that the tool itself would refuse to continue from. */
  unfinished?: (table: string) => string;
  /** The tool's lock table, and a query for the holder of a lock as `what`. */
  lock?: { name: (own: string) => string; held: (table: string) => string };
  /** True if two versions are the same; by default they are compared as texts. */
  same?: (a: string, b: string) => boolean;
}

const greatest =
  (column: string, condition = "") =>
  (table: string) =>
    `SELECT ${column}::text AS version FROM ${table} ${condition} ORDER BY ${column} DESC LIMIT 1`;

const asText =
  (column: string, condition = "") =>
  (table: string) =>
    `SELECT ${column} AS version FROM ${table} ${condition} ORDER BY ${column} COLLATE "C" DESC LIMIT 1`;

const newestBy = (order: string, shown: string) => (table: string) =>
  `SELECT ${shown} AS version FROM ${table} ORDER BY ${order} LIMIT 1`;

/** A query that returns a row, as `what`, if a table that must have one row has another number of rows. */
const oneRow = (table: string, few: number) =>
  `SELECT 'it has ' || count(*) || ' rows but must have one' AS what FROM ${table} HAVING count(*) > 1 OR count(*) < ${few}`;

const READINGS: Readonly<Record<Tool, Reading>> = {
  alembic: {
    columns: ["version_num"],
    newest: (table) =>
      `SELECT string_agg(version_num, ', ' ORDER BY version_num COLLATE "C") AS version FROM ${table}`,
    same: (a, b) => heads(a) === heads(b),
  },
  atlas: {
    columns: ["version", "description", "type", "applied", "total", "executed_at", "execution_time", "hash"],
    // A version that starts with a dot is not a version: Atlas stores other data there.
    newest: asText("version", "WHERE version NOT LIKE '.%'"),
    unfinished: (table) =>
      `SELECT version || ': ' || coalesce(nullif(error, ''), applied || ' of ' || total || ' statements are applied') AS what
         FROM ${table} WHERE type = 2 AND (applied < total OR error <> '') ORDER BY version COLLATE "C"`,
  },
  dbmate: { columns: ["version"], newest: asText("version") },
  django: {
    columns: ["id", "app", "name", "applied"],
    newest: (table, rows) => {
      const apps = rows.flatMap((row) => (row.tool === "django" ? [literal(row.app)] : []));
      return `SELECT app || '.' || name AS version FROM ${table}
        ${apps.length === 0 ? "" : `WHERE app IN (${apps.join(", ")})`} ORDER BY id DESC LIMIT 1`;
    },
  },
  drizzle: { columns: ["id", "hash", "created_at"], newest: greatest("created_at"), same: AS_NUMBER.same },
  flyway: {
    columns: ["installed_rank", "version", "description", "type", "script", "checksum", "success"],
    newest: (table) =>
      `SELECT version FROM (
         SELECT DISTINCT ON (version) version, type, success FROM ${table}
          WHERE version IS NOT NULL ORDER BY version, installed_rank DESC) AS latest
        WHERE success AND type <> 'DELETE' AND type NOT LIKE 'UNDO%'
        ORDER BY string_to_array(replace(version, '_', '.'), '.')::numeric[] DESC LIMIT 1`,
    unfinished: (table) =>
      `SELECT coalesce(version, description) || ' has success = false' AS what FROM ${table}
        WHERE NOT success ORDER BY installed_rank`,
    same: (a, b) => flywayParts(a) === flywayParts(b),
  },
  "golang-migrate": {
    columns: ["version", "dirty"],
    newest: (table) => `SELECT version::text FROM ${table} LIMIT 1`,
    unfinished: (table) =>
      `SELECT version || ' is dirty' AS what FROM ${table} WHERE dirty UNION ALL ${oneRow(table, 0)}`,
    same: AS_NUMBER.same,
  },
  goose: {
    columns: ["id", "version_id", "is_applied", "tstamp"],
    newest: (table) =>
      `SELECT nullif(version_id, 0)::text AS version FROM (
         SELECT DISTINCT ON (version_id) id, version_id, is_applied FROM ${table} ORDER BY version_id, id DESC) AS latest
        WHERE is_applied ORDER BY id DESC LIMIT 1`,
    unfinished: (table) =>
      `SELECT 'it has no row, but goose needs the row of version 0' AS what FROM ${table} HAVING count(*) = 0`,
    same: AS_NUMBER.same,
  },
  "graphile-migrate": {
    columns: ["hash", "previous_hash", "filename", "date"],
    newest: asText("filename"),
  },
  knex: {
    columns: ["id", "name", "batch", "migration_time"],
    newest: newestBy("id DESC", "name"),
    lock: {
      name: (own) => `${own}_lock`,
      held: (lock) => `SELECT 'it is locked' AS what FROM ${lock} WHERE is_locked = 1`,
    },
  },
  liquibase: {
    columns: ["id", "author", "filename", "dateexecuted", "orderexecuted", "exectype", "md5sum"],
    newest: newestBy("dateexecuted DESC, orderexecuted DESC", "filename || '::' || id || '::' || author"),
    lock: {
      name: (own) => `${own}lock`,
      held: (lock) =>
        `SELECT 'it is locked by ' || coalesce(lockedby, 'somebody') AS what FROM ${lock} WHERE locked`,
    },
  },
  "node-pg-migrate": { columns: ["id", "name", "run_on"], newest: newestBy("run_on DESC, id DESC", "name") },
  postgrator: {
    columns: ["version", "name", "md5", "run_at"],
    newest: greatest("version", "WHERE version > 0"),
    same: AS_NUMBER.same,
  },
  prisma: {
    columns: ["id", "checksum", "finished_at", "migration_name", "rolled_back_at", "started_at"],
    newest: (table) =>
      `SELECT migration_name AS version FROM ${table} WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL
        ORDER BY started_at DESC, migration_name COLLATE "C" DESC LIMIT 1`,
    unfinished: (table) =>
      `SELECT migration_name || ' is neither finished nor rolled back' AS what FROM ${table}
        WHERE finished_at IS NULL AND rolled_back_at IS NULL ORDER BY started_at`,
  },
  sqitch: {
    columns: ["change_id", "script_hash", "change", "project", "committed_at"],
    newest: (table, rows) => {
      const projects = rows.flatMap((row) => (row.tool === "sqitch" ? [literal(row.project)] : []));
      return `SELECT change AS version FROM ${table}
        ${projects.length === 0 ? "" : `WHERE project IN (${projects.join(", ")})`} ORDER BY committed_at DESC LIMIT 1`;
    },
  },
  sqlx: {
    columns: ["version", "description", "success", "checksum", "execution_time"],
    newest: greatest("version"),
    unfinished: (table) =>
      `SELECT version || ' has success = false' AS what FROM ${table} WHERE NOT success ORDER BY version`,
    same: AS_NUMBER.same,
  },
  tern: {
    columns: ["version"],
    newest: (table) => `SELECT nullif(version, 0)::text AS version FROM ${table} LIMIT 1`,
    unfinished: (table) => oneRow(table, 1),
    same: AS_NUMBER.same,
  },
  yoyo: {
    columns: ["migration_hash", "migration_id", "applied_at_utc"],
    newest: newestBy('applied_at_utc DESC, migration_id COLLATE "C" DESC', "migration_id"),
    lock: {
      name: () => "yoyo_lock",
      held: (lock) => `SELECT 'it is locked by the process ' || pid AS what FROM ${lock}`,
    },
  },
};

function heads(version: string): string {
  return version
    .split(",")
    .map((head) => head.trim())
    .sort()
    .join();
}

/** 1.0 equals 1, and 01_2 equals 1.2. */
function flywayParts(version: string): string {
  return version
    .split(/[._]/)
    .map((part) => part.replace(/^0+(?=\d)/, ""))
    .join(".")
    .replace(/(\.0)+$/, "");
}

/** Content of a tool's table. */
export interface Applied {
  /** Its newest version; `none` if there is none. */
  version: string;
  /** True if that is the version that the plan starts from. */
  expected: boolean;
  /** What the tool itself would refuse to continue from. */
  unfinished: string[];
}

/** Returns the tool's columns that the table lacks: if any are missing, it is not that tool's table. */
export async function missingColumns(session: Session, table: ToolTable, tool: Tool): Promise<string[]> {
  const rows = await session.query<{ name: string }>(
    `SELECT attname AS name FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped`,
    [table.name],
  );
  return READINGS[tool].columns.filter((column) => !rows.some(({ name }) => name === column));
}

/** Reads a table that has the tool's columns, by the tool's own rules. */
export async function readApplied(
  session: Session,
  table: ToolTable,
  tool: Tool,
  { schema, migrations }: { schema: SchemaVersion; migrations: CompiledPlan["migrations"] },
): Promise<Applied> {
  const { newest, unfinished, lock, same = AS_TEXT.same } = READINGS[tool];
  const rows = migrations.flatMap((migration) => migration.rows ?? []);
  const [row] = await session.query<{ version: string | null }>(newest(table.name, rows));
  const version = row?.version ?? NONE;
  const found = [
    ...(unfinished ? await session.query<{ what: string }>(unfinished(table.name)) : []),
    ...(lock ? await held(session, table.beside(lock.name), lock.held) : []),
  ];
  return {
    version,
    expected: same(version, schema.expectedVersion),
    unfinished: found.map(({ what }) => what),
  };
}

async function held(
  session: Session,
  lock: string,
  query: (table: string) => string,
): Promise<{ what: string }[]> {
  const [there] = await session.query<{ there: boolean }>("SELECT to_regclass($1) IS NOT NULL AS there", [
    lock,
  ]);
  return there?.there ? await session.query<{ what: string }>(query(lock)) : [];
}
