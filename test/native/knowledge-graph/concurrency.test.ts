import { toSql } from "pgvector/pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { withTenantContext } from "../../../lambdas/shared/tenant-context.ts";
import { planSql } from "../../sql/knowledge-graph/database.ts";
import { createScratch, run, type Scratch } from "./server.ts";

let db: Scratch;
beforeAll(async () => {
  db = await createScratch("concurrency");
  for (const version of ["006", "007", "008"] as const) await run(db.owner, version, "migrate");
});
afterAll(() => db.close());

test("two sessions that report a relationship in opposite directions at the same time store it once", async () => {
  const [one, other] = [await db.connect(), await db.connect()];
  const tell = (source: string, target: string) =>
    `INSERT INTO agent_relationships (source_agent_id, target_agent_id, type, confidence)
     SELECT s.id, t.id, 'VALIDATES', 0.9 FROM agent_profiles s, agent_profiles t WHERE s.name = '${source}' AND t.name = '${target}'`;
  await one.query("BEGIN");
  await one.query(tell("agent-1", "agent-2"));
  const second = other.query(tell("agent-2", "agent-1")).catch((error: { code: string }) => error.code);
  await new Promise((resolve) => setTimeout(resolve, 200));
  await one.query("COMMIT");
  expect(await second).toBe("23505");
  const { rows } = await one.query("SELECT count(*)::int AS n FROM agent_relationships");
  expect(rows).toEqual([{ n: 1 }]);
});

test("a refresh blocks no search", async () => {
  const [one, other] = [await db.connect(), await db.connect()];
  await one.query("BEGIN; SELECT refresh_hybrid_search_index()");
  await other.query("SET statement_timeout = 2000; SET app.current_tenant = 'default-tenant'");
  const { rowCount } = await other.query("SELECT * FROM hybrid_search(NULL, 'agent-1')");
  expect(rowCount).toBeGreaterThanOrEqual(0);
  await one.query("COMMIT");
});

describe("withTenantContext", () => {
  const tenantNow = "SELECT NULLIF(current_setting('app.current_tenant', true), '') AS tenant";

  test("gives the tenant's context, commits, and leaves nothing to the pool's next borrower", async () => {
    const pool = db.pool();
    const inside = await withTenantContext(pool, "default-tenant", async (client) => {
      await client.query("UPDATE agent_profiles SET model_family = 'seen' WHERE name = 'agent-3'");
      return (await client.query(tenantNow)).rows[0].tenant;
    });
    expect(inside).toBe("default-tenant");
    expect((await pool.query(tenantNow)).rows[0].tenant).toBeNull();
    expect(await db.owner.query("SELECT model_family FROM agent_profiles WHERE name = 'agent-3'")).toEqual([
      { model_family: "seen" },
    ]);
  });

  test("rolls back and gives the client back when the work throws", async () => {
    const pool = db.pool();
    const work = withTenantContext(pool, "default-tenant", async (client) => {
      await client.query("UPDATE agent_profiles SET model_family = 'lost'");
      throw new Error("no");
    });
    await expect(work).rejects.toThrow("no");
    expect((await pool.query(tenantNow)).rows[0].tenant).toBeNull();
    expect(await db.owner.query("SELECT FROM agent_profiles WHERE model_family = 'lost'")).toEqual([]);
  });

  test("does not call a transaction done whose failed statement the work has swallowed", async () => {
    const work = withTenantContext(db.pool(), "default-tenant", async (client) => {
      await client.query("SELECT 1 / 0").catch(() => undefined);
    });
    await expect(work).rejects.toThrow("was rolled back");
  });

  test("destroys a client whose connection is gone, and the pool continues", async () => {
    const pool = db.pool();
    pool.on("error", () => undefined);
    const work = withTenantContext(pool, "default-tenant", async (client) => {
      client.on("error", () => undefined);
      await client.query("SELECT pg_terminate_backend(pg_backend_pid())");
    });
    await expect(work).rejects.toThrow();
    expect((await pool.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
  });

  test.each(["", undefined, null])("refuses %j for a tenant id, which would mean none", async (tenantId) => {
    await expect(withTenantContext(db.pool(), tenantId as string, async () => undefined)).rejects.toThrow(
      RangeError,
    );
  });
});

describe("vector search for tenants of all sizes", () => {
  // Smaller ones than 5,000 are compared one by one.
  beforeAll(async () => {
    await db.owner.exec("SET sluice.baseline_capabilities = 6000; SET sluice.baseline_relationships = 0");
    await db.owner.exec(planSql("baseline/embeddings.sql"));
    await db.owner.exec(`
      SELECT create_tenant('small', 'p', 'small');
      SET app.current_tenant = 'small';
      INSERT INTO agent_profiles (name, model_family) VALUES ('only', 'm')`);
    for (let n = 1; n <= 30; n++)
      await db.owner.query(
        `INSERT INTO agent_capabilities_graph (agent_id, capability_name, confidence, extraction_confidence, embedding)
         SELECT a.id, 'skill ' || $1, 0.9, 0.9, $2 FROM agent_profiles a WHERE a.name = 'only'`,
        [String(n), toSql(Array.from({ length: 768 }, (_, i) => Math.sin(n * (i + 1))))],
      );
    await db.owner.exec("RESET app.current_tenant; SELECT refresh_hybrid_search_index()");
  });

  // Settings that a search makes for itself, and must not leave behind.
  const settings = `SELECT current_setting('hnsw.ef_search') AS effort, current_setting('hnsw.iterative_scan', true) AS iterative,
    current_setting('enable_sort') AS sort`;

  test.each(["small", "default-tenant"])("finds ten rows for %s, the nearest ones", async (tenant) => {
    const found = await withTenantContext(db.pool(), tenant, async (client) => {
      await client.query("SET LOCAL ROLE v2_app");
      // The first statement of the session that has to do with vectors: pgvector is not loaded yet.
      const probe = "(SELECT embedding FROM agent_capabilities_graph ORDER BY id LIMIT 1)";
      const { rows } = await client.query(
        `SELECT capability_id AS id, looked_at_all FROM find_similar_capabilities(${probe})`,
      );
      const hybrid = await client.query(`SELECT bool_and(looked_at_all) AS all FROM hybrid_search(${probe})`);
      const after = (await client.query(settings)).rows[0];
      await client.query("SET LOCAL enable_indexscan = off");
      const exact = await client.query(
        `SELECT id FROM agent_capabilities_graph WHERE confidence >= 0.7 ORDER BY embedding <=> ${probe} LIMIT 10`,
      );
      const nearest = new Set(exact.rows.map(({ id }) => id));
      return {
        rows: rows.length,
        right: rows.filter(({ id }) => nearest.has(id)).length,
        lookedAtAll: new Set([hybrid.rows[0].all, ...rows.map((row) => row.looked_at_all)]),
        after,
      };
    });
    expect(found.lookedAtAll).toEqual(new Set([tenant === "small"]));
    expect(found.rows).toBe(10);
    expect(found.right).toBeGreaterThanOrEqual(9);
    expect(found.after).toEqual({
      effort: "40",
      iterative: expect.toBeOneOf(["off", null]),
      sort: "on",
    });
  });

  test("asks the index for a large tenant and not for a small one", async () => {
    const scans = async (tenant: string) =>
      await withTenantContext(db.pool(), tenant, async (client) => {
        await client.query("SET LOCAL ROLE v2_app");
        const embedding = toSql(Array.from({ length: 768 }, (_, i) => Math.cos(i)));
        await client.query("SELECT * FROM find_similar_capabilities($1::vector)", [embedding]);
        const { rows } = await client.query(
          "SELECT pg_stat_get_xact_numscans('idx_capabilities_embedding'::regclass)::int AS scans",
        );
        return rows[0].scans;
      });
    expect(await scans("small")).toBe(0);
    expect(await scans("default-tenant")).toBe(1);
  });
});
