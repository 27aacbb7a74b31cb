import { withPinnedSnapshot } from "../prove/pinned.ts";
import type { LargeObjectsDoc } from "../shared/documents.ts";
import type { Session } from "../shared/session.ts";

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
