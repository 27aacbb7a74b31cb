import type { MarkedTable, RowMark } from "../shared/documents.ts";
import { requireRow, type Session } from "../shared/session.ts";
import { IS_USERS_TABLE } from "../shared/user-objects.ts";
import type { Range } from "./checksums.ts";
import { withPinnedSnapshot } from "./pinned.ts";

/**
 * Rows of MarkedTable. A materialized view's rows are compared by their contents, because a refresh writes all of
 * them.
 */
const MARKED = `
SELECT format('%I.%I', n.nspname, c.relname) AS table, c.oid::text AS oid, pg_relation_filenode(c.oid)::text AS file,
       coalesce((SELECT am.amhandler = 'heap_tableam_handler'::regproc FROM pg_am am WHERE am.oid = c.relam), false)
         AND NOT EXISTS (SELECT FROM pg_depend d
                          WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e') AS heap,
       (SELECT json_build_object('table', format('%I.%I', pn.nspname, p.relname), 'oid', p.oid::text) FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent
          JOIN pg_namespace pn ON pn.oid = p.relnamespace
         WHERE i.inhrelid = c.oid ORDER BY i.inhseqno LIMIT 1) AS parent,
       coalesce((SELECT json_agg(json_build_object(
                          'name', a.attname, 'number', a.attnum, 'type', format_type(a.atttypid, a.atttypmod),
                          'typeId', a.atttypid || ' ' || a.attcollation) ORDER BY a.attnum)
                   FROM pg_attribute a
                  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated <> 'v'), '[]') AS columns
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE ${IS_USERS_TABLE}
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`;

/**
 * $1: the mark's transaction. Writes in a savepoint have a later number than the transaction itself, so everything
 * after the oldest transaction under way is in doubt. Transactions of other databases write nothing here.
 */
const SINCE = `
SELECT coalesce((
  SELECT under_way.xid::text FROM (
    SELECT l.transactionid AS xid FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
     WHERE l.locktype = 'transactionid' AND l.mode = 'ExclusiveLock' AND l.granted AND l.pid <> pg_backend_pid()
       AND a.datid = (SELECT oid FROM pg_database WHERE datname = current_database())
    UNION ALL SELECT transaction FROM pg_prepared_xacts WHERE database = current_database()) under_way
  WHERE age(under_way.xid) > age($1::xid8::xid) ORDER BY age(under_way.xid) DESC LIMIT 1),
  $1::xid8::xid::text) AS since`;

/**
 * Marks this moment. Count and read only afterwards: everything committed before the mark counts as there. The
 * session must not be in a transaction.
 */
export async function takeRowMark(session: Session): Promise<RowMark> {
  const { transaction } = await requireRow<{ transaction: string }>(
    session,
    "SELECT pg_current_xact_id()::text AS transaction",
  );
  return await withPinnedSnapshot(session, async () => {
    const { since } = await requireRow<{ since: string }>(session, SINCE, [transaction]);
    const { cluster } = await requireRow<{ cluster: string }>(
      session,
      "SELECT system_identifier::text AS cluster FROM pg_control_system()",
    );
    const { labels } = await requireRow<{ labels: Record<string, string> }>(
      session,
      "SELECT coalesce(json_object_agg(oid, enumlabel ORDER BY oid), '{}') AS labels FROM pg_enum",
    );
    return { transaction, since, cluster, labels, tables: await session.query<MarkedTable>(MARKED) };
  });
}

/** True if an enum value that both marks have changed its label. */
export function hasOtherLabels(before: RowMark, now: RowMark): boolean {
  return Object.entries(before.labels).some(([value, label]) => (now.labels[value] ?? label) !== label);
}

/** Returns the current tables. The session must not be in a transaction. */
export function markedTables(session: Session): Promise<MarkedTable[]> {
  return withPinnedSnapshot(session, () => session.query<MarkedTable>(MARKED));
}

/** Half of the 32-bit circle of transaction numbers: a larger distance is ambiguous. */
const HALF = 2n ** 31n;

/**
 * True if old rows may look new: a transaction was under way, or rows frozen long ago have a number that is in use
 * again. New rows never look old. Counting at the mark shows it.
 */
export function isDoubtful({ transaction, since }: RowMark): boolean {
  return BigInt(transaction) >= HALF || BigInt(since) !== BigInt(transaction) % 2n ** 32n;
}

/**
 * Returns why the mark does not hold for this database's rows: it is from another cluster, the database was restored
 * to a time before the mark, or half of all transaction numbers were used since. Undefined: the mark holds.
 */
export async function otherLineage(session: Session, mark: RowMark): Promise<string | undefined> {
  const now = await requireRow<{ cluster: string; next: string }>(
    session,
    "SELECT system_identifier::text AS cluster, pg_snapshot_xmax(pg_current_snapshot())::text AS next FROM pg_control_system()",
  );
  if (now.cluster !== mark.cluster) return "this is another server's database, not a copy of its files";
  const passed = BigInt(now.next) - BigInt(mark.transaction);
  if (passed <= 0n) return "this database is from before the record";
  if (passed >= HALF) return "too many transactions have passed since the record";
  return undefined;
}

/** Decimal text. */
export interface RowCounts {
  rows: string;
  /** Those of `rows` written before the mark; null: not counted separately. */
  old: string | null;
}

/** Condition on a table's row: it was written after the mark, or by a transaction under way at the mark. */
export function isNew(since: RowMark["since"]): string {
  // As a subquery it is computed once, not for each row.
  return `age(xmin) <= (SELECT age('${Number(since)}'::xid))`;
}

/**
 * Counts the rows of many tables in one query, without reading their values.
 * @param tables as `listTables` returns them; each must exist
 * @param since undefined: count all rows only
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

/** Condition on a table's row: its block is within the range. */
export function isWithin({ from, to }: Range): string {
  return `ctid >= '(${from},0)'${to === null ? "" : ` AND ctid < '(${to},0)'`}`;
}
