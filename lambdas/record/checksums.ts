import { withPinnedSnapshot } from "../prove/pinned.ts";
import type { Session } from "../shared/session.ts";
import { EXPRESSIONS, TABLE, TABLES } from "./checksum-sql.ts";

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
}

/** "full": every row. "sample": about one row in a hundred. "count": how many rows. */
export type ContentMode = "full" | "sample" | "count";

/** How a table is read beside its mode. */
export interface Reading {
  /** A condition in SQL: only these rows. */
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

export interface ListedTable {
  table: string;
  columns: string[];
  /** How large it is on disk, what is stored out of line aside. */
  blocks: number;
}

/**
 * Counts a table's rows and sums a 64-bit hash of each one, over the named columns, within the server: equal for
 * equal rows in whatever order, and whatever the session's settings. Only sums that the same major version of
 * PostgreSQL gave can be compared.
 *
 * It sees each value as it is stored: 1.0 and 1.00, 0.0 and -0.0, '24:00:00' and '1 day' differ; a NaN equals a NaN.
 * Two exceptions, where values are told apart as PostgreSQL's `=` does: numbers within jsonb (1.0 is 1.00), and the
 * dimensions of arrays of types that are not built in. Two different contents of as many rows have the same sum with
 * a probability of about 1 in 2^63 for an accident; it is no protection against somebody who wants them to.
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
    const rows = mode === "full" ? "0" : await countRows(session, from, only(where, condition));
    if (mode === "count") return { rows, checksum: null };
    return await sumRows(session, from, hashed, BigInt(rows) > READ_IN_FULL, only(where, condition));
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
): Promise<TableContent> {
  const where = `WHERE ctid >= '(${from},0)'${to === null ? "" : ` AND ctid < '(${to},0)'`}`;
  return contentOf(session, table, columns, async (name, hashed, condition) =>
    mode === "count"
      ? { rows: await countRows(session, name, only(where, condition)), checksum: null }
      : await sumRows(session, name, hashed, mode === "sample", only(where, condition)),
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
  const sum = parts.reduce((all, { checksum }) => all + BigInt((checksum ?? "0").slice(prefix.length)), 0n);
  return { ...first, rows: rows.toString(), checksum: mode === "count" ? null : prefix + sum };
}

function contentOf(
  session: Session,
  table: string,
  columns: readonly string[],
  read: (
    from: string,
    hashed: readonly HashedColumn[],
    condition: string,
  ) => Promise<Pick<TableContent, "rows" | "checksum">>,
): Promise<TableContent> {
  return withPinnedSnapshot(session, async () => {
    const [found] = await session.query<{ table: string; condition: string | null }>(TABLE, [table]);
    if (!found) return { table, columns: [], rows: "0", checksum: null, missing: true };
    const hashed = await session.query<HashedColumn>(EXPRESSIONS, [table, JSON.stringify(columns)]);
    return {
      table,
      columns: hashed.map(({ name }) => name),
      ...(await read(found.table, hashed, found.condition ?? "")),
    };
  });
}

/** Of an extension's table only the rows that are user data: the others are the extension's own. */
function only(where: string, condition: string): string {
  if (condition === "") return where;
  return where === "" ? `WHERE ${condition}` : `${where} AND (${condition})`;
}

interface HashedColumn {
  name: string;
  quoted: string;
  expression: string;
  key: boolean;
}

// ONLY: what tables inherit from this one hold is counted with them.

async function countRows(session: Session, from: string, where: string): Promise<string> {
  const [counted] = await session.query<{ rows: string }>(
    `SELECT count(*)::text AS rows FROM ONLY ${from} ${where}`,
  );
  return counted?.rows ?? "0";
}

/**
 * A record's hash is a linear combination of its columns' hashes, so values swapped between rows would leave the sum
 * as it was (in two of three cases, modulo 2^64 in all): it is hashed once more before it is summed.
 */
async function sumRows(
  session: Session,
  from: string,
  columns: readonly HashedColumn[],
  sampled: boolean,
  where: string,
): Promise<{ rows: string; checksum: string }> {
  const key = columns.filter((column) => column.key);
  const row = hashOf(columns.map(({ expression }) => expression));
  const picked = hashOf((key.length > 0 ? key : columns).map(({ expression }) => expression));
  const filter = sampled ? `FILTER (WHERE ${picked} % ${SAMPLE_ONE_IN} = 0)` : "";
  const [sum] = await session.query<{ rows: string; checksum: string }>(`
    SELECT count(*)::text AS rows,
           coalesce(sum(hash_numeric_extended(${row}::numeric, 0)) ${filter}, 0)::text AS checksum
    FROM ONLY ${from} ${where}`);
  return { rows: sum?.rows ?? "0", checksum: `${sampled ? SAMPLE : ""}${sum?.checksum ?? "0"}` };
}

const hashOf = (expressions: readonly string[]) => `hash_record_extended(ROW(${expressions.join(", ")}), 0)`;
