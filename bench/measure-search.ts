import { toSql } from "pgvector/pg";
import type { Session } from "../lambdas/shared/session.ts";
import type { Bench, Database } from "./harness.ts";
import { count, duration, mean, summary, timed } from "./stats.ts";
import type { Measurement, Result } from "./types.ts";
import {
  FAR_LARGE_TENANT,
  FAR_SMALL_TENANT,
  LARGE_TENANT,
  queryVectors,
  SMALL_TENANT,
  vectorsDatabase,
} from "./vectors.ts";

const QUERIES = 100;
const WANTED = 10;

const OURS = `SELECT capability_id AS id FROM find_similar_capabilities($1::vector, max_results => ${WANTED})`;
/** The query of an application that does not use the function. */
const DIRECTLY = (table: string) => `SELECT id FROM ${table}
  WHERE embedding IS NOT NULL ORDER BY embedding <=> $1::vector LIMIT ${WANTED}`;
const TABLE = "agent_capabilities_graph";
const TABLE_AS_WRITTEN = "as_written.agent_capabilities_graph";

/** Measures a tenant's ten nearest: number of rows, recall and time. */
export const search: Measurement = {
  name: "search",
  async measure(bench) {
    const { database } = await vectorsDatabase(bench);
    await prepareAsWritten(bench, database);
    return [
      ...(await byFunction(bench, database)),
      ...(await farAway(bench, database)),
      ...(await directly(bench, database)),
    ];
  },
};

const words = ({ rows, recall, p50, p95 }: Asked) =>
  `${rows.toFixed(1)} rows, ${recall.toFixed(3)}, ${duration(p50)} / ${duration(p95)}`;

async function byFunction(bench: Bench, database: Database): Promise<Result[]> {
  const queries = await database.asOwner((session) => queryVectors(session, QUERIES));
  const results: Result[] = [];
  for (const [tenant, share] of [
    [SMALL_TENANT, "1 %"],
    [LARGE_TENANT, "30 %"],
  ] as const) {
    bench.progress(`searching as a tenant with ${share}`);
    const exact = await exactly(database, tenant, queries);
    const written = await database.asApplication(tenant, async (session) => {
      // Force the index, whatever the planner's cost estimate.
      await session.exec("SET enable_sort = off");
      return await ask(session, DIRECTLY(TABLE_AS_WRITTEN), queries, exact);
    });
    const ours = await database.asApplication(tenant, (session) => ask(session, OURS, queries, exact));
    results.push({
      what: `top 10 of a tenant with ${share} of ${count(bench.sizes.vectors)} 768-d vectors: rows, recall@10, p50 / p95`,
      asWritten: words(written),
      ours: words(ours),
      ratio: ours.recall / written.recall,
      target: "10 rows, 0.99, p95 under 5 ms",
      reached: ours.rows === WANTED && ours.recall >= 0.99 && ours.p95 < 5,
      note:
        results.length > 0
          ? undefined
          : `means of ${QUERIES} queries, asked from Node as the application's role under row security, each once before to warm the caches; the ratio is of recall. As written: HNSW with ef_search 40, not scanned on.`,
      figures: { asWritten: written, ours },
    });
  }
  return results;
}

/** Measures tenants whose rows the index misses: an iterative scan ends silently when its memory is full. */
async function farAway(bench: Bench, database: Database): Promise<Result[]> {
  const queries = await database.asOwner((session) => queryVectors(session, QUERIES, "far"));
  const results: Result[] = [];
  for (const [tenant, share] of [
    [FAR_SMALL_TENANT, "0.1 %"],
    [FAR_LARGE_TENANT, "7 %"],
  ] as const) {
    bench.progress(`searching as a tenant with ${share}, far away`);
    const exact = await exactly(database, tenant, queries);
    const iterative = await database.asApplication(tenant, async (session) => {
      await session.exec("SET enable_sort = off");
      // The setting exists once pgvector is loaded.
      await session.query("SELECT '[1]'::vector");
      await session.exec(
        `SET hnsw.iterative_scan = relaxed_order; SET hnsw.max_scan_tuples = ${2 * bench.sizes.vectors}`,
      );
      return await ask(session, DIRECTLY(TABLE_AS_WRITTEN), queries, exact);
    });
    const ours = await database.asApplication(tenant, (session) => ask(session, OURS, queries, exact));
    const said = await database.asApplication(tenant, (session) => lookedAtAll(session, queries));
    results.push({
      what: `top 10 of a tenant with ${share}, all of them farther from the question than all other tenants' rows: the same`,
      asWritten: words(iterative),
      ours: `${words(ours)}; ${said ? "reports that it read all rows" : "does not report that it read all rows"}`,
      target: "10 rows, 1.0, and it reports that",
      reached: ours.rows === WANTED && ours.recall >= 0.999 && said,
      note:
        results.length > 0
          ? undefined
          : "beside: the same index scanned iteratively (relaxed_order), hnsw.max_scan_tuples at twice the table, hnsw.scan_mem_multiplier and work_mem at their defaults.",
      figures: { iterative, ours },
    });
  }
  return results;
}

async function lookedAtAll(session: Session, queries: readonly number[][]): Promise<boolean> {
  for (const query of queries.slice(0, 5)) {
    const [row] = await session.query<{ all: boolean | null }>(
      "SELECT bool_and(looked_at_all) AS all FROM hybrid_search($1::vector)",
      [toSql(query)],
    );
    if (row?.all !== true) return false;
  }
  return true;
}

/** Measures the planner's choice under our policy, and under one whose sub-select hides the tenant from it. */
async function directly(bench: Bench, database: Database): Promise<Result[]> {
  const queries = await database.asOwner((session) => queryVectors(session, QUERIES));
  await database.asOwner((session) =>
    session.exec(`
      ALTER POLICY tenant_capability_isolation ON ${TABLE_AS_WRITTEN}
        USING (tenant_id = (SELECT current_setting('app.current_tenant', true)));
      CREATE INDEX IF NOT EXISTS by_tenant ON ${TABLE_AS_WRITTEN} (tenant_id);
      ANALYZE ${TABLE_AS_WRITTEN}`),
  );
  const results: Result[] = [];
  for (const [tenant, share, right] of [
    [SMALL_TENANT, "1 %", "by tenant"],
    [LARGE_TENANT, "30 %", "vector index"],
  ] as const) {
    bench.progress(`asking directly as a tenant with ${share}`);
    const exact = await exactly(database, tenant, queries);
    const under = (table: string) =>
      database.asApplication(tenant, async (session) => ({
        way: await wayOf(session, DIRECTLY(table), queries[0] ?? []),
        ...(await ask(session, DIRECTLY(table), queries, exact)),
      }));
    const hidden = await under(TABLE_AS_WRITTEN);
    const ours = await under(TABLE);
    results.push({
      what: `ORDER BY distance under row security, a tenant with ${share}: the planner's way, rows, recall@10, p50 / p95`,
      asWritten: `${hidden.way}; ${words(hidden)}`,
      ours: `${ours.way}; ${words(ours)}`,
      target: right,
      reached: ours.way === right,
      note:
        results.length > 0
          ? undefined
          : "beside: a policy with (SELECT current_setting(...)). The planner does not see the tenant, and takes the same way for all. By the index alone, without iterative scans, a tenant gets what is its own of the 40 nearest: ask by the function.",
      figures: { hidden, ours },
    });
  }
  return results;
}

/** Returns the planner's choice. */
async function wayOf(session: Session, sql: string, query: readonly number[]): Promise<string> {
  const lines = await session.query<{ "QUERY PLAN": string }>(`EXPLAIN (COSTS off) ${sql}`, [
    toSql([...query]),
  ]);
  const plan = lines.map((line) => line["QUERY PLAN"]).join("\n");
  if (!/\bSort\b/.test(plan)) return "vector index";
  return /Index (Only )?Scan/.test(plan) ? "by tenant" : "all rows";
}

async function prepareAsWritten(bench: Bench, database: Database): Promise<void> {
  await database.asOwner(async (session) => {
    const [there] = await session.query<{ there: boolean }>(
      "SELECT to_regclass('as_written.agent_capabilities_graph') IS NOT NULL AS there",
    );
    // "index-build" measures it separately. Without that measurement, build the same index with more memory.
    if (!there?.there) {
      bench.progress("building the index that the search as written uses");
      await session.exec(`
        SET maintenance_work_mem = '2GB';
        CREATE SCHEMA as_written;
        CREATE TABLE as_written.agent_capabilities_graph AS
          SELECT id, agent_id, capability_name, confidence, embedding, tenant_id FROM agent_capabilities_graph;
        -- Its vectors are stored out of line, as the plan has it: it looks too small for workers.
        ALTER TABLE as_written.agent_capabilities_graph SET (parallel_workers = 2);
        CREATE INDEX ON as_written.agent_capabilities_graph
          USING hnsw (embedding vector_cosine_ops) WITH (m = 16, ef_construction = 64)`);
    }
    await session.exec(`
      GRANT USAGE ON SCHEMA as_written TO v2_app;
      GRANT SELECT ON as_written.agent_capabilities_graph TO v2_app;
      ALTER TABLE as_written.agent_capabilities_graph ENABLE ROW LEVEL SECURITY;
      DROP POLICY IF EXISTS tenant_capability_isolation ON as_written.agent_capabilities_graph;
      CREATE POLICY tenant_capability_isolation ON as_written.agent_capabilities_graph
        USING (tenant_id = current_setting('app.current_tenant', true));
      ANALYZE as_written.agent_capabilities_graph`);
  });
}

/** Returns the exact result: it compares every vector of the tenant. */
async function exactly(
  database: Database,
  tenant: string,
  queries: readonly number[][],
): Promise<Set<string>[]> {
  return await database.asOwner(async (session) => {
    await session.exec("SET enable_indexscan = off");
    const found = [];
    for (const query of queries) {
      const rows = await session.query<{ id: string }>(
        `SELECT id FROM agent_capabilities_graph WHERE tenant_id = $2 AND embedding IS NOT NULL
          ORDER BY embedding <=> $1::vector LIMIT ${WANTED}`,
        [toSql(query), tenant],
      );
      found.push(new Set(rows.map(({ id }) => id)));
    }
    return found;
  });
}

interface Asked {
  rows: number;
  recall: number;
  p50: number;
  p95: number;
  max: number;
}

async function ask(
  session: Session,
  sql: string,
  queries: readonly number[][],
  exact: readonly Set<string>[],
): Promise<Asked> {
  // Warm caches, as in an application under load.
  for (const query of queries) await session.query(sql, [toSql(query)]);
  const times: number[] = [];
  const rows: number[] = [];
  const recalls: number[] = [];
  for (const [index, query] of queries.entries()) {
    const { ms, value } = await timed(() => session.query<{ id: string }>(sql, [toSql(query)]));
    const right = exact[index] ?? new Set();
    times.push(ms);
    rows.push(value.length);
    recalls.push(value.filter(({ id }) => right.has(id)).length / right.size);
  }
  const { p50, p95, max } = summary(times);
  return { rows: mean(rows), recall: mean(recalls), p50, p95, max };
}
