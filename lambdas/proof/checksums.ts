import type { ListedTable } from "../shared/documents.ts";
import { requireRow, type Session } from "../shared/session.ts";
import { IS_USERS_TABLE } from "../shared/user-objects.ts";
import { columnHash, HASHES, type HashedColumn, keyHash, rowHash } from "./hashes.ts";
import { withPinnedSnapshot } from "./pinned.ts";

/** Contents of a table, for the named columns. */
export interface TableContent {
  /** Qualified by its schema, quoted where needed. */
  table: string;
  /** Columns that were read, by their names in the catalog. */
  columns: string[];
  /** Decimal text. */
  rows: string;
  /** Null if rows were only counted; starts with "sample:" if a sample was read. */
  checksum: string | null;
  /** The table does not exist (any more): no columns, no rows, no checksum. */
  missing?: true;
  /**
   * A sum for each column, by name. If the table has a key, each value is hashed together with its row's key, so
   * values swapped between rows show; without a key they do not. Only on request, never for a sample.
   */
  sums?: Record<string, string> | undefined;
  /** The sum of the key alone. If it changed, rows were added or removed, and other columns' sums show nothing. */
  keys?: string | undefined;
  /** The key's columns: sums can only be compared if they are used again. Empty if there is no key. */
  key?: string[] | undefined;
}

/** "full": every row. "sample": about one row in a hundred. "count": only the number of rows. */
export type ContentMode = "full" | "sample" | "count";

/** Options of a reading besides its mode. */
interface Reading {
  /** Also sum each column, in the same scan. Takes about twice the time. */
  sums?: boolean | undefined;
  /** Key columns of an earlier reading. Default: the primary key, if all of its columns are read. */
  key?: readonly string[] | undefined;
  /** SQL condition: read only these rows. Sums and counts of disjoint parts add up to those of the whole table. */
  where?: string | undefined;
}

/** A sample of fewer rows would show little, and reading all of them is cheap. */
const READ_IN_FULL = 10_000;
const SAMPLE_ONE_IN = 100;
/** Prefix of a sample's checksum. */
export const SAMPLE = "sample:";

/**
 * Lists every table that holds rows (ordinary tables and the leaves of partitioned ones) outside the system's
 * schemas, `sluice` and extensions, by name, with its columns in the order of their creation. Virtual generated
 * columns store nothing and are left out; stored ones count.
 */
export function listTables(session: Session): Promise<ListedTable[]> {
  return withPinnedSnapshot(session, () => session.query<ListedTable>(TABLES));
}

/**
 * Counts a table's rows and sums a 64-bit hash of each over the named columns, inside the server. Equal rows give
 * equal sums in any order and under any session settings. Only sums from the same major version of PostgreSQL can be
 * compared.
 *
 * Values are compared as stored: a difference in their binary form or their text shows (docs/what-is-proven.md names
 * the exceptions). Two different contents with the same number of rows have the same sum by accident with a
 * probability of about 1 in 2^63; this does not protect against deliberate collisions.
 *
 * "sample" picks rows by a hash of the primary key, so that a restored copy gives the same rows, and hashes only
 * those as a whole: it scans the table but never fetches or computes the wide values of 99 of 100 rows. Without a
 * primary key among the columns it hashes every row and saves nothing. Up to 10,000 rows are read in full. A sample
 * detects a change of most rows; it probably misses a change of a few.
 *
 * A missing table gives `missing`; a missing column is absent from `columns`. Rejects with 42501 if row-level
 * security would hide rows from the reader or the role may not read, and with 25001 inside a transaction: it uses a
 * read-only REPEATABLE READ one of its own.
 *
 * @param table as `listTables` returns it
 * @param columns as the catalog names them, unquoted
 */
export function takeTableContent(
  session: Session,
  table: string,
  columns: readonly string[],
  mode: ContentMode,
  reading: Reading = {},
): Promise<TableContent> {
  const where = reading.where === undefined ? "" : `WHERE ${reading.where}`;
  return contentOf(session, table, columns, async (from, hashed, condition) => {
    const these = only(where, condition);
    const rows = mode === "full" ? "0" : await countRows(session, from, these);
    if (mode === "count") return { rows, checksum: null };
    return await sumRows(session, from, hashed, BigInt(rows) > READ_IN_FULL, these, reading);
  });
}

/** A range of a table's blocks, from one up to but without another; null: to the current end. */
export interface Range {
  from: number;
  to: number | null;
}

/**
 * Reads a part of a table, to be joined with the other parts. Each part sees the table at its own time: together they
 * are correct only if nothing is written in the meantime.
 */
export function takePart(
  session: Session,
  table: string,
  columns: readonly string[],
  mode: ContentMode,
  { from, to }: Range,
  reading: Reading = {},
): Promise<TableContent> {
  const where = `WHERE ctid >= '(${from},0)'${to === null ? "" : ` AND ctid < '(${to},0)'`}`;
  return contentOf(session, table, columns, async (name, hashed, condition) =>
    mode === "count"
      ? { rows: await countRows(session, name, only(where, condition)), checksum: null }
      : await sumRows(session, name, hashed, mode === "sample", only(where, condition), reading),
  );
}

/** Joins the parts of a table. Undefined: a sample of so few rows shows little; read the whole table. */
export function joinParts(parts: readonly TableContent[], mode: ContentMode): TableContent | undefined {
  const [first] = parts;
  const missing = parts.find((part) => part.missing);
  if (!first || missing) return missing;
  const rows = parts.reduce((sum, part) => sum + BigInt(part.rows), 0n);
  if (mode === "sample" && rows <= READ_IN_FULL) return undefined;
  const prefix = mode === "sample" ? SAMPLE : "";
  const total = (of: (part: TableContent) => string | undefined) =>
    parts.reduce((all, part) => all + BigInt(of(part) ?? "0"), 0n).toString();
  const checksum = mode === "count" ? null : prefix + total((part) => part.checksum?.slice(prefix.length));
  const sums = first.sums && {
    sums: Object.fromEntries(
      Object.keys(first.sums).map((column) => [column, total((part) => part.sums?.[column])]),
    ),
    ...(first.keys !== undefined && { keys: total((part) => part.keys) }),
  };
  return { ...first, rows: rows.toString(), checksum, ...sums };
}

function contentOf(
  session: Session,
  table: string,
  columns: readonly string[],
  read: (
    from: string,
    hashed: readonly HashedColumn[],
    condition: string,
  ) => Promise<Omit<TableContent, "table" | "columns">>,
): Promise<TableContent> {
  return withPinnedSnapshot(session, async () => {
    const [found] = await session.query<{ table: string; condition: string | null }>(TABLE, [table]);
    if (!found) return { table, columns: [], rows: "0", checksum: null, missing: true };
    const hashed = await session.query<HashedColumn>(HASHES, [table, JSON.stringify(columns)]);
    return {
      table,
      columns: hashed.map(({ name }) => name),
      ...(await read(found.table, hashed, found.condition ?? "")),
    };
  });
}

/** SQL: restricts an extension's table to user data; its other rows belong to the extension. */
export function only(where: string, condition: string): string {
  if (condition === "") return where;
  return where === "" ? `WHERE ${condition}` : `${where} AND (${condition})`;
}

// ONLY: child tables are counted themselves.

async function countRows(session: Session, from: string, where: string): Promise<string> {
  const { rows } = await requireRow<{ rows: string }>(
    session,
    `SELECT count(*)::text AS rows FROM ONLY ${from} ${where}`,
  );
  return rows;
}

async function sumRows(
  session: Session,
  from: string,
  columns: readonly HashedColumn[],
  sampled: boolean,
  where: string,
  { sums: wantsSums = false, key: keyBefore }: Reading,
): Promise<Omit<TableContent, "table" | "columns">> {
  const key = keyAmong(columns, keyBefore);
  const picked = key.length > 0 ? keyHash(key) : rowHash(columns);
  const filter = sampled ? `FILTER (WHERE ${picked} % ${SAMPLE_ONE_IN} = 0)` : "";
  const summed = wantsSums && !sampled ? columnSums(columns, key) : [];
  const names = summed.map(({ sql }, index) => `, coalesce(sum(${sql}), 0)::text AS s${index}`);
  const found = await requireRow<Record<string, string>>(
    session,
    `SELECT count(*)::text AS rows, coalesce(sum(${rowHash(columns)}) ${filter}, 0)::text AS checksum${names.join("")}
     FROM ONLY ${from} ${where}`,
  );
  const value = (name: string): string => {
    const text = found[name];
    if (text === undefined) throw new Error(`The server did not give ${name} of ${from}`);
    return text;
  };
  const content = { rows: value("rows"), checksum: `${sampled ? SAMPLE : ""}${value("checksum")}` };
  const keyNames = { key: key.map(({ name }) => name) };
  if (summed.length === 0) return sampled ? { ...content, ...keyNames } : content;
  const entries = summed.map(({ name }, index) => [name, value(`s${index}`)] as const);
  const keys = entries.find(([name]) => name === null)?.[1];
  return {
    ...content,
    sums: Object.fromEntries(entries.filter(([name]) => name !== null)),
    ...(keys !== undefined && { keys }),
    ...keyNames,
  };
}

/** Returns a key's columns in their order. Columns that identified rows before still do if the key is gone. */
function keyAmong(columns: readonly HashedColumn[], before: readonly string[] | undefined): HashedColumn[] {
  const named = (name: string) => columns.find((column) => column.name === name);
  if (before) return before.flatMap((name) => named(name) ?? []);
  const parts = columns.filter(({ key }) => key !== null).sort((a, b) => (a.key ?? 0) - (b.key ?? 0));
  return parts.length === parts[0]?.keyLength ? parts : [];
}

/** SQL to sum each column, and the key (name: null). */
function columnSums(
  columns: readonly HashedColumn[],
  key: readonly HashedColumn[],
): { name: string | null; sql: string }[] {
  if (key.length === 0) return columns.map((column) => ({ name: column.name, sql: columnHash(column) }));
  const row = keyHash(key);
  return [
    { name: null, sql: `hash_numeric_extended((${row})::numeric, 0)` },
    // Hash a key column alone: combined with the key, every other column would differ with it.
    ...columns.map((column) => ({
      name: column.name,
      sql: columnHash(column, key.includes(column) ? undefined : row),
    })),
  ];
}

/** Rows of { table, columns, blocks } for `listTables`. */
const TABLES = `
SELECT format('%I.%I', n.nspname, c.relname) AS table,
       coalesce((SELECT json_agg(a.attname ORDER BY a.attnum) FROM pg_attribute a
                  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated <> 'v'),
                '[]') AS columns,
       (pg_relation_size(c.oid) / current_setting('block_size')::int)::float8 AS blocks
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE ${IS_USERS_TABLE}
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`;

/**
 * $1: a table. Returns one row { table, condition }: its name, quoted by the server, and for an extension's table the
 * condition for user data (empty: all rows). No row if there is no such table.
 */
export const TABLE = `
SELECT format('%I.%I', n.nspname, c.relname) AS table,
       (SELECT regexp_replace(e.extcondition[array_position(e.extconfig, c.oid)], '^\\s*WHERE\\s', '', 'i')
          FROM pg_extension e WHERE c.oid = ANY (e.extconfig)) AS condition
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1::text)`;
