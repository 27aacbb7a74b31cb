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

  test("rights and view options that 007 takes away are given back", async () => {
    await db.exec(`
      GRANT ALL ON agent_profiles, performance_events TO v2_app;
      GRANT TRUNCATE ON benchmark_datasets TO v2_readonly WITH GRANT OPTION;
      GRANT REFERENCES ON agent_profiles TO PUBLIC;
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
