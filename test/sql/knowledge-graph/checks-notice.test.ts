import type { PGlite } from "@electric-sql/pglite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createBaseline, failures, run, VERSIONS, type Version, validate } from "./database.ts";

let db: PGlite;

beforeAll(async () => {
  db = await createBaseline();
  for (const version of VERSIONS) await run(db, version, "migrate");
});
afterAll(() => db.close());

// What is broken, the version, the SQL that breaks it, the check that must report it, and the SQL that repairs it.
const broken: [string, Version, string, RegExp, string][] = [
  [
    "a table added later without a policy",
    "007",
    "CREATE TABLE later (id int, tenant_id text DEFAULT 'x'); INSERT INTO later VALUES (1); GRANT SELECT, INSERT ON later TO v2_app",
    /escapes row security.*later: a table without row security/,
    "DROP TABLE later",
  ],
  [
    "a table whose policy lets everything through",
    "007",
    `CREATE TABLE later (tenant_id text); INSERT INTO later VALUES ('default-tenant'); GRANT SELECT ON later TO v2_readonly;
     ALTER TABLE later ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON later USING (true)`,
    /v2_readonly reads later as nobody/,
    "DROP TABLE later",
  ],
  [
    "a view that runs with its owner's rights",
    "007",
    "CREATE VIEW later AS SELECT * FROM agent_profiles; GRANT SELECT ON later TO v2_app",
    /escapes row security.*later: a view with its owner's rights/,
    "DROP VIEW later",
  ],
  [
    "a function that reads with its owner's rights",
    "007",
    `CREATE FUNCTION later() RETURNS SETOF agent_profiles LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
     AS 'SELECT * FROM agent_profiles'`,
    /v2_app calls later\(\) as a wrong tenant/,
    "DROP FUNCTION later()",
  ],
  [
    "row security switched off",
    "007",
    "ALTER TABLE performance_events DISABLE ROW LEVEL SECURITY",
    /row security is on.*performance_events/,
    "ALTER TABLE performance_events ENABLE ROW LEVEL SECURITY",
  ],
  [
    "row security forced upon the owner",
    "007",
    "ALTER TABLE performance_events FORCE ROW LEVEL SECURITY",
    /row security is on.*forced/,
    "ALTER TABLE performance_events NO FORCE ROW LEVEL SECURITY",
  ],
  [
    "a second policy that is wider",
    "007",
    "CREATE POLICY wide ON agent_relationships FOR UPDATE USING (true)",
    /updates another tenant's agent_relationships|gives its agent_relationships/,
    "DROP POLICY wide ON agent_relationships",
  ],
  [
    "a policy that hides from the planner whose embeddings are requested",
    "008",
    `ALTER POLICY tenant_capability_isolation ON agent_capabilities_graph
     USING (tenant_id = (SELECT NULLIF(current_setting('app.current_tenant', true), '')))`,
    /planner sees whose embeddings.*agent_capabilities_graph, sluice-check-small/,
    `ALTER POLICY tenant_capability_isolation ON agent_capabilities_graph
     USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), ''))`,
  ],
  [
    "a vector index that is not there",
    "008",
    "ALTER INDEX idx_capabilities_embedding RENAME TO elsewhere; CREATE INDEX idx_capabilities_embedding ON agent_capabilities_graph (id)",
    /a tenant far away.*agent_capabilities_graph, near, as a large tenant/,
    "DROP INDEX idx_capabilities_embedding; ALTER INDEX elsewhere RENAME TO idx_capabilities_embedding",
  ],
  [
    "a unique key without the tenant",
    "007",
    "CREATE UNIQUE INDEX later ON agent_profiles (name)",
    /no key reaches across tenants.*later/,
    "DROP INDEX later",
  ],
  [
    "a unique key that merely includes the tenant",
    "007",
    "CREATE UNIQUE INDEX later ON agent_profiles (name) INCLUDE (tenant_id)",
    /no key reaches across tenants.*later/,
    "DROP INDEX later",
  ],
  [
    "a table without a policy and with grants on single columns",
    "007",
    "CREATE TABLE later (id int, secret text); GRANT SELECT (id) ON later TO v2_readonly",
    /escapes row security.*later: a table without row security \(v2_readonly\)/,
    "DROP TABLE later",
  ],
  [
    "a table without a policy in another schema",
    "007",
    "CREATE SCHEMA elsewhere; GRANT USAGE ON SCHEMA elsewhere TO v2_app; CREATE TABLE elsewhere.later (id int); GRANT SELECT ON elsewhere.later TO v2_app",
    /escapes row security.*elsewhere\.later: a table without row security/,
    "DROP SCHEMA elsewhere CASCADE",
  ],
  [
    "a policy that lets everything through, on a table that is empty",
    "007",
    `CREATE TABLE later (tenant_id text); GRANT SELECT ON later TO v2_readonly;
     ALTER TABLE later ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON later USING (true)`,
    /every policy asks who the tenant is.*p on later does not/,
    "DROP TABLE later",
  ],
  [
    "a function that returns a number with its owner's rights",
    "007",
    `CREATE FUNCTION later() RETURNS BIGINT LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
     AS 'SELECT count(*) FROM agent_profiles'`,
    /escapes row security.*later\(\): runs as its owner and is not one of those/,
    "DROP FUNCTION later()",
  ],
  [
    "a policy that lets anybody delete",
    "007",
    "CREATE POLICY wide ON performance_events FOR DELETE USING (true)",
    /v2_app deletes all of performance_events as nobody/,
    "DROP POLICY wide ON performance_events",
  ],
  [
    "a policy that lets a tenant take another's rows over",
    "007",
    `CREATE POLICY wide ON performance_events FOR UPDATE USING (true)
     WITH CHECK (tenant_id = current_setting('app.current_tenant', true))`,
    /v2_app updates all of performance_events as a tenant/,
    "DROP POLICY wide ON performance_events",
  ],
  [
    "a policy that hides a tenant's own rows",
    "007",
    "CREATE POLICY narrow ON agent_profiles AS RESTRICTIVE FOR SELECT USING (false)",
    /the default tenant sees every agent.*v2_readonly/,
    "DROP POLICY narrow ON agent_profiles",
  ],
  [
    "a right on a column that policies do not govern",
    "007",
    "GRANT REFERENCES (id) ON agent_profiles TO v2_app",
    /agent_profiles: rights that policies do not govern/,
    "REVOKE REFERENCES (id) ON agent_profiles FROM v2_app",
  ],
  [
    "the right to empty a table",
    "007",
    "GRANT TRUNCATE ON agent_profiles TO v2_app",
    /rights that policies do not govern/,
    "REVOKE TRUNCATE ON agent_profiles FROM v2_app",
  ],
  [
    "a readable materialized view",
    "008",
    "GRANT SELECT ON hybrid_search_materialized TO v2_readonly",
    /nobody reads the materialized view/,
    "REVOKE SELECT ON hybrid_search_materialized FROM v2_readonly",
  ],
  [
    "a search that the application may not call",
    "008",
    "REVOKE EXECUTE ON FUNCTION hybrid_search(vector, TEXT, INTEGER, INTEGER, VARCHAR[], VARCHAR, NUMERIC) FROM v2_app",
    /search finds by meaning.*permission denied/,
    "GRANT EXECUTE ON FUNCTION hybrid_search(vector, TEXT, INTEGER, INTEGER, VARCHAR[], VARCHAR, NUMERIC) TO v2_app",
  ],
  [
    "a missing unique index on the materialized view",
    "008",
    "DROP INDEX idx_hybrid_search_entity",
    /unique index/,
    "CREATE UNIQUE INDEX idx_hybrid_search_entity ON hybrid_search_materialized (entity_type, id, tenant_id)",
  ],
  [
    "a right too many on the new tables",
    "006",
    "GRANT DELETE ON caws_provenance_graph TO v2_app",
    /rights follow those on agent_profiles: caws_provenance_graph, DELETE as v2_app/,
    "REVOKE DELETE ON caws_provenance_graph FROM v2_app",
  ],
  [
    "a disabled trigger",
    "006",
    "ALTER TABLE agent_capabilities_graph DISABLE TRIGGER set_capability_canonical_name",
    /triggers are there and enabled: set_capability_canonical_name/,
    "ALTER TABLE agent_capabilities_graph ENABLE TRIGGER set_capability_canonical_name",
  ],
  [
    "a lost HNSW index",
    "006",
    "DROP INDEX idx_provenance_embedding",
    /idx_provenance_embedding/,
    "CREATE INDEX idx_provenance_embedding ON caws_provenance_graph USING hnsw (embedding vector_cosine_ops) WITH (m = 16, ef_construction = 64)",
  ],
  [
    "a lost duplicate rule",
    "006",
    "DROP INDEX unique_relationship_forward, unique_relationship_backward; ALTER TABLE agent_relationships DISABLE TRIGGER prevent_duplicate_relationships_trigger",
    /a relationship is stored once/,
    "ALTER TABLE agent_relationships ENABLE TRIGGER prevent_duplicate_relationships_trigger",
  ],
];

test.each(broken)("the checks notice %s", async (_, version, breakIt, said, mendIt) => {
  await db.exec(breakIt);
  const seen = failures(await validate(db, version));
  await db.exec(mendIt);
  expect(seen.join("\n")).toMatch(said);
});

test("the checks pass where roles may read, too, that the owner cannot become or that have little else", async () => {
  await db.exec(`
    SET createrole_self_grant = ''; CREATE ROLE a_dashboard;
    SET createrole_self_grant = 'set, inherit'; CREATE ROLE a_report;
    GRANT SELECT ON agent_profiles TO a_dashboard, a_report`);
  const seen = [];
  for (const version of VERSIONS) seen.push(...failures(await validate(db, version)));
  await db.exec("REVOKE ALL ON agent_profiles FROM a_dashboard, a_report; DROP ROLE a_dashboard, a_report");
  expect(seen).toEqual([]);
});
