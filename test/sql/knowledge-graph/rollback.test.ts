import type { PGlite } from "@electric-sql/pglite";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { embeddedSession } from "../../../local/embedded-session.ts";
import {
  createBaseline,
  planSql,
  run,
  runStep,
  type Start,
  stepsOf,
  VERSIONS,
  type Version,
} from "./database.ts";
import { changes, type State, takeState } from "./state.ts";

const stateOf = (db: PGlite) => takeState(embeddedSession(db));

/** Migrates one version after the other and remembers the state before each; with rows for the new tables. */
async function migrateAll(db: PGlite, fill: boolean): Promise<Map<Version, State>> {
  const before = new Map<Version, State>();
  for (const version of VERSIONS) {
    before.set(version, await stateOf(db));
    await run(db, version, "migrate");
    if (version === "006" && fill) {
      await db.exec("SET sluice.baseline_capabilities = 40; SET sluice.baseline_relationships = 40");
      await db.exec(planSql("baseline/embeddings.sql"));
    }
  }
  return before;
}

const starts: [string, Start][] = [
  ["an empty database with uuids", { agents: 0, events: 0, others: 0 }],
  ["a filled database with uuids", {}],
  ["a filled database with varchar ids", { agentId: "varchar" }],
  ["a database where 006 brings pgvector", { vector: false }],
];

describe.each(starts)("on %s", (_, start) => {
  test("008, 007 and 006 rolled back leave catalog and rows as they were, each twice in a row", async () => {
    const db = await createBaseline(start);
    const before = await migrateAll(db, start.agents !== 0);
    for (const version of [...VERSIONS].reverse())
      for (const time of ["once", "twice"]) {
        await run(db, version, "rollback");
        expect([time, ...changes(before.get(version) as State, await stateOf(db))]).toEqual([time]);
      }
    await db.close();
  });
});

describe("on one database, which is as it was after each", () => {
  let db: PGlite;
  let baseline: State;
  beforeAll(async () => {
    db = await createBaseline();
    baseline = await stateOf(db);
  });
  afterEach(async () => {
    for (const version of [...VERSIONS].reverse()) await run(db, version, "rollback");
    expect(changes(baseline, await stateOf(db))).toEqual([]);
  });
  afterAll(() => db.close());

  test("a rollback of what was never applied changes nothing", async () => {
    for (const version of [...VERSIONS].reverse()) {
      await run(db, version, "rollback");
      expect(changes(baseline, await stateOf(db))).toEqual([]);
    }
  });

  // Every statement is tried against a server (native); here every few steps, and every kind of step.
  test.each([
    ["006", 1],
    ["007", 8],
    ["008", 2],
  ] as const)("%s can be rolled back wherever it stopped", async (version, every) => {
    for (const earlier of VERSIONS.filter((other) => other < version)) await run(db, earlier, "migrate");
    const before = await stateOf(db);
    const steps = stepsOf(version, "migrate");
    for (let done = 1; done < steps.length; done += every) {
      for (const step of steps.slice(0, done)) await runStep(embeddedSession(db), step);
      await run(db, version, "rollback");
      expect([done, ...changes(before, await stateOf(db))]).toEqual([done]);
    }
  });

  test("what stands on a migration holds back its rollback, which then changes nothing", async () => {
    for (const version of VERSIONS) await run(db, version, "migrate");
    const before = await stateOf(db);
    await expect(run(db, "006", "rollback")).rejects.toThrow("roll 007 back first");
    await expect(run(db, "007", "rollback")).rejects.toThrow("roll 008 back first");
    expect(changes(before, await stateOf(db))).toEqual([]);
  });

  test("what somebody else built on it is not dropped with it", async () => {
    await run(db, "006", "migrate");
    await db.exec("CREATE VIEW reports AS SELECT capability_name FROM agent_capabilities_graph");
    await expect(run(db, "006", "rollback")).rejects.toThrow("other objects depend on it");
    expect((await db.query("SELECT * FROM reports")).rows).toEqual([]);
    await db.exec("DROP VIEW reports");
  });

  test("what has the name of something that a migration would create stays, and stops it before anything is changed", async () => {
    await db.exec(`
      CREATE FUNCTION update_last_updated_column() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
      CREATE TYPE entity_type AS ENUM ('theirs')`);
    const before = await stateOf(db);
    await expect(run(db, "006", "migrate")).rejects.toThrow("entity_type, update_last_updated_column()");
    await run(db, "006", "rollback");
    expect(changes(before, await stateOf(db))).toEqual([]);
    await db.exec("DROP FUNCTION update_last_updated_column; DROP TYPE entity_type");
  });

  test("a schema that 007 does not know stops it before anything is changed, with all that is in the way", async () => {
    await run(db, "006", "migrate");
    await db.exec(`
      CREATE TABLE tasks (id INT PRIMARY KEY, agent_id UUID CONSTRAINT task_agent REFERENCES agent_profiles);
      CREATE VIEW task_counts AS
        SELECT a.id, a.name, count(t.id) AS tasks FROM agent_profiles a LEFT JOIN tasks t ON t.agent_id = a.id GROUP BY a.id;
      CREATE UNIQUE INDEX one_per_family ON agent_profiles (model_family, name);
      ALTER TABLE performance_events ADD COLUMN tenant_id TEXT;
      ALTER TABLE benchmark_datasets ENABLE ROW LEVEL SECURITY;
      CREATE TABLE tenants (id INT)`);
    const before = await stateOf(db);
    const error: { message: string; detail?: string } = await run(db, "007", "migrate").then(
      () => ({ message: "accepted" }),
      (refusal) => refusal,
    );
    expect(error.message).toBe("the schema is not the one that migration 007 knows");
    expect(error.detail?.split("\n")).toEqual([
      "- tenants is there already, and 007 would create it",
      "- performance_events has a tenant_id already",
      "- benchmark_datasets has row security or policies already",
      expect.stringMatching(/^- agent_profiles has the key one_per_family \(model_family, name\), which 007/),
      expect.stringMatching(/^- tasks has the foreign key task_agent to agent_profiles, which 007/),
      expect.stringMatching(
        /^- rule _RETURN on view task_counts needs the key agent_profiles_pkey of agent_profiles/,
      ),
    ]);
    expect(changes(before, await stateOf(db))).toEqual([]);
    await run(db, "007", "rollback");
    expect(changes(before, await stateOf(db))).toEqual([]);
    await db.exec(`
      DROP VIEW task_counts; DROP TABLE tasks; DROP INDEX one_per_family; DROP TABLE tenants;
      ALTER TABLE performance_events DROP COLUMN tenant_id; ALTER TABLE benchmark_datasets DISABLE ROW LEVEL SECURITY`);
  });

  test("views that read no tenant's rows keep their owner's rights", async () => {
    await db.exec(`
      CREATE TABLE prices (model_family TEXT);
      CREATE VIEW price_list AS SELECT * FROM prices; GRANT SELECT ON price_list TO v2_app;
      CREATE SCHEMA reports; CREATE VIEW reports.agents AS SELECT name FROM available_agents`);
    await run(db, "006", "migrate");
    const before = await stateOf(db);
    await run(db, "007", "migrate");
    const { rows } = await db.query(
      "SELECT oid::regclass::text AS name, reloptions FROM pg_class WHERE relname IN ('price_list', 'agents', 'available_agents') ORDER BY 1",
    );
    expect(rows).toEqual([
      { name: "available_agents", reloptions: ["security_invoker=true"] },
      { name: "price_list", reloptions: null },
      { name: "reports.agents", reloptions: ["security_invoker=true"] },
    ]);
    await run(db, "007", "rollback");
    expect(changes(before, await stateOf(db))).toEqual([]);
    await db.exec("DROP VIEW price_list; DROP TABLE prices; DROP SCHEMA reports CASCADE");
  });

  test("rights and view options that 007 takes away are given back", async () => {
    await db.exec(`
      GRANT ALL ON agent_profiles, performance_events TO v2_app;
      GRANT TRUNCATE ON benchmark_datasets TO v2_readonly WITH GRANT OPTION;
      GRANT REFERENCES ON agent_profiles TO PUBLIC;
      GRANT REFERENCES (id) ON performance_events TO v2_readonly;
      CREATE VIEW busy_agents WITH (security_invoker = false, security_barrier = true) AS SELECT name FROM agent_profiles;
      GRANT SELECT ON busy_agents TO v2_app`);
    baseline = await stateOf(db);
    await run(db, "006", "migrate");
    const before = await stateOf(db);
    await run(db, "007", "migrate");
    const rights = await db.query(`
      SELECT has_table_privilege('v2_app', 'agent_profiles', 'TRUNCATE') AS app,
             has_table_privilege('v2_readonly', 'benchmark_datasets', 'TRUNCATE') AS readonly,
             has_table_privilege('v2_readonly', 'agent_profiles', 'REFERENCES') AS anybody`);
    expect(rights.rows).toEqual([{ app: false, readonly: false, anybody: false }]);
    await run(db, "007", "rollback");
    expect(changes(before, await stateOf(db))).toEqual([]);
  });
});
