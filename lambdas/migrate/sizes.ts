import { isPostgresError } from "../shared/errors.ts";
import type { ObjectName, Step } from "../shared/plan.ts";
import { needRow, type Session } from "../shared/session.ts";
import { jsonLiteral, literal, relationName } from "../shared/sql-text.ts";

/** Bytes of relations with their indexes, by oid. */
export type Sizes = Readonly<Record<string, number>>;

/**
 * Sizes of relations; null where it may touch any, or where somebody has one to himself: asking
 * for a size takes a lock, and to measure is no reason to wait.
 */
export async function sizesOf(session: Session, relations: Step["relations"]): Promise<Sizes | null> {
  if (relations === undefined) return null;
  if (relations.length === 0) return {};
  try {
    const { sizes } = await needRow<{ sizes: Sizes | null }>(
      session,
      `SELECT CASE WHEN NOT EXISTS (SELECT FROM pg_locks l JOIN ${named(relations)} ON l.relation = named.oid
                                     WHERE l.mode = 'AccessExclusiveLock')
                   THEN (SELECT coalesce(jsonb_object_agg(oid::text, pg_total_relation_size(oid)), '{}') FROM ${named(relations)})
              END AS sizes`,
    );
    return sizes;
  } catch (error) {
    if (isPostgresError(error) && error.code === "55P03") return null;
    throw error;
  }
}

/** What the ledger notes as a step begins: those sizes, or the database's where the step may touch any relation. */
export function sizesBefore({ relations }: Step, sizes: Sizes | null): string {
  if (relations === undefined) return "to_jsonb(pg_database_size(current_database()))";
  return sizes === null ? "NULL" : jsonLiteral(sizes);
}

/** From within the step's transaction, by how much what it has locked grew since then, and what it dropped is gone. */
export function growth({ relations, relationsBefore }: Step): string {
  if (relations === undefined) return "pg_database_size(current_database()) - size_from::bigint";
  if (relations.length === 0) return "0";
  if (relationsBefore?.length === 0)
    // The simplest that the server can be asked: most steps only make something new.
    return relations.map((relation) => `coalesce(pg_total_relation_size(${oidOf(relation)}), 0)`).join(" + ");
  return `CASE WHEN size_from IS NOT NULL THEN
      (SELECT coalesce(sum(pg_total_relation_size(oid) - coalesce((size_from ->> oid::text)::bigint, 0)), 0) FROM ${named(relations)}
        WHERE oid IN (SELECT relation FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted))
      - (SELECT coalesce(sum(bytes::bigint), 0) FROM jsonb_each_text(size_from) AS former (oid, bytes)
          WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid::text = former.oid)) END`;
}

/** The same, by sizes that were taken after the step. */
export function growthTo(sizes: Sizes | null): string {
  if (sizes === null) return "NULL";
  return `${Object.values(sizes).reduce((sum, bytes) => sum + bytes, 0)} - (SELECT coalesce(sum(bytes::bigint), 0) FROM jsonb_each_text(size_from) AS former (oid, bytes))`;
}

function oidOf(relation: ObjectName): string {
  return `to_regclass(${literal(relationName(relation))})`;
}

function named(relations: NonNullable<Step["relations"]>): string {
  const names = relations.map(oidOf).join(", ");
  return `(SELECT DISTINCT oid FROM unnest(ARRAY[${names}]::oid[]) AS there (oid) WHERE oid IS NOT NULL) AS named`;
}
