import type { Session } from "../shared/session.ts";
import { literal } from "../shared/sql-text.ts";
import { AS_NUMBER, AS_TEXT, newest, type VersionOrder } from "../shared/version.ts";

/** A table in which a tool notes what it applied: a version as text or as a number, alone or with other columns. */
export interface VersionTable {
  /** Qualified by its schema, quoted where needed. */
  name: string;
  columns: readonly Column[];
  /** Type of the column `version`: for example `varchar(14)`, or its domain. */
  type: string;
  order: VersionOrder;
}

interface Column {
  name: string;
  quoted: string;
  type: string;
  /** Category in pg_type: N, S, D or B for numbers, strings, dates and times, booleans. */
  category: string;
  /** NOT NULL without a default: an insert must set it. */
  required: boolean;
}

const TITLE_COLUMNS = /^(name|title|description|filename|script|migration_name)$/i;

/** Columns that show whether a row's migration succeeded, with their value after a success. */
const OUTCOMES: Readonly<Record<string, boolean>> = {
  dirty: false,
  is_dirty: false,
  failed: false,
  success: true,
  is_success: true,
  succeeded: true,
  successful: true,
};

/** Values, in lower case, that mean true or false in these columns: tools use booleans, numbers or texts. */
const SAYS = { true: ["true", "t", "1", "yes", "y"], false: ["false", "f", "0", "no", "n", ""] };

/** The column's value after a success; undefined: the column does not show success. */
function wellIn({ name, category }: Column): boolean | undefined {
  return /[BNSV]/.test(category) ? OUTCOMES[name.toLowerCase()] : undefined;
}

/** A row of columnsQuery. */
export type TableColumn = Column & { table: string };

/** Returns the query for a table's columns, without parameters; each row is a TableColumn. */
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

/** @throws Error if the table does not exist or holds no versions */
export function versionTableOf(table: string, columns: readonly TableColumn[]): VersionTable {
  const [first] = columns;
  if (!first) throw new Error(`Table ${table}, which notes the schema's version, does not exist`);
  const version = columns.find(({ name }) => name === "version");
  if (!version) throw new Error("The table that notes the schema's version has no column named version");
  const order = version.category === "N" ? AS_NUMBER : AS_TEXT;
  return { name: first.table, columns, type: version.type, order };
}

// No value is cast here. The server converts it to the column's type and refuses what does not fit; a cast would cut
// a version to the column's length.

/**
 * Returns the statement that notes a version as applied, in any shape of table; a second run changes nothing.
 * @throws Error naming a required column for which there is no value
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
      `${table}.${name} must have a value and has no default, and Sluice has no value for it. Give the column a default.`,
    );
  });
  const names = filled.map(({ quoted }) => quoted).join(", ");
  const values = filled.map(({ value }) => value).join(", ");
  return `INSERT INTO ${table} (${names}) SELECT ${values} WHERE NOT EXISTS (SELECT FROM ${table} WHERE ${is(version)})`;
}

/** Returns the statement that takes the note back. */
export function removing({ name }: VersionTable, version: string): string {
  return `DELETE FROM ${name} WHERE ${is(version)}`;
}

/** Returns the condition for the version's row; a numeric column reads 006 as 6. */
export function is(version: string): string {
  return `version = ${literal(version)}`;
}

/** Content of a version table. */
export interface VersionRows {
  /** The version newer than all others; undefined if it cannot be determined, or if there is none. */
  newest: string | undefined;
  versions: readonly string[];
  /** Rows of failed migrations, such as `7 (dirty: true)`. */
  failed: readonly string[];
}

/** Rows without a version, such as those of repeatable scripts, count only if they failed. */
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

/** If the versions themselves have no order: the column that holds the time or number of each apply. */
function rank({ columns }: VersionTable): string | undefined {
  const of = (category: string) => columns.filter((column) => column.category === category);
  const [time, ...times] = of("D");
  if (time && times.length === 0) return time.quoted;
  const [number, ...numbers] = of("N").filter(
    (column) => column.name !== "version" && wellIn(column) === undefined,
  );
  return number && numbers.length === 0 ? number.quoted : undefined;
}
