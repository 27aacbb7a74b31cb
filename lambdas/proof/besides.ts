import type { GrowingDoc, LargeObjectsDoc, RecordDoc } from "../shared/documents.ts";
import type { CompiledPlan } from "../shared/plan.ts";
import type { Session } from "../shared/session.ts";
import { listTables, takeTableContent } from "./checksums.ts";
import { withPinnedSnapshot } from "./pinned.ts";
import { contentsByName } from "./subjects.ts";

/** What is compared beside the tables that are read in full, in part or counted. */
interface Beside {
  growing: GrowingDoc[];
  /** Of those that were there before; undefined where none were recorded. */
  largeObjects: LargeObjectsDoc | undefined;
}

/** Reads it again, as `before` has it. */
export async function readBeside(session: Session, { growing, largeObjects }: RecordDoc): Promise<Beside> {
  return {
    growing: await readEarlier(session, growing ?? []),
    largeObjects: largeObjects && (await takeLargeObjects(session, largeObjects.oids)),
  };
}

/**
 * What differs, one readable line each.
 * @param mayAdd large objects may have been added: a migration may make some
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

// A table that only grows, such as one that an event trigger writes: what was there must be there, and more may be.
// A row's version says when it was written. Of one that was changed there is another version, and of one that is gone
// there is none, so that the sum over the rows of former transactions tells of both.

/** The oldest transaction that was still open: whatever ended before it is not new to whoever looks now. */
const OLDEST_OPEN = "SELECT pg_snapshot_xmin(pg_current_snapshot())::xid::text AS since";

/** Rows that were written before that transaction, by the server's own order of transactions. */
const writtenBefore = (since: string) => `age(xmin) > age('${BigInt(since)}'::xid)`;

/** The tables that the plan says only grow, and what they hold now. */
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

/** The same tables, and of each the rows that were there then. */
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

/** Earlier rows that are not there as they were, one readable line for each table; none when all are. */
function earlierThatDiffer(before: readonly GrowingDoc[], after: readonly GrowingDoc[]): string[] {
  return before.flatMap((was) => {
    const is = after.find(({ table }) => table === was.table);
    if (!is || is.missing) return [`${was.table}: the table is not there, it had ${was.rows} rows`];
    const lost = was.columns.filter((column) => !is.columns.includes(column));
    if (lost.length > 0)
      return [`${was.table}: without ${lost.map((name) => JSON.stringify(name)).join(", ")}`];
    if (was.rows !== is.rows)
      return [
        `${was.table}: may only grow, and of ${was.rows} earlier rows ${is.rows} are there as they were`,
      ];
    if (was.checksum !== is.checksum)
      return [`${was.table}: may only grow, and its ${was.rows} earlier rows are not the same ones`];
    return [];
  });
}

/** Rows that were added since, one readable line for each table that grew. */
export function grown(before: readonly GrowingDoc[], after: readonly GrowingDoc[]): string[] {
  return after.flatMap(({ table, added }) => {
    const since = BigInt(added) - BigInt(before.find((was) => was.table === table)?.added ?? "0");
    return since > 0n ? [`${table}: ${since} ${since === 1n ? "row" : "rows"} added, as it may grow`] : [];
  });
}

/** So much of one is read at a time: a large object may be larger than any value that a query can hold. */
const CHUNK = 1_048_576;

// Who may read one is not told by a function before PostgreSQL 18. What is read of none is not claimed.
const READABLE = `(m.oid, pg_has_role(m.lomowner, 'USAGE') OR current_setting('lo_compat_privileges')::bool
    OR EXISTS (SELECT FROM aclexplode(m.lomacl) a
                WHERE a.privilege_type = 'SELECT' AND (a.grantee = 0 OR pg_has_role(a.grantee, 'USAGE'))))`;

/** $1: oids as a JSON array, or NULL for all that there are. */
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
 * What there is of large objects, as far as this role may read them: the server hashes each one, a piece at a time.
 * @param oids of those to look at; all that there are when not given
 */
export async function takeLargeObjects(session: Session, oids?: readonly string[]): Promise<LargeObjectsDoc> {
  return await withPinnedSnapshot(session, async () => {
    const [found] = await session.query<LargeObjectsDoc>(LARGE_OBJECTS, [oids ? JSON.stringify(oids) : null]);
    if (!found) throw new Error("The database did not answer how many large objects it has");
    return found;
  });
}

/**
 * What differs, one readable line each; none when the large objects are as they were.
 * @param after of the same oids as `before`, and how many there are beside them
 */
export function largeObjectsThatDiffer(
  before: LargeObjectsDoc,
  after: LargeObjectsDoc,
  more: number,
): string[] {
  if (before.count !== after.count) {
    const gone = BigInt(before.count) - BigInt(after.count);
    return [`large objects: ${gone} of ${before.count} are not there any more`];
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
