import { fromSql } from "pgvector/utils";
import type { StepDoc } from "../lambdas/shared/documents.ts";
import type { Migration } from "../lambdas/shared/plan.ts";
import type { Session } from "../lambdas/shared/session.ts";
import { migrate } from "./engine.ts";
import type { Bench, Database } from "./harness.ts";
import { count } from "./stats.ts";

/** Of 102 tenants, the one with 30 % of the capabilities and the one with 1 %. */
export const LARGE_TENANT = "tenant-0";
export const SMALL_TENANT = "tenant-1";
/** Two tenants, of 0.1 % and 7 %, whose embeddings are farther from the question than all others. */
export const FAR_SMALL_TENANT = "far-small";
export const FAR_LARGE_TENANT = "far-large";

/** Returns how many agents have that many capabilities. */
export const agentsFor = (capabilities: number): number => Math.ceil(capabilities / 10);

/** Directions in which capabilities of one topic differ, each less than the previous one: embeddings vary in a few dozen. */
const DIRECTIONS = 24;
const TOPICS = 200;
const LEVELS = 256;
/** The part that moves the far tenants' embeddings in one direction, and questions far from them in the other. */
const POLE = DIRECTIONS + 1;

/**
 * Parts of the vectors: one of the topics (kind 0), and for each direction a distance (kinds 1 and up). So near
 * vectors exist, no two are equal, and it takes seconds. They are hashes, so that every run has the same ones.
 */
const PARTS = `
  CREATE SCHEMA bench;
  CREATE FUNCTION bench.hash(n BIGINT, salt INTEGER, total INTEGER) RETURNS INTEGER LANGUAGE sql IMMUTABLE
    RETURN ((hashint8extended(n, salt) & 9007199254740991) % total)::INTEGER;
  CREATE FUNCTION bench.point(kind INTEGER, place INTEGER, size FLOAT) RETURNS vector(768) LANGUAGE sql IMMUTABLE
    RETURN (SELECT array_agg(hashint8(kind::BIGINT * 1000000007 + place * 1000003 + i) / 2147483648.0 * size ORDER BY i)
              FROM generate_series(1, 768) AS i)::vector(768);
  CREATE TABLE bench.part (kind INTEGER, place INTEGER, v vector(768), PRIMARY KEY (kind, place));
  ALTER TABLE bench.part ALTER v SET STORAGE PLAIN;
  INSERT INTO bench.part SELECT 0, place, bench.point(0, place, 1) FROM generate_series(0, ${TOPICS - 1}) AS place;
  INSERT INTO bench.part
  SELECT kind, place, bench.point(kind, 0, 2 * (place + 0.5 - ${LEVELS / 2}) / ${LEVELS / 2} / sqrt(kind))
    FROM generate_series(1, ${DIRECTIONS}) AS kind, generate_series(0, ${LEVELS - 1}) AS place;
  INSERT INTO bench.part SELECT ${POLE}, 0, bench.point(${POLE}, 0, 9);
  ANALYZE bench.part;
  CREATE FUNCTION bench.embedding(n BIGINT) RETURNS vector(768) LANGUAGE sql STABLE
    RETURN (SELECT sum(p.v) FROM generate_series(0, ${DIRECTIONS}) AS k
              JOIN bench.part p ON p.kind = k AND p.place = bench.hash(n, k, CASE k WHEN 0 THEN ${TOPICS} ELSE ${LEVELS} END));`;

/** Memory and workers, set by hand: the graph fits in memory, and two processes help. */
export const WITH_MEMORY = `SET maintenance_work_mem = '2GB'; SET max_parallel_maintenance_workers = 2`;

/** Adds agents of 102 tenants: one has 30 % of them, one 1 %, two are far away, the others have equal shares. */
async function addTenants(session: Session, agents: number): Promise<void> {
  await session.exec(`
    SELECT create_tenant('tenant-' || i, 'bench', 'Tenant ' || i) FROM generate_series(0, 99) AS i;
    SELECT create_tenant(name, 'bench', name) FROM (VALUES ('${FAR_SMALL_TENANT}'), ('${FAR_LARGE_TENANT}')) AS t (name);
    INSERT INTO agent_profiles (id, name, model_family, tenant_id)
    SELECT md5('bench agent' || n)::UUID, 'bench-agent-' || n, 'claude',
           CASE WHEN n % 100 < 30 THEN '${LARGE_TENANT}' WHEN n % 100 = 30 THEN '${SMALL_TENANT}'
                WHEN n % 1000 = 531 THEN '${FAR_SMALL_TENANT}' WHEN n % 100 BETWEEN 32 AND 38 THEN '${FAR_LARGE_TENANT}'
                ELSE 'tenant-' || 2 + (n / 100 + n) % 98 END
      FROM generate_series(1, ${agents}) AS n`);
}

/**
 * Puts the capabilities into a database at 007, without the index on their embeddings: load, then index.
 * @param agents prefix of their agents' names, followed by a number from 1 on
 */
export async function loadVectors(database: Database, total: number, agents: string): Promise<void> {
  await database.asOwner(async (session) => {
    await session.exec(PARTS);
    await session.exec("DROP INDEX idx_capabilities_embedding");
    // The audit would write a row for each tenant, and the names are already canonical.
    await session.exec(`
      ALTER TABLE agent_capabilities_graph DISABLE TRIGGER USER;
      INSERT INTO agent_capabilities_graph
        (id, agent_id, tenant_id, capability_name, canonical_name, confidence, extraction_confidence, embedding)
      SELECT md5('bench capability' || n)::UUID, p.id, p.tenant_id, 'skill ' || n, 'skill ' || n,
             0.70 + (n % 31) / 100.0, 0.90,
             CASE WHEN p.tenant_id IN ('${FAR_SMALL_TENANT}', '${FAR_LARGE_TENANT}') THEN bench.embedding(n) - pole.v
                  ELSE bench.embedding(n) END
        FROM generate_series(0, ${total - 1}) AS n
        JOIN bench.part pole ON pole.kind = ${POLE}
        JOIN agent_profiles p ON p.name = '${agents}-' || 1 + n % ${agentsFor(total)};
      ALTER TABLE agent_capabilities_graph ENABLE TRIGGER USER`);
  });
  await database.asSuperuser((session) => session.exec("VACUUM (ANALYZE) agent_capabilities_graph"));
}

/** Returns vectors equal to none in the table: near to some, or as far from the far tenants' as possible. */
export async function queryVectors(
  session: Session,
  wanted: number,
  where: "near" | "far" = "near",
): Promise<number[][]> {
  const rows = await session.query<{ v: string }>(
    `SELECT (bench.embedding(n)${where === "far" ? " + pole.v" : ""})::text AS v
       FROM generate_series(-${wanted}, -1) AS n, bench.part pole WHERE pole.kind = ${POLE}`,
  );
  return rows.map(({ v }) => fromSql(v));
}

export async function indexWithMemory(database: Database): Promise<void> {
  await database.asOwner(async (session) => {
    await session.exec(WITH_MEMORY);
    await session.exec(
      `CREATE INDEX idx_capabilities_embedding ON agent_capabilities_graph
         USING hnsw (embedding vector_cosine_ops) WITH (m = 16, ef_construction = 64)`,
    );
  });
}

export interface Vectors {
  database: Database;
  /** 008's steps, applied by the step engine. */
  applied: { migration: Migration; steps: StepDoc[] };
  /** Milliseconds of the build on agent_capabilities_graph, with memory and workers set by hand. */
  withMemoryMs: number;
}

/** Returns a migrated database with the capabilities of 102 tenants. Searches, builds and refreshes share it. */
export function vectorsDatabase(bench: Bench): Promise<Vectors> {
  return bench.once("vectors", async () => {
    const { vectors } = bench.sizes;
    const database = await bench.copyOf(await bench.baseline({ events: 1000, agents: 1000 }));
    await migrate(bench, database, "006", "007");
    bench.progress(`loading ${count(vectors)} vectors`);
    await database.asOwner((session) => addTenants(session, agentsFor(vectors)));
    await loadVectors(database, vectors, "bench-agent");
    bench.progress("building their index with memory and workers");
    const began = performance.now();
    await indexWithMemory(database);
    const withMemoryMs = performance.now() - began;
    bench.progress("applying 008, which builds another index");
    const [applied] = await migrate(bench, database, "008");
    if (!applied) throw new Error("008 was not applied");
    await database.asSuperuser((session) => session.exec("VACUUM (ANALYZE)"));
    return { database, applied, withMemoryMs };
  });
}
