import type { PGlite } from "@electric-sql/pglite";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createBaseline, run, VERSIONS } from "./database.ts";

let db: PGlite;

// Tenants a and b hold the same things under the same names, as tenants do.
beforeAll(async () => {
  db = await createBaseline();
  for (const version of VERSIONS) await run(db, version, "migrate");
  for (const tenant of ["a", "b"])
    await db.exec(`
      SELECT create_tenant('${tenant}', 'project', '${tenant}');
      SET app.current_tenant = '${tenant}';
      INSERT INTO agent_profiles (id, name, model_family)
      VALUES ('${idOf(tenant, 1)}', '${tenant}-1', 'm'), ('${idOf(tenant, 2)}', '${tenant}-2', 'm');
      INSERT INTO agent_relationships (source_agent_id, target_agent_id, type, confidence)
      VALUES ('${idOf(tenant, 1)}', '${idOf(tenant, 2)}', 'VALIDATES', 0.9);
      INSERT INTO agent_capabilities_graph (agent_id, capability_name, confidence, extraction_confidence, embedding)
      VALUES ('${idOf(tenant, 1)}', '${tenant} gardening', 0.9, 0.9, array_fill(0.5, ARRAY[768])::vector);
      INSERT INTO performance_events (event_type, integrity_hash) VALUES ('routing_decision', '${tenant}');
      INSERT INTO benchmark_datasets (id, name, task_type, test_case_count, baseline_metrics) VALUES ('set-${tenant}', 's', 't', 1, '{}');
      INSERT INTO caws_provenance_graph (entity_type, entity_id, signature) VALUES ('verdict', 'verdict-${tenant}', 's');`);
  await db.exec("SET app.current_tenant = ''; SELECT refresh_hybrid_search_index()");
});
afterAll(() => db.close());
beforeEach(async () => {
  await db.exec("BEGIN");
});
afterEach(async () => {
  await db.exec("ROLLBACK");
});

const idOf = (tenant: string, n: number) => `0000000${n}-0000-4000-8000-00000000000${tenant}`;

async function become(role: string, tenant?: string): Promise<void> {
  await db.exec(`RESET ROLE; SET LOCAL ROLE ${role}; SET LOCAL app.current_tenant = '${tenant ?? ""}'`);
}

async function rows(sql: string): Promise<unknown[][]> {
  return (await db.query<unknown[]>(sql, [], { rowMode: "array" })).rows;
}

async function one(sql: string): Promise<unknown> {
  return (await rows(sql))[0]?.[0];
}

/** Returns the server's refusal, or "accepted". The transaction continues. */
async function outcome(sql: string): Promise<string> {
  await db.exec("SAVEPOINT attempt");
  try {
    await db.exec(sql);
    return "accepted";
  } catch (error) {
    await db.exec("ROLLBACK TO SAVEPOINT attempt");
    const { code, message } = error as { code: string; message: string };
    return `${code} ${message}`;
  }
}

describe("a tenant cannot learn", () => {
  beforeEach(() => become("v2_app", "a"));

  test.each([
    [
      "agent's id",
      `INSERT INTO agent_profiles (id, name, model_family) VALUES ('${idOf("b", 1)}', 'new', 'm')`,
    ],
    ["agent's name", "INSERT INTO agent_profiles (name, model_family) VALUES ('b-1', 'm')"],
    [
      "dataset's id",
      "INSERT INTO benchmark_datasets (id, name, task_type, test_case_count, baseline_metrics) VALUES ('set-b', 's', 't', 1, '{}')",
    ],
    [
      "verdict's id",
      "INSERT INTO caws_provenance_graph (entity_type, entity_id, signature) VALUES ('verdict', 'verdict-b', 's')",
    ],
  ])("through a unique violation that another tenant's row has that %s", async (_, insert) => {
    expect(await outcome(insert)).toBe("accepted");
  });

  test.each([
    [
      "a capability",
      (id: string) =>
        `INSERT INTO agent_capabilities (agent_id, capability_type, capability_value) VALUES ('${id}', 't', 'v')`,
    ],
    [
      "a graph capability",
      (id: string) =>
        `INSERT INTO agent_capabilities_graph (agent_id, capability_name, confidence, extraction_confidence) VALUES ('${id}', 'n', 0.9, 0.9)`,
    ],
    [
      "a relationship",
      (id: string) =>
        `INSERT INTO agent_relationships (source_agent_id, target_agent_id, type, confidence) VALUES ('${idOf("a", 1)}', '${id}', 'VALIDATES', 0.9)`,
    ],
  ])("by attaching %s to it that another tenant's agent exists", async (_, insert) => {
    const nobody = "00000009-0000-4000-8000-000000000009";
    const refused = await outcome(insert(idOf("b", 1)));
    expect(refused).toMatch(/^23503/);
    expect(refused).toBe(await outcome(insert(nobody)));
  });

  test("from a provenance parent whether another tenant has it", async () => {
    await db.exec("RESET ROLE");
    const theirs = await one("SELECT id FROM caws_provenance_graph WHERE entity_id = 'verdict-b'");
    await become("v2_app", "a");
    const insert = (parent: unknown) =>
      `INSERT INTO caws_provenance_graph (entity_type, entity_id, signature, parent_entity_id) VALUES ('gate', 'g', 's', '${parent}')`;
    const nobody = "00000009-0000-4000-8000-000000000009";
    expect((await outcome(insert(theirs))).replace(String(theirs), "")).toBe(
      (await outcome(insert(nobody))).replace(nobody, ""),
    );
  });

  test("which other tenants there are", async () => {
    expect(await rows("SELECT id FROM tenants")).toEqual([["a"]]);
    expect(await rows("SELECT tenant_id FROM tenant_privacy_config")).toEqual([["a"]]);
    expect(await rows("SELECT tenant_id FROM tenant_statistics")).toEqual([["a"]]);
    expect(await one("SELECT update_tenant_isolation('b', 'shared')")).toBe(
      await one("SELECT update_tenant_isolation('nobody', 'shared')"),
    );
    expect(await outcome("SELECT create_tenant('b', 'p', 'n')")).toMatch(
      /^42501 permission denied for function/,
    );
    expect(await outcome("INSERT INTO tenants (id, project_id, name) VALUES ('b', 'p', 'n')")).toMatch(
      /^42501/,
    );
  });

  test("another tenant's privacy settings", async () => {
    await db.exec(
      "RESET ROLE; UPDATE tenant_privacy_config SET k_anonymity = 2, privacy_level = 'basic' WHERE tenant_id = 'b'",
    );
    await become("v2_app", "a");
    expect(await one("SELECT check_k_anonymity(3, 'b')")).toBe(false);
    expect(await one("SELECT add_dp_noise(100, 'b') = 100")).toBe(false);
  });
});

describe("nothing reaches around row security", () => {
  test.each([
    ["the materialized view", "SELECT * FROM hybrid_search_materialized"],
    ["the attempts' sequence", "SELECT last_value FROM cross_tenant_attempts"],
    [
      "the search behind the searches",
      "SELECT * FROM nearest_rows('hybrid_search_materialized', NULL, ARRAY['b'], 'true', 10)",
    ],
    ["the list of tenants that a search may read", "SELECT searchable_tenants('b', 'x')"],
    ["the function that writes the log", "SELECT note_cross_tenant_attempt('b', 'x', 'x')"],
    ["the log itself", "DELETE FROM tenant_access_log"],
    ["emptying a table", "TRUNCATE agent_profiles CASCADE"],
    ["the table that the rollback needs", "SELECT * FROM tenant_isolation_undo"],
  ])("%s is out of the application's reach", async (_, sql) => {
    await become("v2_app", "a");
    expect(await outcome(sql)).toMatch(/^42501/);
  });

  test("a view that was there before shows the tenant's rows only", async () => {
    await become("v2_readonly", "a");
    expect(await one("SELECT string_agg(name, ',' ORDER BY name) FROM available_agents")).toBe("a-1,a-2");
  });

  test("searching in another tenant's name finds nothing and is recorded, without showing whether it exists", async () => {
    await become("v2_app", "a");
    const search = (tenant: string) =>
      rows(
        `SELECT * FROM hybrid_search(array_fill(0.5, ARRAY[768])::vector, 'gardening', p_tenant_id => '${tenant}')`,
      );
    expect(await search("b")).toEqual([]);
    expect(await search("nobody")).toEqual([]);
    expect(
      await rows("SELECT name FROM hybrid_search(array_fill(0.5, ARRAY[768])::vector, 'gardening')"),
    ).toEqual([["a gardening"]]);
    await db.exec("RESET ROLE");
    expect(
      await rows(
        "SELECT accessor_tenant_id, access_type FROM tenant_access_log WHERE tenant_id = 'b' AND table_name = 'hybrid_search'",
      ),
    ).toEqual([["a", "denied"]]);
  });
});

describe("with no tenant set", () => {
  beforeEach(() => become("v2_app"));

  test("nothing can be read, changed or deleted", async () => {
    expect(await one("SELECT count(*)::int FROM agent_profiles")).toBe(0);
    expect((await db.query("UPDATE agent_profiles SET name = 'x'")).affectedRows).toBe(0);
    expect((await db.query("DELETE FROM agent_profiles")).affectedRows).toBe(0);
  });

  test("an insert that names no tenant works as it did, for the default tenant", async () => {
    await db.exec(
      "INSERT INTO performance_events (event_type, integrity_hash) VALUES ('routing_decision', 'old code')",
    );
    await db.exec("RESET ROLE");
    expect(await one("SELECT tenant_id FROM performance_events WHERE integrity_hash = 'old code'")).toBe(
      "default-tenant",
    );
  });

  test("rows cannot be written for any other tenant", async () => {
    expect(
      await outcome(
        "INSERT INTO performance_events (event_type, integrity_hash, tenant_id) VALUES ('routing_decision', 'x', 'a')",
      ),
    ).toMatch(/^42501/);
  });
});

describe("statements of the application as it was", () => {
  beforeEach(() => become("v2_app", "a"));

  test("read back what they inserted, of the session's tenant", async () => {
    expect(
      await rows("INSERT INTO agent_profiles (name, model_family) VALUES ('new', 'm') RETURNING tenant_id"),
    ).toEqual([["a"]]);
  });

  test("may still use ON CONFLICT ON CONSTRAINT", async () => {
    await db.exec(
      "INSERT INTO agent_profiles (name, model_family) VALUES ('a-1', 'new') ON CONFLICT ON CONSTRAINT unique_agent_name DO UPDATE SET model_family = 'new'",
    );
    expect(await one("SELECT model_family FROM agent_profiles WHERE name = 'a-1'")).toBe("new");
  });
});

describe("what a tenant shares", () => {
  test("is granted by its owner, through the application, and only read", async () => {
    await become("v2_app", "b");
    await db.exec(`UPDATE tenants SET isolation_level = 'shared', sharing_rules = '["a"]' WHERE id = 'b'`);
    await become("v2_app", "a");
    expect(await rows("SELECT name FROM agent_profiles ORDER BY 1")).toEqual([
      ["a-1"],
      ["a-2"],
      ["b-1"],
      ["b-2"],
    ]);
    expect(await rows(`SELECT agent_name FROM traverse_agent_relationships('${idOf("b", 1)}')`)).toEqual([
      ["b-2"],
    ]);
    expect(await rows("SELECT name FROM hybrid_search(NULL, 'gardening') ORDER BY 1")).toEqual([
      ["a gardening"],
      ["b gardening"],
    ]);
    expect(await rows("SELECT integrity_hash FROM performance_events")).toEqual([["a"]]);
    expect((await db.query("UPDATE agent_profiles SET model_family = 'x'")).affectedRows).toBe(2);
    expect((await db.query("DELETE FROM agent_profiles")).affectedRows).toBe(2);
  });

  test("is agents and what they can do, not provenance, by whatever search", async () => {
    await db.exec(`
      UPDATE tenants SET isolation_level = 'shared', sharing_rules = '["a"]' WHERE id = 'b';
      UPDATE caws_provenance_graph SET embedding = array_fill(0.5, ARRAY[768])::vector;
      SELECT refresh_hybrid_search_index()`);
    await become("v2_app", "a");
    const found = async (call: string) =>
      (await rows(`SELECT name FROM ${call} ORDER BY 1`))
        .flat()
        .filter((name) => /verdict/.test(String(name)));
    const own = ["verdict-a"];
    expect(await found("hybrid_search(array_fill(0.5, ARRAY[768])::vector, max_results => 50)")).toEqual(own);
    expect(await found("hybrid_search(NULL, 'verdict', 50)")).toEqual(own);
    expect(await found("hybrid_search(NULL, 'verdict', 50, p_tenant_id => 'b')")).toEqual([]);
    expect(await found("hybrid_search_index")).toEqual(own);
    expect(
      await rows("SELECT entity_id FROM find_similar_caws_verdicts(array_fill(0.5, ARRAY[768])::vector)"),
    ).toEqual([own]);
  });

  test("does not mix with the reader's own where ids are the same", async () => {
    await db.exec(`
      UPDATE tenants SET isolation_level = 'shared', sharing_rules = '["a"]' WHERE id = 'b';
      SET LOCAL app.current_tenant = 'a';
      INSERT INTO agent_profiles (id, name, model_family)
      SELECT id, 'a copy of ' || name, 'm' FROM agent_profiles WHERE tenant_id = 'b'`);
    await become("v2_app", "a");
    // Tenant b has this relationship in the other direction.
    await db.exec(`INSERT INTO agent_relationships (source_agent_id, target_agent_id, type, confidence)
      VALUES ('${idOf("b", 2)}', '${idOf("b", 1)}', 'VALIDATES', 0.8)`);
    expect(
      await rows(
        `SELECT agent_name, cumulative_confidence FROM traverse_agent_relationships('${idOf("b", 1)}')`,
      ),
    ).toEqual([["a copy of b-2", "0.800000"]]);
  });

  test("is not for the reader to grant", async () => {
    await become("v2_app", "a");
    await db.exec(`UPDATE tenants SET isolation_level = 'shared', sharing_rules = '["a", "b"]'`);
    expect(await rows("SELECT name FROM agent_profiles ORDER BY 1")).toEqual([["a-1"], ["a-2"]]);
    await db.exec("RESET ROLE");
    expect(await one("SELECT isolation_level FROM tenants WHERE id = 'b'")).toBe("strict");
  });

  test("among the federated, is what the owner's privacy settings allow", async () => {
    await db.exec(`UPDATE tenants SET isolation_level = 'federated';
      UPDATE tenant_privacy_config SET allow_cross_tenant_learning = true, allowed_tenant_groups = '{project}' WHERE tenant_id = 'b'`);
    const seen = async () => {
      await become("v2_app", "a");
      const found = await one(
        "SELECT string_agg(integrity_hash, ',' ORDER BY integrity_hash) FROM performance_events",
      );
      await db.exec("RESET ROLE");
      return found;
    };
    expect(await seen()).toBe("a");
    await db.exec("UPDATE tenant_privacy_config SET privacy_level = 'basic' WHERE tenant_id = 'b'");
    expect(await seen()).toBe("a,b");
    await become("v2_app", "a");
    expect((await db.query("DELETE FROM performance_events")).affectedRows).toBe(1);
    expect((await db.query("UPDATE performance_events SET task_id = 'x'")).affectedRows).toBe(0);
    await db.exec(
      "RESET ROLE; UPDATE tenant_privacy_config SET allowed_tenant_groups = '{elsewhere}' WHERE tenant_id = 'b'",
    );
    expect(await seen()).toBe(null);
  });
});

describe("the audit log", () => {
  test("records a write with its tenant, table and rows", async () => {
    await become("v2_app", "a");
    await db.exec(
      "SELECT set_config('app.current_user', 'ann', true); UPDATE agent_profiles SET model_family = 'x'",
    );
    expect(
      await rows(
        "SELECT access_type, table_name, row_count, user_id FROM tenant_access_log WHERE user_id = 'ann'",
      ),
    ).toEqual([["write", "agent_profiles", "2", "ann"]]);
  });

  test("counts a refused write to another tenant, although it was rolled back", async () => {
    const attempts = () => one("SELECT last_value + is_called::int FROM cross_tenant_attempts");
    const before = Number(await attempts());
    await become("v2_app", "a");
    expect(
      await outcome(
        "INSERT INTO performance_events (event_type, integrity_hash, tenant_id) VALUES ('routing_decision', 'x', 'b')",
      ),
    ).toMatch(/^42501 new row violates row-level security/);
    await db.exec("RESET ROLE");
    expect(Number(await attempts())).toBe(before + 1);
  });

  test("never breaks the write that it records", async () => {
    await db.exec("ALTER TABLE tenant_access_log RENAME TO elsewhere");
    await become("v2_app", "a");
    for (const write of [
      "INSERT INTO agent_profiles (name, model_family) VALUES ('n', 'm')",
      "UPDATE agent_profiles SET model_family = 'x'",
      "DELETE FROM agent_profiles",
    ])
      expect(await outcome(write)).toBe("accepted");
  });
});

test("the owner, and so its pg_dump, reads every row", async () => {
  await db.exec("SET LOCAL row_security = off");
  expect(await one("SELECT count(DISTINCT tenant_id)::int FROM agent_profiles")).toBe(3);
});
