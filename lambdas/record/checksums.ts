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

/** A sample of fewer rows than this would say little, and reading them all costs little. */
const READ_IN_FULL = 10_000;
const SAMPLE_ONE_IN = 100;

/**
 * Every table that holds rows (ordinary ones and the leaves of partitioned ones) outside the system's schemas,
 * `sluice` and extensions, by name, with its columns in the order of their creation. Virtual generated columns hold
 * nothing and are left out; stored ones count.
 */
export function listTables(session: Session): Promise<{ table: string; columns: string[] }[]> {
  return withPinnedSnapshot(session, () => session.query<{ table: string; columns: string[] }>(TABLES));
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
): Promise<TableContent> {
  return withPinnedSnapshot(session, async () => {
    const [found] = await session.query<{ table: string }>(TABLE, [table]);
    if (!found) return { table, columns: [], rows: "0", checksum: null, missing: true };
    const hashed = await session.query<HashedColumn>(EXPRESSIONS, [table, JSON.stringify(columns)]);
    const names = hashed.map(({ name }) => name);
    const rows = mode === "full" ? undefined : await countRows(session, found.table);
    if (mode === "count" && rows !== undefined) return { table, columns: names, rows, checksum: null };
    const sampled = rows !== undefined && BigInt(rows) > READ_IN_FULL;
    const sum = await sumRows(session, found.table, hashed, sampled);
    return { table, columns: names, rows: sum.rows, checksum: (sampled ? "sample:" : "") + sum.checksum };
  });
}

interface HashedColumn {
  name: string;
  quoted: string;
  expression: string;
  key: boolean;
}

// ONLY: what tables inherit from this one hold is counted with them.

async function countRows(session: Session, from: string): Promise<string> {
  const [counted] = await session.query<{ rows: string }>(`SELECT count(*)::text AS rows FROM ONLY ${from}`);
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
): Promise<{ rows: string; checksum: string }> {
  const key = columns.filter((column) => column.key);
  const row = hashOf(columns.map(({ expression }) => expression));
  const picked = hashOf((key.length > 0 ? key : columns).map(({ expression }) => expression));
  const filter = sampled ? `FILTER (WHERE ${picked} % ${SAMPLE_ONE_IN} = 0)` : "";
  const [sum] = await session.query<{ rows: string; checksum: string }>(`
    SELECT count(*)::text AS rows,
           coalesce(sum(hash_numeric_extended(${row}::numeric, 0)) ${filter}, 0)::text AS checksum
    FROM ONLY ${from}`);
  return sum ?? { rows: "0", checksum: "0" };
}

const hashOf = (expressions: readonly string[]) => `hash_record_extended(ROW(${expressions.join(", ")}), 0)`;

export interface ContentDifference {
  table: string;
  what: "missing table" | "missing column" | "rows" | "content" | "not comparable";
  /** One readable line that names the table. */
  text: string;
}

/**
 * What is not as it was, table by table; none when everything is. Tables and columns that only `after` has do not
 * count: that they are there is for the catalog's fingerprint to tell.
 */
export function compareContents(
  before: readonly TableContent[],
  after: readonly TableContent[],
): ContentDifference[] {
  const now = new Map(after.map((content) => [content.table, content]));
  return before.flatMap((was) => {
    if (was.missing) return [];
    const is = now.get(was.table);
    const difference = is && !is.missing ? compareTable(was, is) : missingTable(was);
    return difference ? [{ table: was.table, ...difference }] : [];
  });
}

type Found = Omit<ContentDifference, "table">;

const missingTable = ({ table, rows }: TableContent): Found => ({
  what: "missing table",
  text: `${table}: the table is not there, it had ${inRows(rows)}`,
});

function compareTable(was: TableContent, is: TableContent): Found | undefined {
  const { table } = was;
  const lost = was.columns.filter((column) => !is.columns.includes(column));
  if (lost.length > 0)
    return {
      what: "missing column",
      text: `${table}: without ${lost.map((name) => JSON.stringify(name)).join(", ")}`,
    };
  if (was.rows !== is.rows) {
    const change = BigInt(is.rows) - BigInt(was.rows);
    return {
      what: "rows",
      text: `${table}: ${inRows(was.rows)} before, ${inRows(is.rows)} now (${change > 0n ? "+" : ""}${change})`,
    };
  }
  if (was.checksum === is.checksum) return undefined;
  if (wayOf(was) !== wayOf(is))
    return { what: "not comparable", text: `${table}: ${wayOf(was)} before, ${wayOf(is)} now` };
  if (was.columns.join("\0") !== is.columns.join("\0"))
    return { what: "not comparable", text: `${table}: other columns were read, or in another order` };
  return { what: "content", text: `${table}: ${inRows(is.rows)} as before, but not the same ones` };
}

const inRows = (rows: string) => (rows === "1" ? "1 row" : `${rows} rows`);

function wayOf({ checksum }: TableContent): string {
  if (checksum === null) return "only counted";
  return checksum.startsWith("sample:") ? "a sample was read" : "every row was read";
}
