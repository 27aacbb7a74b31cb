import { isPostgresError } from "../shared/errors.ts";
import type { IndexBuild, ObjectName, Step } from "../shared/plan.ts";
import { requireRow, type Session } from "../shared/session.ts";
import { jsonLiteral, literal, relationName } from "../shared/sql-text.ts";

/** Resources for one index build. */
interface BuildResources {
  /** `maintenance_work_mem` in kilobytes; undefined: the server's own setting is enough. */
  memoryKb: number | undefined;
  /** Statement that allows parallel workers for the table's build; undefined if they work already, or must not. */
  workers: string | undefined;
  /** Statement that resets this. */
  putBack: string | undefined;
  /** Notes for the operator, reported before the build. */
  notes: string[];
}

/** Setting for a build without shared memory for its workers. */
export const NO_WORKERS = "max_parallel_maintenance_workers = 0";

export const WITHOUT_WORKERS =
  "The server has no shared memory for parallel workers: the index was built by one process.";

/** The server's names for a piece of shared memory, in any language: with posix, and with mmap. */
const SHARED_MEMORY = /\/PostgreSQL\.\d+|pg_dynshmem/;

/**
 * True if an error means that parallel workers have no shared memory, which a container may have little of. The
 * server then reports a full disk (53100), or an unusable file (58). Only the file's name distinguishes this from a
 * real disk, where another try would not help.
 */
export function lacksSharedMemory(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  if (!isPostgresError(cause)) return false;
  return cause.code === "53200" || (/^5[38]/.test(cause.code) && SHARED_MEMORY.test(cause.message));
}

/** Index methods for values that are stored out of line, so that the table itself looks small. */
const VECTOR_METHODS = ["hnsw", "ivfflat"];

/** With fewer rows a build ends before its workers have started. */
const MANY_ROWS = 10_000;

interface Row {
  rows: number | null;
  heapBytes: string | null;
  workersSet: boolean | null;
  type: string | null;
  dimensions: number | null;
  memoryKb: number;
  sharedBytes: string;
  cacheBytes: string;
  workers: number;
}

const ASK = `
  SELECT c.reltuples::float8 AS rows, pg_relation_size(c.oid)::text AS "heapBytes",
         coalesce(c.reloptions::text LIKE '%parallel_workers=%', false) AS "workersSet",
         t.typname AS type, a.atttypmod AS dimensions,
         (pg_size_bytes(current_setting('maintenance_work_mem')) / 1024)::int AS "memoryKb",
         pg_size_bytes(current_setting('shared_buffers'))::text AS "sharedBytes",
         pg_size_bytes(current_setting('effective_cache_size'))::text AS "cacheBytes",
         least(current_setting('max_parallel_maintenance_workers')::int, current_setting('max_parallel_workers')::int) AS workers
    FROM (SELECT to_regclass($1) AS oid) AS wanted
    LEFT JOIN pg_class c ON c.oid = wanted.oid
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = $2
    LEFT JOIN pg_type t ON t.oid = a.atttypid`;

/** Finds the memory and workers that the server has for an index build. Never reduces what it would have. */
export async function resourcesFor(session: Session, build: IndexBuild): Promise<BuildResources> {
  const table = relationName(build.table);
  const [row] = await session.query<Row>(ASK, [table, build.column ?? ""]);
  if (!row) return { memoryKb: undefined, workers: undefined, putBack: undefined, notes: [] };
  // The server does not report its machine's memory. On RDS shared_buffers is a quarter of it and
  // effective_cache_size half, so this gives a quarter; elsewhere use the smaller estimate.
  const spareKb = Math.floor(Math.min(Number(row.sharedBytes), Number(row.cacheBytes) / 2) / 1024);
  const isVector = VECTOR_METHODS.includes(build.method);
  const rows = await countRows(session, table, row.rows);
  const graphKb = isVector ? graphSizeKb(row, rows, build) : undefined;
  const wantedKb = isVector ? (graphKb ?? spareKb) : Number(row.heapBytes ?? 0) / 1024;
  const memoryKb = Math.floor(Math.max(row.memoryKb, Math.min(spareKb, wantedKb)));
  const notes =
    graphKb !== undefined && graphKb > memoryKb
      ? [
          `The graph of about ${megabytes(graphKb)} (${Math.round(rows)} rows, ${row.dimensions} dimensions) does not fit into the available ${megabytes(memoryKb)}: the build will be several times slower. A larger instance class during the build would help.`,
        ]
      : [];
  const onWorkers = isVector && row.workersSet === false && row.workers > 0 && rows >= MANY_ROWS;
  return {
    memoryKb: memoryKb > row.memoryKb ? memoryKb : undefined,
    workers: onWorkers ? `ALTER TABLE IF EXISTS ${table} SET (parallel_workers = ${row.workers})` : undefined,
    putBack: onWorkers ? `ALTER TABLE IF EXISTS ${table} RESET (parallel_workers)` : undefined,
    notes,
  };
}

/** The catalog's estimate; an exact count if there is none yet. */
async function countRows(session: Session, table: string, estimate: number | null): Promise<number> {
  if (estimate === null) return 0;
  if (estimate >= 0) return estimate;
  const counted = await requireRow<{ rows: number }>(
    session,
    `SELECT count(*)::float8 AS rows FROM ${table}`,
  );
  return counted.rows;
}

/**
 * Memory of pgvector's HNSW graph during the build: each element's vector, its neighbours (twice `m` at the bottom
 * and about a tenth more above), and its bookkeeping. Undefined if the column's dimensions are unknown.
 */
function graphSizeKb(
  { type, dimensions }: Row,
  rows: number,
  { method, neighbours = 16 }: IndexBuild,
): number | undefined {
  const bytesEach = { vector: 4, halfvec: 2, bit: 1 / 8 }[type ?? ""];
  if (method !== "hnsw" || bytesEach === undefined || dimensions === null || dimensions <= 0)
    return undefined;
  return (rows * (dimensions * bytesEach + 2.2 * neighbours * 24 + 200)) / 1024;
}

const megabytes = (kilobytes: number): string => `${Math.ceil(kilobytes / 1024)} MB`;

/** Bytes of relations with their indexes, by oid. */
export type Sizes = Readonly<Record<string, number>>;

/**
 * Returns sizes of relations. Null if the step may touch any relation, or if a session holds an exclusive lock on
 * one: reading a size takes a lock, and a measurement must not wait.
 */
export async function sizesOf(session: Session, relations: Step["relations"]): Promise<Sizes | null> {
  if (relations === undefined) return null;
  if (relations.length === 0) return {};
  try {
    const { sizes } = await requireRow<{ sizes: Sizes | null }>(
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

/** The ledger's note when a step begins: those sizes, or the database's size if the step may touch any relation. */
export function sizesBefore({ relations }: Step, sizes: Sizes | null): string {
  if (relations === undefined) return "to_jsonb(pg_database_size(current_database()))";
  return sizes === null ? "NULL" : jsonLiteral(sizes);
}

/** Within the step's transaction: growth of the locked relations since then, less the size of dropped ones. */
export function growth({ relations, relationsBefore }: Step): string {
  if (relations === undefined) return "pg_database_size(current_database()) - size_from::bigint";
  if (relations.length === 0) return "0";
  if (relationsBefore?.length === 0)
    // The cheapest query: most steps only create something new.
    return relations.map((relation) => `coalesce(pg_total_relation_size(${oidOf(relation)}), 0)`).join(" + ");
  return `CASE WHEN size_from IS NOT NULL THEN
      (SELECT coalesce(sum(pg_total_relation_size(oid) - coalesce((size_from ->> oid::text)::bigint, 0)), 0) FROM ${named(relations)}
        WHERE oid IN (SELECT relation FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted))
      - (SELECT coalesce(sum(bytes::bigint), 0) FROM jsonb_each_text(size_from) AS former (oid, bytes)
          WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid::text = former.oid)) END`;
}

/** The same, from sizes that were read after the step. */
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
