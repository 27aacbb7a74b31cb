import type { PGlite } from "@electric-sql/pglite";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { becomeOwner, createBaseline, run, VERSIONS } from "./database.ts";

// A crowd near the searched vector, and tenants on the other side, farther away than the whole crowd.
const TENANTS: Readonly<Record<string, { rows: number; away: 1 | -1 }>> = {
  crowd: { rows: 400, away: 1 },
  far: { rows: 12, away: -1 },
  farther: { rows: 15, away: -1 },
  nine: { rows: 9, away: -1 },
  none: { rows: 0, away: -1 },
  lender: { rows: 11, away: -1 },
};
const QUESTION = "direction(1, 0)";
const FEW = 0;
const CANDIDATES = 20;

let db: PGlite;

beforeAll(async () => {
  db = await createBaseline({ agents: 0, events: 0, others: 0 });
  for (const version of VERSIONS) await run(db, version, "migrate");
  await db.exec(`
    CREATE FUNCTION direction(away INTEGER, n INTEGER) RETURNS vector LANGUAGE sql IMMUTABLE AS $$
      SELECT array_agg(away + hashint4(n * 1009 + i) / 8e9 ORDER BY i)::vector(768) FROM generate_series(1, 768) AS i
    $$`);
  for (const [name, { rows, away }] of Object.entries(TENANTS))
    await db.exec(`
      SELECT create_tenant('${name}', 'search', '${name}');
      INSERT INTO agent_profiles (name, model_family, tenant_id) VALUES ('${name}', 'm', '${name}');
      INSERT INTO agent_capabilities_graph (agent_id, tenant_id, capability_name, confidence, extraction_confidence, embedding)
      SELECT a.id, a.tenant_id, '${name} ' || n, 0.7 + n % 2 * 0.2, 0.9,
             CASE n WHEN ${rows} + 1 THEN NULL WHEN ${rows} + 2 THEN array_fill(0, ARRAY[768])::vector
                    ELSE direction(${away}, n + hashtext('${name}') % 100000) END
        FROM agent_profiles a, generate_series(1, ${rows} + 2) AS n WHERE a.name = '${name}'`);
  await db.exec("SELECT refresh_hybrid_search_index(); ANALYZE");
});
afterAll(() => db.close());
beforeEach(async () => {
  // What a failed test left open.
  await db.exec("ROLLBACK");
  await becomeOwner(db);
});

const names = async (sql: string) => (await db.query<{ name: string }>(sql)).rows.map(({ name }) => name);

/** Returns the correct result: names of the nearest, compared one by one. */
const nearest = (tenants: string[], condition = "true", wanted = 10) =>
  names(`
    SELECT c.capability_name AS name FROM agent_capabilities_graph c
     WHERE c.tenant_id = ANY ('{${tenants}}') AND vector_norm(c.embedding) > 0 AND ${condition}
     ORDER BY (c.embedding <=> ${QUESTION}) + 0 LIMIT ${wanted}`);

/** Searches by the method for large tenants, with few candidates, as among the many rows of a large table. */
async function asLarge(tenants: string[], condition = "true", wanted = 10) {
  const { rows } = await db.query<{ name: string; all: boolean }>(`
    SELECT c.capability_name AS name, found.all
      FROM (SELECT n.id, min(n.distance) AS distance, bool_or(bool_or(n.looked_at_all)) OVER () AS all
              FROM nearest_rows('agent_capabilities_graph', ${QUESTION}, '{${tenants}}', '${condition}', ${wanted}, ${FEW}, ${CANDIDATES}) n
             GROUP BY n.id) AS found
      JOIN agent_capabilities_graph c ON c.id = found.id::uuid
     ORDER BY found.distance LIMIT ${wanted}`);
  return { names: rows.map(({ name }) => name), lookedAtAll: rows.map(({ all }) => all) };
}

async function asApplication(tenant: string): Promise<void> {
  await db.exec(`SET app.current_tenant = '${tenant}'; SET ROLE v2_app`);
}

describe("a search finds a tenant's rows, wherever they are", () => {
  test.each([
    ["far away", ["far"]],
    ["several far away", ["far", "farther"]],
    ["with fewer than ten", ["nine"]],
    ["with none", ["none"]],
  ])("as a large tenant, %s: the nearest ones, and all rows were looked at", async (_, tenants) => {
    const found = await asLarge(tenants);
    expect(found.names).toEqual(await nearest(tenants));
    expect(found.names).toHaveLength(
      Math.min(
        10,
        tenants.reduce((sum, name) => sum + (TENANTS[name]?.rows ?? 0), 0),
      ),
    );
    expect(found.lookedAtAll).not.toContain(false);
  });

  test("as a large tenant, near: by the index, which reports that it did not read all rows", async () => {
    const found = await asLarge(["crowd"]);
    expect(found.names).toHaveLength(10);
    expect(new Set(found.lookedAtAll)).toEqual(new Set([false]));
    const right = new Set(await nearest(["crowd"]));
    expect(found.names.filter((name) => right.has(name)).length).toBeGreaterThanOrEqual(9);
  });

  test("as a large tenant, with a filter that few of the candidates pass", async () => {
    const condition = "t.capability_name LIKE ''%7''";
    const found = await asLarge(["crowd"], condition);
    expect(found.names).toEqual(await nearest(["crowd"], "c.capability_name LIKE '%7'"));
    expect(found.names).toHaveLength(10);
  });

  test("as a large tenant, more rows than an index scan gives, and more than there are", async () => {
    expect((await asLarge(["crowd"], "true", 300)).names).toHaveLength(300);
    expect((await asLarge(["crowd"], "true", 100_000)).names).toHaveLength(400);
  });

  test.each(["far", "farther", "nine", "crowd"])(
    "as %s, by the functions of the application",
    async (tenant) => {
      const right = await nearest([tenant]);
      await asApplication(tenant);
      const similar = await db.query<{ name: string; all: boolean }>(
        `SELECT capability_name AS name, looked_at_all AS all FROM find_similar_capabilities(${QUESTION})`,
      );
      const hybrid = await db.query<{ name: string; all: boolean }>(
        `SELECT name, looked_at_all AS all FROM hybrid_search(${QUESTION}, min_confidence => 0.5)`,
      );
      for (const { rows } of [similar, hybrid]) {
        expect(rows.map(({ name }) => name)).toEqual(right);
        expect(rows.every(({ all }) => all)).toBe(true);
      }
    },
  );

  test("with filters beside the tenant", async () => {
    const right = await nearest(["far"], "c.confidence >= 0.8");
    expect(right).toHaveLength(6);
    await asApplication("far");
    expect(
      new Set(await names(`SELECT name FROM hybrid_search(${QUESTION}, min_confidence => 0.8)`)),
    ).toEqual(new Set(right));
    expect(
      await names(`SELECT name FROM hybrid_search(${QUESTION}, entity_types => '{caws_provenance}')`),
    ).toEqual([]);
  });

  test("of tenants that share with it, too", async () => {
    await db.exec(
      `UPDATE tenants SET isolation_level = 'shared', sharing_rules = '["none"]' WHERE id IN ('lender', 'far')`,
    );
    const right = await nearest(["lender", "far"]);
    await asApplication("none");
    expect(await names(`SELECT capability_name AS name FROM find_similar_capabilities(${QUESTION})`)).toEqual(
      right,
    );
    await becomeOwner(db);
    await db.exec(
      "UPDATE tenants SET isolation_level = 'strict', sharing_rules = '[]' WHERE id IN ('lender', 'far')",
    );
    await asApplication("none");
    expect(await names(`SELECT name FROM hybrid_search(${QUESTION})`)).toEqual([]);
  });

  test("of two tenants' rows with one id, each at its own distance", async () => {
    await db.exec(`
      UPDATE tenants SET isolation_level = 'shared', sharing_rules = '["borrower"]' WHERE id = 'lender';
      SELECT create_tenant('borrower', 'search', 'borrower');
      INSERT INTO agent_profiles (name, model_family, tenant_id) VALUES ('borrower', 'm', 'borrower');
      INSERT INTO agent_capabilities_graph (id, agent_id, tenant_id, capability_name, confidence, extraction_confidence, embedding)
      SELECT (SELECT id FROM agent_capabilities_graph WHERE tenant_id = 'lender' AND vector_norm(embedding) > 0
               ORDER BY (embedding <=> ${QUESTION}) + 0 LIMIT 1),
             a.id, a.tenant_id, 'farthest', 0.9, 0.9, ${QUESTION} * array_fill(-1, ARRAY[768])::vector
        FROM agent_profiles a WHERE a.name = 'borrower';
      SELECT refresh_hybrid_search_index()`);
    const right = await nearest(["lender", "borrower"], "true", 11);
    expect(right).not.toContain("farthest");
    for (const search of [
      `SELECT capability_name AS name FROM find_similar_capabilities(${QUESTION}, max_results => 11)`,
      `SELECT name FROM hybrid_search(${QUESTION}, max_results => 11)`,
    ]) {
      await asApplication("borrower");
      expect(await names(search)).toEqual(right);
      await becomeOwner(db);
    }
    await db.exec(`
      DELETE FROM agent_capabilities_graph WHERE tenant_id = 'borrower';
      UPDATE tenants SET isolation_level = 'strict', sharing_rules = '[]' WHERE id = 'lender';
      SELECT refresh_hybrid_search_index()`);
  });

  test("of rows equally far those with the least ids, each time the same", async () => {
    await db.exec(`
      SELECT create_tenant('same', 'search', 'same');
      INSERT INTO agent_profiles (name, model_family, tenant_id) VALUES ('same', 'm', 'same');
      INSERT INTO agent_capabilities_graph (agent_id, tenant_id, capability_name, confidence, extraction_confidence, embedding)
      SELECT a.id, a.tenant_id, 'same ' || n, 0.9, 0.9, direction(-1, 1)
        FROM agent_profiles a, generate_series(1, 25) AS n WHERE a.name = 'same';
      SELECT refresh_hybrid_search_index()`);
    const right = await names(
      "SELECT capability_name AS name FROM agent_capabilities_graph WHERE tenant_id = 'same' ORDER BY id LIMIT 10",
    );
    await asApplication("same");
    expect(await names(`SELECT capability_name AS name FROM find_similar_capabilities(${QUESTION})`)).toEqual(
      right,
    );
    expect(await names(`SELECT name FROM hybrid_search(${QUESTION})`)).toEqual(right);
  });

  test.each([
    ["0", 0],
    ["NULL, which is no limit", 12],
    ["1", 1],
    ["2147483647", 12],
  ])("at most as many as asked for: %s", async (wanted, rows) => {
    await asApplication("far");
    const limit = `max_results => ${wanted.split(",")[0]}`;
    expect(await names(`SELECT name FROM hybrid_search(${QUESTION}, ${limit})`)).toHaveLength(rows);
    expect(
      await names(`SELECT capability_name AS name FROM find_similar_capabilities(${QUESTION}, ${limit})`),
    ).toHaveLength(rows);
    await becomeOwner(db);
    const large = await names(
      `SELECT DISTINCT id AS name FROM nearest_rows('agent_capabilities_graph', ${QUESTION}, '{far}', 'true', ${wanted.split(",")[0]}, 0)`,
    );
    // Of a single one wanted, the index may name two.
    expect(large.length).toBeGreaterThanOrEqual(rows);
    expect(large.length).toBeLessThanOrEqual(2 * rows);
  });

  test("by a prepared statement whose plan is kept, for every tenant", async () => {
    const searches = [
      `SELECT capability_name AS name FROM find_similar_capabilities($1)`,
      `SELECT name FROM hybrid_search($1)`,
      `SELECT capability_name AS name FROM agent_capabilities_graph WHERE vector_norm(embedding) > 0
        ORDER BY (embedding <=> $1) + 0 LIMIT 10`,
    ];
    const right = new Map<string, string[]>();
    for (const tenant of ["far", "nine"]) right.set(tenant, await nearest([tenant]));
    await db.exec("SET plan_cache_mode = force_generic_plan");
    for (const [place, search] of searches.entries())
      await db.exec(`PREPARE search_${place}(vector) AS ${search}`);
    await db.exec("SET ROLE v2_app");
    for (const tenant of ["far", "nine", "none", "", "far", "nine", "far"]) {
      await db.exec(`SET app.current_tenant = '${tenant}'`);
      for (const place of searches.keys())
        expect(await names(`EXECUTE search_${place}(direction(1, 0))`)).toEqual(right.get(tenant) ?? []);
    }
  });

  test("in a transaction that only reads, in which another tenant's name finds nothing", async () => {
    const right = await nearest(["far"]);
    await asApplication("far");
    await db.exec("BEGIN READ ONLY");
    expect(await names(`SELECT name FROM hybrid_search(${QUESTION})`)).toEqual(right);
    expect(await names(`SELECT name FROM hybrid_search(${QUESTION}, p_tenant_id => 'nine')`)).toEqual([]);
    await db.exec("COMMIT");
  });

  test("where the index cannot be used, no row without a direction is among them", async () => {
    await db.exec("SET enable_indexscan = off");
    const { rows } = await db.query<{ distance: number }>(
      `SELECT distance FROM nearest_rows('agent_capabilities_graph', ${QUESTION}, '{far}', 'true', 13, 0)`,
    );
    expect(rows.length).toBeGreaterThanOrEqual(12);
    expect(rows.filter(({ distance }) => Number.isNaN(distance))).toEqual([]);
  });

  test("as a large tenant whose rows all point away from the question, the nearest first", async () => {
    const away = `(${QUESTION} * array_fill(-1, ARRAY[768])::vector)`;
    const right = await names(`
      SELECT capability_name AS name FROM agent_capabilities_graph
       WHERE tenant_id = 'crowd' AND vector_norm(embedding) > 0 ORDER BY (embedding <=> ${away}) + 0 LIMIT 10`);
    await db.exec(`
      BEGIN;
      DO $$ BEGIN
        EXECUTE replace(replace(pg_get_functiondef('nearest_rows'::regproc), 'DEFAULT 5000', 'DEFAULT 0'), 'DEFAULT 1200', 'DEFAULT 1000');
      END $$;
      SET app.current_tenant = 'crowd'; SET ROLE v2_app`);
    const { rows } = await db.query<{ name: string; all: boolean }>(
      `SELECT name, looked_at_all AS all FROM hybrid_search(${away})`,
    );
    await db.exec("ROLLBACK");
    expect(new Set(rows.map(({ all }) => all))).toEqual(new Set([false]));
    expect(rows.filter(({ name }) => right.includes(name)).length).toBeGreaterThanOrEqual(9);
    const places = rows.map(({ name }) => right.indexOf(name)).filter((place) => place >= 0);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  });

  test("whatever settings the transaction has", async () => {
    const right = await nearest(["far"]);
    await asApplication("far");
    await db.exec(`SELECT '[1]'::vector; BEGIN; SET LOCAL hnsw.iterative_scan = strict_order; SET LOCAL hnsw.ef_search = 1;
      SET LOCAL hnsw.max_scan_tuples = 1; SET LOCAL enable_sort = off; SET LOCAL enable_seqscan = off`);
    expect(await names(`SELECT name FROM hybrid_search(${QUESTION})`)).toEqual(right);
    await db.exec("RESET ROLE");
    expect((await asLarge(["far"])).names).toEqual(right);
    expect(
      await names("SELECT current_setting('hnsw.iterative_scan') || current_setting('enable_sort') AS name"),
    ).toEqual(["strict_orderoff"]);
    await db.exec("COMMIT");
  });

  test("a question without a direction is near to nothing, and its words are searched all the same", async () => {
    await asApplication("far");
    const zero = "array_fill(0, ARRAY[768])::vector";
    expect(await names(`SELECT capability_name AS name FROM find_similar_capabilities(${zero})`)).toEqual([]);
    expect(await names(`SELECT name FROM hybrid_search(${zero})`)).toEqual([]);
    expect(await names(`SELECT name FROM hybrid_search(${zero}, 'far 3')`)).toContain("far 3");
  });

  test("settings are what they were, after a search and after one that failed", async () => {
    const settings = async () =>
      (
        await db.query(`SELECT name, setting FROM pg_settings WHERE name LIKE 'hnsw.%' OR name = 'enable_sort'
                        ORDER BY name`)
      ).rows;
    await db.exec("SELECT '[1]'::vector; SET hnsw.ef_search = 77; SET hnsw.scan_mem_multiplier = 3");
    const before = await settings();
    await asLarge(["far"]);
    expect(await settings()).toEqual(before);
    await expect(
      db.query(`SELECT * FROM nearest_rows('agent_capabilities_graph', '[1,2]', '{far}', 'true', 10, 0)`),
    ).rejects.toThrow(/dimensions/);
    expect(await settings()).toEqual(before);
  });
});

describe("what a direct query meets", () => {
  beforeAll(async () => {
    await becomeOwner(db);
    await db.exec("ANALYZE");
  });

  const DIRECT = `SELECT capability_name AS name FROM agent_capabilities_graph ORDER BY embedding <=> ${QUESTION} LIMIT 10`;

  test("an iterative scan whose memory is used up ends without a word", async () => {
    await asApplication("far");
    await db.exec(`SET enable_sort = off; SET enable_seqscan = off; SET work_mem = '64kB';
      SET hnsw.iterative_scan = relaxed_order; SET hnsw.max_scan_tuples = 100000`);
    expect((await names(DIRECT)).length).toBeLessThan(10);
  });

  test.each([
    ["far", 12],
    ["crowd", 400],
  ])("the planner sees how many rows %s has", async (tenant, rows) => {
    await asApplication(tenant);
    const [plan] = (
      await db.query<{ "QUERY PLAN": { Plan: { "Plan Rows": number } }[] }>(
        "EXPLAIN (FORMAT JSON) SELECT FROM agent_capabilities_graph",
      )
    ).rows;
    // Two more than it has a direction for.
    expect(plan?.["QUERY PLAN"][0]?.Plan["Plan Rows"]).toBe(rows + 2);
  });
});
