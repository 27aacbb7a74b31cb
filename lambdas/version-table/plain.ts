import type { Session } from "../shared/session.ts";
import { literal } from "../shared/sql-text.ts";
import { AS_NUMBER, AS_TEXT, newest, type VersionOrder } from "../shared/version.ts";

/** The table in which a tool notes what it applied: a version as text or as a number, alone or with other columns. */
export interface VersionTable {
  /** With its schema, and quoted where that is needed. */
  name: string;
  columns: readonly Column[];
  /** Of the column `version`: such as `varchar(14)`, or its domain. */
  type: string;
  order: VersionOrder;
}

interface Column {
  name: string;
  quoted: string;
  type: string;
  /** N, S, D or B of pg_type: numbers, strings, dates and times, booleans. */
  category: string;
  /** NOT NULL without a default: an insert must name it. */
  required: boolean;
}

const TITLE_COLUMNS = /^(name|title|description|filename|script|migration_name)$/i;

/** Columns by which a row says whether its migration went well, with what they hold where it did. */
const OUTCOMES: Readonly<Record<string, boolean>> = {
  dirty: false,
  is_dirty: false,
  failed: false,
  success: true,
  is_success: true,
  succeeded: true,
  successful: true,
};

/** What such a column holds, in lower case, where it means true or false: tools keep it as a boolean, a number or a text. */
const SAYS = { true: ["true", "t", "1", "yes", "y"], false: ["false", "f", "0", "no", "n", ""] };

/** What the column says of a migration that went well; undefined: it says nothing of that. */
function wellIn({ name, category }: Column): boolean | undefined {
  return /[BNSV]/.test(category) ? OUTCOMES[name.toLowerCase()] : undefined;
}

/** A row of columnsQuery. */
export type TableColumn = Column & { table: string };

/** The query for a table's columns, without parameters; each row is a TableColumn. */
export function columnsQuery(table: string): string {
  return `
    SELECT format('%I.%I', n.nspname, c.relname) AS table, attname AS name,
           quote_ident(attname) AS quoted, format_type(atttypid, atttypmod) AS type, t.typcategory::text AS category,
           attnotnull AND NOT atthasdef AND attidentity = '' AND t.typdefault IS NULL AS required
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
      JOIN pg_type t ON t.oid = a.atttypid
     WHERE c.oid = to_regclass(${literal(table)}) AND attnum > 0 AND NOT attisdropped ORDER BY attnum`;
}

/** @throws as versionTableOf */
export async function versionTable(session: Session, table: string): Promise<VersionTable> {
  return versionTableOf(table, await session.query<TableColumn>(columnsQuery(table)));
}

/** @throws Error where there is no such table, or none that holds versions */
export function versionTableOf(table: string, columns: readonly TableColumn[]): VersionTable {
  const [first] = columns;
  if (!first) throw new Error(`There is no table ${table} to note the schema's version in`);
  const version = columns.find(({ name }) => name === "version");
  if (!version) throw new Error("The table that notes the schema's version has no column named version");
  const order = version.category === "N" ? AS_NUMBER : AS_TEXT;
  return { name: first.table, columns, type: version.type, order };
}

// No value is cast here. The server takes it for the column's type, and refuses what does not fit, where a cast would cut
// a version to the column's length.

/**
 * The statement that notes a version as applied, in whatever shape the table has; a second time it does nothing.
 * @throws Error naming a required column that nothing is known to put into.
 */
export function adding({ name: table, columns }: VersionTable, version: string, title: string): string {
  const filled = columns.flatMap((column) => {
    const { name, quoted, required, category } = column;
    const outcome = wellIn(column);
    if (name === "version") return [{ quoted, value: literal(version) }];
    if (outcome !== undefined && category === "B") return [{ quoted, value: String(outcome) }];
    if (outcome !== undefined && category === "N") return [{ quoted, value: outcome ? "1" : "0" }];
    if (!required) return [];
    if (TITLE_COLUMNS.test(name)) return [{ quoted, value: literal(title) }];
    throw new Error(
      `${table}.${name} must have a value and has no default: Sluice does not know what to put there. Give it a default.`,
    );
  });
  const names = filled.map(({ quoted }) => quoted).join(", ");
  const values = filled.map(({ value }) => value).join(", ");
  return `INSERT INTO ${table} (${names}) SELECT ${values} WHERE NOT EXISTS (SELECT FROM ${table} WHERE ${is(version)})`;
}

/** The statement that takes the note back. */
export function removing({ name }: VersionTable, version: string): string {
  return `DELETE FROM ${name} WHERE ${is(version)}`;
}

/** The condition that picks its row; a number takes 006 as 6. */
export function is(version: string): string {
  return `version = ${literal(version)}`;
}

/** What a version table says of itself. */
export interface VersionRows {
  /** The version that is newer than all others; undefined where nothing says which that is, or there is none. */
  newest: string | undefined;
  versions: readonly string[];
  /** Rows of migrations that did not go well, such as `7 (dirty: true)`. */
  failed: readonly string[];
}

/** Rows without a version, such as those of scripts that are repeated, count only where they failed. */
export async function readVersions(session: Session, table: VersionTable): Promise<VersionRows> {
  const says = table.columns.flatMap((column) => {
    const well = wellIn(column);
    if (well === undefined) return [];
    const good = SAYS[`${well}`].map(literal).join(", ");
    return `CASE WHEN (lower(${column.quoted}::text) IN (${good})) IS NOT TRUE THEN ${literal(`${column.name}: `)} || coalesce(${column.quoted}::text, 'null') END`;
  });
  const ranks = rank(table);
  const rows = await session.query<{ version: string | null; failed: string; first: boolean }>(
    `SELECT version::text AS version, concat_ws(', ', NULL${says.map((one) => `, ${one}`).join("")}) AS failed,
            ${ranks === undefined ? "false" : `rank() OVER (PARTITION BY version IS NULL ORDER BY ${ranks} DESC NULLS LAST) = 1`} AS first
       FROM ${table.name}`,
  );
  const versioned = rows.flatMap(({ version, first }) => (version === null ? [] : [{ version, first }]));
  const versions = versioned.map(({ version }) => version);
  const first = versioned.filter((row) => row.first);
  return {
    newest: newest(table.order, versions) ?? (first.length === 1 ? first[0]?.version : undefined),
    versions,
    failed: rows
      .filter(({ failed }) => failed !== "")
      .map(({ version, failed }) => `${version ?? "one without a version"} (${failed})`),
  };
}

/** Where versions do not say it themselves: the column that says when, or as which, each was applied. */
function rank({ columns }: VersionTable): string | undefined {
  const of = (category: string) => columns.filter((column) => column.category === category);
  const [time, ...times] = of("D");
  if (time && times.length === 0) return time.quoted;
  const [number, ...numbers] = of("N").filter(
    (column) => column.name !== "version" && wellIn(column) === undefined,
  );
  return number && numbers.length === 0 ? number.quoted : undefined;
}
