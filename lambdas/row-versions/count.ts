import { withPinnedSnapshot } from "../prove/pinned.ts";
import type { Range } from "../record/checksums.ts";
import type { RowMark } from "../shared/documents.ts";
import type { Session } from "../shared/session.ts";

/** Decimal text. */
export interface RowCounts {
  rows: string;
  /** Of these, those written before the mark; null: not told apart. */
  old: string | null;
}

/** Condition on a table's row: it was written after the mark, or by a transaction that was under way then. */
export function isNew(since: RowMark["since"]): string {
  // As a query of its own it is computed once, and not for each row.
  return `age(xmin) <= (SELECT age('${Number(since)}'::xid))`;
}

/**
 * Counts the rows of many tables in one query, without reading any of their values.
 * @param tables as `listTables` gives them; each must be there
 * @param since undefined: rows are only counted
 */
export async function countRows(
  session: Session,
  tables: readonly string[],
  since: RowMark["since"] | undefined,
  range: Range | null = null,
): Promise<RowCounts[]> {
  if (tables.length === 0) return [];
  const old = since === undefined ? "NULL" : `(count(*) - count(*) FILTER (WHERE ${isNew(since)}))::text`;
  const where = range === null ? "" : `WHERE ${isWithin(range)}`;
  const each = tables.map(
    (table, place) =>
      `SELECT ${place} AS place, count(*)::text AS rows, ${old} AS old FROM ONLY ${table} ${where}`,
  );
  const counted = await withPinnedSnapshot(session, () =>
    session.query<RowCounts & { place: number }>(each.join("\nUNION ALL ")),
  );
  const byPlace = new Map(counted.map(({ place, rows, old }) => [Number(place), { rows, old }]));
  return tables.map((table, place) => {
    const found = byPlace.get(place);
    if (!found) throw new Error(`The server gave no count of ${table}`);
    return found;
  });
}

/** Condition on a table's row: where in its file it is. */
export function isWithin({ from, to }: Range): string {
  return `ctid >= '(${from},0)'${to === null ? "" : ` AND ctid < '(${to},0)'`}`;
}
