import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { takeFingerprint } from "../../../lambdas/proof/catalog.ts";
import { stepsOf } from "../../sql/knowledge-graph/database.ts";
import { changes, takeState } from "../../sql/knowledge-graph/state.ts";
import { createScratch, run, type Scratch } from "./server.ts";

describe("007 on a large table", () => {
  let db: Scratch;
  beforeAll(async () => {
    db = await createScratch("locks", { agents: 2000, events: 300_000 });
    await run(db.owner, "006", "migrate");
  });
  afterAll(() => db.close());

  const TABLES = `unnest(ARRAY['agent_profiles', 'agent_capabilities', 'performance_events', 'benchmark_datasets',
    'performance_anomalies', 'rl_training_batches']::regclass[]) AS t (relation)`;

  /** Returns the number of rows of the former tables that this session has read, by any scan. */
  async function rowsRead(): Promise<number> {
    const [read] = await db.owner.query<{ rows: number }>(
      `SELECT sum(pg_stat_get_xact_tuples_returned(relation) + pg_stat_get_xact_tuples_fetched(relation))::int AS rows FROM ${TABLES}`,
    );
    return read?.rows ?? Number.NaN;
  }

  /** Whether this transaction has a lock on one of the former tables that its readers or writers would wait for. */
  async function blocks(): Promise<boolean> {
    const held = await db.owner.query(
      `SELECT FROM pg_locks l JOIN ${TABLES} USING (relation) WHERE l.pid = pg_backend_pid()
        AND l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')`,
    );
    return held.length > 0;
  }

  test("reads no row of a table while it holds a lock that readers or writers wait for", async () => {
    const seen = { blocking: 0, reading: 0, both: [] as string[] };
    for (const step of stepsOf("007", "migrate")) {
      if (step.kind !== "transaction") {
        // Only this cannot run in a transaction. It waits for other sessions without blocking them.
        expect(step.statements.map(({ sql }) => sql).join()).toMatch(/^CREATE (UNIQUE )?INDEX CONCURRENTLY/);
        for (const { sql } of step.statements) await db.owner.exec(sql);
        continue;
      }
      await db.owner.exec("BEGIN");
      const before = await rowsRead();
      for (const { sql } of step.statements) await db.owner.exec(sql);
      const reading = (await rowsRead()) > before;
      const blocking = await blocks();
      await db.owner.exec("COMMIT");
      seen.blocking += Number(blocking);
      seen.reading += Number(reading);
      if (blocking && reading) seen.both.push(step.name);
    }
    await run(db.owner, "007", "rollback");
    expect(seen.both).toEqual([]);
    // It does both, but never in one step.
    expect(seen.blocking).toBeGreaterThan(20);
    expect(seen.reading).toBeGreaterThan(0);
  });

  test("changes no updated_at and rewrites no row", async () => {
    const look = () =>
      db.owner.query(
        "SELECT pg_relation_filenode('performance_events') AS file, pg_relation_size('performance_events') AS size, sum(extract(epoch FROM updated_at)) AS updated FROM performance_events",
      );
    const before = await look();
    await run(db.owner, "007", "migrate");
    expect(await look()).toEqual(before);
    await run(db.owner, "007", "rollback");
    expect(await look()).toEqual(before);
  });
});

// As psql runs a file: each statement on its own, so that it may stop after any of them.
describe.each(["006", "007", "008"] as const)("%s", (version) => {
  // About two hundred times for 007, so each time only the catalog is compared, and the rows at the end.
  test("can be rolled back after any of its statements", { timeout: 1_200_000 }, async () => {
    const db = await createScratch(`rollback_${version}`);
    onTestFinished(() => db.close());
    for (const earlier of ["006", "007", "008"] as const)
      if (earlier < version) await run(db.owner, earlier, "migrate");
    const before = await takeState(db.owner);
    const statements = stepsOf(version, "migrate").flatMap((step) => step.statements);
    for (let done = 1; done < statements.length; done++) {
      for (const { sql } of statements.slice(0, done)) await db.owner.exec(sql);
      await run(db.owner, version, "rollback");
      const after = { ...before, catalog: await takeFingerprint(db.owner) };
      expect([done, ...changes(before, after)]).toEqual([done]);
    }
    expect(changes(before, await takeState(db.owner))).toEqual([]);
  });
});

// By hand, with psql: Sluice itself continues where it stopped.
describe.each(["006", "007", "008"] as const)("the rollback of %s", (version) => {
  test("may stop after any of its statements and be begun again", { timeout: 1_200_000 }, async () => {
    const db = await createScratch(`again_${version}`);
    onTestFinished(() => db.close());
    for (const earlier of ["006", "007", "008"] as const)
      if (earlier < version) await run(db.owner, earlier, "migrate");
    const before = await takeState(db.owner);
    const statements = stepsOf(version, "rollback").flatMap((step) => step.statements);
    for (let done = 1; done < statements.length; done++) {
      await run(db.owner, version, "migrate");
      for (const { sql } of statements.slice(0, done)) await db.owner.exec(sql);
      await run(db.owner, version, "rollback");
      const after = { ...before, catalog: await takeFingerprint(db.owner) };
      expect([done, ...changes(before, after)]).toEqual([done]);
    }
    expect(changes(before, await takeState(db.owner))).toEqual([]);
  });
});

test("the rollback of 007 builds again what an interrupted one left half built", async () => {
  const db = await createScratch("unfinished");
  onTestFinished(() => db.close());
  await run(db.owner, "006", "migrate");
  const before = await takeState(db.owner);
  await run(db.owner, "007", "migrate");
  const build = stepsOf("007", "rollback")
    .flatMap(({ statements }) => statements.map(({ sql }) => sql))
    .find((sql) => sql.includes("agent_profiles_pkey_former ON"));
  const reader = await db.connect();
  await reader.query("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM agent_profiles LIMIT 1");
  await db.owner.exec("SET statement_timeout = 300");
  await expect(db.owner.exec(String(build))).rejects.toThrow("statement timeout");
  await db.owner.exec("RESET statement_timeout");
  await reader.query("COMMIT");
  await run(db.owner, "007", "rollback");
  expect(changes(before, await takeState(db.owner))).toEqual([]);
});

test("007 can be rolled back when building an index concurrently was cut short", async () => {
  const db = await createScratch("invalid_index");
  onTestFinished(() => db.close());
  await run(db.owner, "006", "migrate");
  const before = await takeState(db.owner);
  const steps = stepsOf("007", "migrate");
  const cut = steps.findIndex(
    ({ name }) => name === "index agent_profiles for its tenant-wise unique_agent_name",
  );
  for (const { statements } of steps.slice(0, cut))
    for (const { sql } of statements) await db.owner.exec(sql);
  // An older snapshot makes it wait; a timeout then leaves it invalid.
  const reader = await db.connect();
  await reader.query("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM agent_profiles LIMIT 1");
  await db.owner.exec("SET statement_timeout = 300");
  await expect(db.owner.exec(String(steps[cut]?.statements[0]?.sql))).rejects.toThrow("statement timeout");
  await db.owner.exec("RESET statement_timeout");
  await reader.query("COMMIT");
  await run(db.owner, "007", "rollback");
  expect(changes(before, await takeState(db.owner))).toEqual([]);
});
