import type { ListedTable } from "../shared/documents.ts";
import { requireRow, type Session } from "../shared/session.ts";
import { IS_USERS_TABLE } from "../shared/sql-text.ts";
import { columnHash, HASHES, type HashedColumn, keyHash, rowHash } from "./hashes.ts";
import { withPinnedSnapshot } from "./pinned.ts";

/** What a table held, so far as named columns go. */
export interface TableContent {
  /** Qualified by its schema, quoted where needed. */
  table: string;
  /** The columns that were read, as the catalog names them. */
  columns: string[];
  /** Decimal text. */
  rows: string;
  /** Null when rows were only counted; begins with "sample:" when a sample was read. */
  checksum: string | null;
  /** There is no such table (any more); then it has no columns, no rows and no checksum. */
  missing?: true;
  /**
   * A sum for each column, by its name. Where the table has a key each value counts together with its row's key, so
   * that values that were swapped between rows show; elsewhere they do not. Only where it was asked for, never of a sample.
   */
  sums?: Record<string, string> | undefined;
  /** The sum of the key alone: other than before, rows came and went, and other columns' sums say nothing. */
  keys?: string | undefined;
  /** The key's columns, as they must be used again for sums that can be compared. Empty: there is none. */
  key?: string[] | undefined;
}

/** "full": every row. "sample": about one row in a hundred. "count": how many rows. */
export type ContentMode = "full" | "sample" | "count";

/** How a table is read beside its mode. */
interface Reading {
  /** Sums of columns too, in the same scan. It takes about twice the time. */
  sums?: boolean | undefined;
  /** The key of an earlier reading; the primary key, where all of its columns are read, when not given. */
  key?: readonly string[] | undefined;
  /** A condition in SQL: only these rows. Sums and counts of disjoint parts add up to those of the whole. */
  where?: string | undefined;
}

/** A sample of fewer rows than this would say little, and reading them all costs little. */
const READ_IN_FULL = 10_000;
const SAMPLE_ONE_IN = 100;
/** Begins the checksum of a sample. */
export const SAMPLE = "sample:";

/**
 * Every table that holds rows (ordinary ones and the leaves of partitioned ones) outside the system's schemas,
 * `sluice` and extensions, by name, with its columns in the order of their creation. Virtual generated columns hold
 * nothing and are left out; stored ones count.
 */
export function listTables(session: Session): Promise<ListedTable[]> {
  return withPinnedSnapshot(session, () => session.query<ListedTable>(TABLES));
}

/**
 * Counts a table's rows and sums a 64-bit hash of each one, over the named columns, within the server: equal for
 * equal rows in whatever order, and whatever the session's settings. Only sums that the same major version of
 * PostgreSQL gave can be compared.
 *
 * It sees each value as it is stored: what differs in its binary form or its text differs here (docs/what-is-proven.md
 * names the exceptions). Two different contents of as many rows have the same sum with a probability of about 1 in 2^63
 * for an accident; it is no protection against somebody who wants them to.
 *
 * "sample" decides by a hash of the primary key, so that the same rows are picked in a restored copy, and only those
 * are hashed as a whole: the table is scanned, yet 99 of 100 rows' wide values are never fetched or computed on.
 * Without a primary key among the columns it hashes every row and gains nothing. Up to 10,000 rows are read in full.
 * A sample notices what happened to most rows; what happened to a few it is likely to miss.
 *
 * A table that is not there (any more) yields `missing`, a column that is not there is absent from `columns`.
 * Rejects with 42501 where row-level security would hide rows from the reader or where it may not read at all, and
 * with 25001 within a transaction: it takes a read-only REPEATABLE READ one of its own.
 *
 * @param table as `listTables` gives it
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

/** Blocks of a table from one on and up to another; null: to its end, wherever that is by then. */
export interface Range {
  from: number;
  to: number | null;
}

/**
 * The same of a part of a table, to be joined with its other parts. Each part sees the table as it is then: together
 * they are right only where nothing is written meanwhile.
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

/** Undefined: so few rows that a sample of them says little; the table must be read as a whole. */
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

/** SQL: of an extension's table only the rows that are user data: the others are the extension's own. */
export function only(where: string, condition: string): string {
  if (condition === "") return where;
  return where === "" ? `WHERE ${condition}` : `${where} AND (${condition})`;
}

// ONLY: what tables inherit from this one hold is counted with them.

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

/** A key's columns in its order. Rows that a key tells apart are the same ones when it is no key any more. */
function keyAmong(columns: readonly HashedColumn[], before: readonly string[] | undefined): HashedColumn[] {
  const named = (name: string) => columns.find((column) => column.name === name);
  if (before) return before.flatMap((name) => named(name) ?? []);
  const parts = columns.filter(({ key }) => key !== null).sort((a, b) => (a.key ?? 0) - (b.key ?? 0));
  return parts.length === parts[0]?.keyLength ? parts : [];
}

/** What to sum of each column, and of the key (name: null). */
function columnSums(
  columns: readonly HashedColumn[],
  key: readonly HashedColumn[],
): { name: string | null; sql: string }[] {
  if (key.length === 0) return columns.map((column) => ({ name: column.name, sql: columnHash(column) }));
  const row = keyHash(key);
  return [
    { name: null, sql: `hash_numeric_extended((${row})::numeric, 0)` },
    // A column of the key by itself: together with the key, all others would differ with it.
    ...columns.map((column) => ({
      name: column.name,
      sql: columnHash(column, key.includes(column) ? undefined : row),
    })),
  ];
}

/** Rows of { table, columns, blocks }: what `listTables` says. */
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
 * $1: a table. One row { table, condition } with its name, quoted by the server, and, of an extension's table, which of
 * its rows are user data (empty: all); none when there is no such table.
 */
export const TABLE = `
SELECT format('%I.%I', n.nspname, c.relname) AS table,
       (SELECT regexp_replace(e.extcondition[array_position(e.extconfig, c.oid)], '^\\s*WHERE\\s', '', 'i')
          FROM pg_extension e WHERE c.oid = ANY (e.extconfig)) AS condition
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1::text)`;
