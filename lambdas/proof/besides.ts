import type { GrowingDoc, LargeObjectsDoc, RecordDoc, SequenceDoc } from "../shared/documents.ts";
import type { CompiledPlan } from "../shared/plan.ts";
import type { Session } from "../shared/session.ts";
import { IS_USERS_SCHEMA } from "../shared/user-objects.ts";
import { listTables, takeTableContent } from "./checksums.ts";
import { withPinnedSnapshot } from "./pinned.ts";
import { contentsByName } from "./subjects.ts";

/** What is compared in addition to tables that are read in full, in part or counted. */
interface Beside {
  growing: GrowingDoc[];
  /** Only those that existed before; undefined if none were recorded. */
  largeObjects: LargeObjectsDoc | undefined;
}

/** Reads again what `before` recorded. */
export async function readBeside(session: Session, { growing, largeObjects }: RecordDoc): Promise<Beside> {
  return {
    growing: await readEarlier(session, growing ?? []),
    largeObjects: largeObjects && (await takeLargeObjects(session, largeObjects.oids)),
  };
}

/**
 * Returns the differences, one readable line each.
 * @param mayAdd true if large objects may have been added: a migration may make some
 */
export function besideThatDiffers(
  before: RecordDoc,
  after: Pick<RecordDoc, "largeObjects">,
  { growing, largeObjects }: Beside,
  mayAdd: boolean,
): string[] {
  const more = BigInt(after.largeObjects?.count ?? "0") - BigInt(largeObjects?.count ?? "0");
  return [
    ...earlierThatDiffer(before.growing ?? [], growing),
    ...(before.largeObjects && largeObjects
      ? largeObjectsThatDiffer(before.largeObjects, largeObjects, mayAdd ? 0 : Number(more))
      : []),
  ];
}

// A table that only grows, for example one that an event trigger writes to, must keep its earlier rows and may have
// more. A row's version shows when it was written. A changed row has a new version and a deleted row has none, so the
// sum over the rows of earlier transactions shows both.

/** The oldest transaction still open: anything that ended before it is not new to a later reader. */
const OLDEST_OPEN = "SELECT pg_snapshot_xmin(pg_current_snapshot())::xid::text AS since";

/** Condition: the row was written before that transaction, in the server's order of transactions. */
const writtenBefore = (since: string) => `age(xmin) > age('${BigInt(since)}'::xid)`;

/** Reads the tables that the plan declares as growing, with their current contents. */
export async function takeGrowing(
  session: Session,
  contents: CompiledPlan["contents"],
): Promise<GrowingDoc[]> {
  if (!Object.values(contents).includes("grows")) return [];
  const said = await contentsByName(session, contents);
  const tables = (await listTables(session)).filter(({ table }) => said.get(table) === "grows");
  const [oldest] = await session.query<{ since: string }>(OLDEST_OPEN);
  if (!oldest) throw new Error("The database did not answer which transactions are open");
  const found: GrowingDoc[] = [];
  for (const { table, columns } of tables) found.push(await read(session, table, columns, oldest.since));
  return found;
}

/** Reads the same tables, but only the rows that existed then. */
async function readEarlier(session: Session, before: readonly GrowingDoc[]): Promise<GrowingDoc[]> {
  const found: GrowingDoc[] = [];
  for (const { table, columns, since } of before) found.push(await read(session, table, columns, since));
  return found;
}

async function read(
  session: Session,
  table: string,
  columns: readonly string[],
  since: string,
): Promise<GrowingDoc> {
  const earlier = await takeTableContent(session, table, columns, "full", { where: writtenBefore(since) });
  if (earlier.missing)
    return { table, columns: [], since, rows: "0", checksum: "0", added: "0", missing: true };
  const all = await takeTableContent(session, table, columns, "count");
  return {
    table,
    columns: earlier.columns,
    since,
    rows: earlier.rows,
    checksum: earlier.checksum ?? "0",
    added: (BigInt(all.rows) - BigInt(earlier.rows)).toString(),
  };
}

/** Earlier rows that are missing or changed, one readable line for each table; empty if there are none. */
function earlierThatDiffer(before: readonly GrowingDoc[], after: readonly GrowingDoc[]): string[] {
  return before.flatMap((was) => {
    const is = after.find(({ table }) => table === was.table);
    if (!is || is.missing) return [`${was.table}: the table is missing; it had ${was.rows} rows`];
    const lost = was.columns.filter((column) => !is.columns.includes(column));
    if (lost.length > 0)
      return [`${was.table}: without ${lost.map((name) => JSON.stringify(name)).join(", ")}`];
    if (was.rows !== is.rows)
      return [`${was.table}: may only grow, but only ${is.rows} of ${was.rows} earlier rows are unchanged`];
    if (was.checksum !== is.checksum)
      return [`${was.table}: may only grow, but its ${was.rows} earlier rows have changed`];
    return [];
  });
}

/** Rows added since, one readable line for each table that grew. */
export function grown(before: readonly GrowingDoc[], after: readonly GrowingDoc[]): string[] {
  return after.flatMap(({ table, added }) => {
    const since = BigInt(added) - BigInt(before.find((was) => was.table === table)?.added ?? "0");
    return since > 0n ? [`${table}: ${since} ${since === 1n ? "row" : "rows"} added, as it may grow`] : [];
  });
}

/** Bytes read at a time: a large object may be larger than any value that a query can hold. */
const CHUNK = 1_048_576;

// PostgreSQL has no function for the right to read a large object before version 18. Unread objects are not claimed.
const READABLE = `(m.oid, pg_has_role(m.lomowner, 'USAGE') OR current_setting('lo_compat_privileges')::bool
    OR EXISTS (SELECT FROM aclexplode(m.lomacl) a
                WHERE a.privilege_type = 'SELECT' AND (a.grantee = 0 OR pg_has_role(a.grantee, 'USAGE'))))`;

/** $1: oids as a JSON array, or NULL for all large objects. */
const LARGE_OBJECTS = `
WITH RECURSIVE object AS MATERIALIZED (
  SELECT m.oid, m.lomowner, m.lomacl, may.read
    FROM pg_largeobject_metadata m CROSS JOIN LATERAL (VALUES ${READABLE}) may (oid, read)
   WHERE $1::text IS NULL OR m.oid IN (SELECT v::oid FROM jsonb_array_elements_text($1::text::jsonb) v)
),
chunk (oid, at, length, hash) AS (
  SELECT o.oid, 0::bigint, length(c.data), hashtextextended(encode(c.data, 'hex'), 0)
    FROM object o CROSS JOIN LATERAL (SELECT lo_get(o.oid, 0, ${CHUNK}) AS data) c WHERE o.read
  UNION ALL
  SELECT k.oid, k.at + ${CHUNK}, length(c.data), hashtextextended(encode(c.data, 'hex'), k.at + ${CHUNK})
    FROM chunk k CROSS JOIN LATERAL (SELECT lo_get(k.oid, k.at + ${CHUNK}, ${CHUNK}) AS data) c
   WHERE k.length = ${CHUNK}
)
SELECT (SELECT count(*)::text FROM object) AS count,
       (SELECT count(*)::text FROM object WHERE NOT read) AS unread,
       (SELECT coalesce(json_agg(oid::text ORDER BY oid), '[]') FROM object) AS oids,
       (SELECT coalesce(json_agg(oid::text ORDER BY oid), '[]') FROM object WHERE NOT read) AS "unreadOids",
       (SELECT coalesce(sum(hash_numeric_extended((hash::numeric * 4294967296 + oid::bigint), 0)), 0)::text
          FROM chunk WHERE length > 0) AS content,
       (SELECT coalesce(sum(hashtextextended(concat_ws('/', oid, pg_get_userbyid(lomowner), lomacl::text,
                 obj_description(oid, 'pg_largeobject')), 0)), 0)::text FROM object) AS properties`;

/**
 * Reads the large objects that this role may read: the server hashes each one, a piece at a time.
 * @param oids the objects to read; all of them if omitted
 */
export async function takeLargeObjects(session: Session, oids?: readonly string[]): Promise<LargeObjectsDoc> {
  return await withPinnedSnapshot(session, async () => {
    const [found] = await session.query<LargeObjectsDoc>(LARGE_OBJECTS, [oids ? JSON.stringify(oids) : null]);
    if (!found) throw new Error("The database did not answer how many large objects it has");
    return found;
  });
}

/**
 * Returns the differences, one readable line each; empty if the large objects are unchanged.
 * @param after reading of the same oids as `before`
 * @param more number of other large objects now
 */
export function largeObjectsThatDiffer(
  before: LargeObjectsDoc,
  after: LargeObjectsDoc,
  more: number,
): string[] {
  if (before.count !== after.count) {
    const gone = BigInt(before.count) - BigInt(after.count);
    return [`large objects: ${gone} of ${before.count} are gone`];
  }
  const sameReader = before.unreadOids.join() === after.unreadOids.join();
  return [
    ...(before.content !== after.content && sameReader
      ? [`large objects: ${before.count} as before, but not the same content`]
      : []),
    ...(before.properties !== after.properties
      ? [`large objects: ${before.count} as before, but not the same owners, rights or comments`]
      : []),
    ...(more > 0 ? [`large objects: ${more} added`] : []),
  ];
}

/**
 * Cyclic sequences are left out: for them a smaller value shows nothing. The end is the sequence's own or that of its
 * column, whichever comes first.
 */
const SEQUENCES = `
SELECT format('%I.%I', schemaname, sequencename) AS sequence, last_value::text AS last, increment_by > 0 AS rises,
       -- If it gave no value since it was set, only the sequence itself shows its position.
       NOT CASE WHEN last_value IS NULL
             THEN has_sequence_privilege(format('%I.%I', schemaname, sequencename), 'SELECT')
                  AND has_schema_privilege(schemaname, 'USAGE')
             ELSE has_sequence_privilege(format('%I.%I', schemaname, sequencename), 'SELECT, USAGE') END AS unread,
       start_value::text AS start, increment_by::text AS step,
       CASE WHEN increment_by > 0 THEN least(max_value, col.most) ELSE greatest(min_value, - col.most) END::text AS end
FROM pg_sequences
LEFT JOIN LATERAL (
  SELECT min(CASE a.atttypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647 END) AS most
  FROM pg_depend d JOIN pg_attribute a ON (a.attrelid, a.attnum) = (d.refobjid, d.refobjsubid)
  WHERE d.classid = 'pg_class'::regclass AND d.objid = to_regclass(format('%I.%I', schemaname, sequencename))
    AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')) col ON true
WHERE NOT cycle AND ${IS_USERS_SCHEMA("schemaname")}
ORDER BY schemaname COLLATE "C", sequencename COLLATE "C"`;

/** Sequences read in one query. */
const ASKED_TOGETHER = 200;

type Found = Omit<SequenceDoc, "unread"> & { unread: boolean; start: string; step: string };

/** Returns how far each sequence that this role may read has advanced. */
export async function takeSequences(session: Session): Promise<SequenceDoc[]> {
  const found = await session.query<Found>(SEQUENCES);
  const next = await nextValues(
    session,
    found.filter(({ last, unread }) => last === null && !unread),
  );
  return found.map(({ unread, start, step, ...sequence }) => {
    const to = next.get(sequence.sequence);
    // After `setval(..., false)` the sequence has given no value yet, but does not begin at its start.
    const last = to === undefined || to === start ? sequence.last : (BigInt(to) - BigInt(step)).toString();
    return { ...sequence, last, ...(unread ? { unread: true as const } : {}) };
  });
}

/** The next values of sequences that gave none since they were set: pg_sequences does not show them. */
async function nextValues(session: Session, idle: readonly Found[]): Promise<ReadonlyMap<string, string>> {
  const next = new Map<string, string>();
  for (let from = 0; from < idle.length; from += ASKED_TOGETHER) {
    const some = idle.slice(from, from + ASKED_TOGETHER);
    const rows = await session.query<{ place: number; next: string }>(
      some
        .map(
          ({ sequence }, place) =>
            `SELECT ${place} AS place, last_value::text AS next FROM ${sequence} WHERE NOT is_called`,
        )
        .join(" UNION ALL "),
    );
    for (const row of rows) next.set(some[row.place]?.sequence ?? "", row.next);
  }
  return next;
}

/**
 * Sequences that would give earlier values again, one readable line each. Advancing is no difference: a migration or
 * a check may have taken values. The catalog's fingerprint shows a missing sequence.
 */
export function wentBack(before: readonly SequenceDoc[], after: readonly SequenceDoc[]): string[] {
  const now = new Map(after.map((found) => [found.sequence, found]));
  return before.flatMap(({ sequence, last, rises }) => {
    const is = now.get(sequence);
    if (!is || is.unread || last === null) return [];
    const ahead = is.last === null ? -1n : (BigInt(is.last) - BigInt(last)) * (rises ? 1n : -1n);
    if (ahead >= 0n) return [];
    return [`${sequence}: had reached ${last}, now ${is.last === null ? "starts over" : `at ${is.last}`}`];
  });
}

/** More values than migrations and checks take incidentally. */
const MANY = 1_000_000n;

/**
 * Sequences that were set far ahead, one readable line each: no value repeats, but they run out sooner. Far is a
 * million values, or a tenth of those left.
 */
export function ranAhead(before: readonly SequenceDoc[], after: readonly SequenceDoc[]): string[] {
  const now = new Map(after.map((found) => [found.sequence, found]));
  return before.flatMap(({ sequence, last, rises, end }) => {
    const is = now.get(sequence)?.last ?? null;
    if (is === null || end === undefined) return [];
    const sign = rises ? 1n : -1n;
    const was = BigInt(last ?? 0);
    const taken = (BigInt(is) - was) * sign;
    const left = (BigInt(end) - was) * sign;
    if (taken < MANY && taken * 10n < left) return [];
    // A small range that is used normally.
    if (taken < 1000n) return [];
    return [`${sequence}: ${taken} values ahead of ${last ?? "its start"}, ${left - taken} left`];
  });
}
