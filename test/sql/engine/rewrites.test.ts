import { loadModule } from "libpg-query";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ensureLedger } from "../../../lambdas/ledger/ledger.ts";
import { runSteps } from "../../../lambdas/migrate/run-steps.ts";
import { parseSqlFile } from "../../../lib/plan/sql-file.ts";
import { useEmbedded } from "../../support/embedded.ts";
import { memoryPorts } from "../../support/ports.ts";

const session = useEmbedded(`CREATE SCHEMA "S";
  CREATE DOMAIN positive AS int CHECK (VALUE > 0); CREATE DOMAIN any_int AS int`);
beforeAll(() => loadModule());
beforeEach(() =>
  session.exec(`DROP TABLE IF EXISTS t, empty, p, made, seen CASCADE; DROP TABLE IF EXISTS "S"."Own" CASCADE;
    CREATE TABLE t (id int PRIMARY KEY, name varchar(10), at timestamp);
    INSERT INTO t SELECT n, n, now() FROM generate_series(1, 100) n;
    CREATE TABLE empty (id int); CREATE TABLE "S"."Own" AS SELECT 1 AS id;
    CREATE TABLE p (id int, x int) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (9);
    INSERT INTO p VALUES (1, 1);
    CREATE TABLE seen AS SELECT 1 AS id; CREATE MATERIALIZED VIEW m AS SELECT id FROM seen; CREATE INDEX i ON t (name)`),
);

let runs = 0;
const steps = (sql: string, noticesRewrites = true) =>
  runSteps(session, memoryPorts({ plan: { schema: undefined } }), {
    key: { run: `r${++runs}`, version: "002", round: 1, direction: "migrate" },
    file: parseSqlFile("m.sql", sql),
    checksum: "c",
    failure: "StepFailed",
    limitMinutes: undefined,
    beside: undefined,
    noticesRewrites,
  });
const rewritten = async (sql: string) => (await steps(sql))?.map(({ rewrites }) => rewrites?.tables ?? []);
const within = (sql: string) => `DO $$ BEGIN EXECUTE '${sql.replaceAll("'", "''")}'; END $$;`;

describe("a step that rewrites a table is noticed, even if its text does not show it:", () => {
  test.each([
    "ALTER TABLE t ADD twice int GENERATED ALWAYS AS (id * 2) STORED",
    "ALTER TABLE t ADD n serial",
    "ALTER TABLE t ADD n int GENERATED ALWAYS AS IDENTITY",
    "ALTER TABLE t ADD n uuid DEFAULT gen_random_uuid()",
    "ALTER TABLE t ADD n positive",
    "ALTER TABLE t ALTER id TYPE bigint",
    "ALTER TABLE t ALTER name TYPE text USING name || ''",
    "ALTER TABLE t SET UNLOGGED",
    "CLUSTER t USING i",
  ])("%s", async (sql) => {
    expect(await rewritten(within(sql))).toEqual([["public.t"]]);
  });

  test("each partition and each table by its full name, of each step its own", async () => {
    const sql = [
      `-- sluice: step "a"\n${within("ALTER TABLE p ALTER x TYPE bigint")}`,
      `-- sluice: step "b" rewrites\nALTER TABLE "S"."Own" ALTER id TYPE bigint;`,
      '-- sluice: step "c"\nALTER TABLE t ADD z int;',
    ].join("\n");
    expect((await steps(sql))?.map(({ rewrites }) => rewrites)).toEqual([
      { tables: ["public.p1"], meant: false },
      { tables: ['"S"."Own"'], meant: true },
      undefined,
    ]);
  });
});

describe("other changes are not taken for a rewrite:", () => {
  test.each([
    "ALTER TABLE t ADD z int DEFAULT 7",
    "ALTER TABLE t ADD z any_int",
    "ALTER TABLE t ALTER name TYPE varchar(20)",
    "ALTER TABLE t DROP name",
    "ALTER TABLE empty ALTER id TYPE bigint",
    "UPDATE t SET name = 'x'",
    "REINDEX TABLE t",
    "REFRESH MATERIALIZED VIEW m",
    "TRUNCATE t; INSERT INTO t VALUES (1)",
    "TRUNCATE p; INSERT INTO p VALUES (2)",
    "CREATE TABLE made AS SELECT 1 AS id; ALTER TABLE made ALTER id TYPE bigint",
    "DROP TABLE t; CREATE TABLE t AS SELECT 1 AS id",
    'SELECT 1;\n-- sluice: step "later"\nRESET ALL; ALTER TABLE t ADD z int',
  ])("%s", async (sql) => {
    expect((await rewritten(`-- sluice: step "first"\n${sql};`))?.flat()).toEqual([]);
  });

  test("a table that the file made in an earlier step", async () => {
    const sql =
      '-- sluice: step "a"\nCREATE TABLE made AS SELECT 1 AS id;\n-- sluice: step "b"\nALTER TABLE made ALTER id TYPE bigint;';
    expect((await rewritten(sql))?.flat()).toEqual([]);
  });
});

test("VACUUM FULL outside a transaction names its table, and needs the mark", async () => {
  expect(await rewritten('-- sluice: step "a" outside transaction rewrites\nVACUUM FULL t;')).toEqual([
    ["public.t"],
  ]);
});

test("rewrites are observed only if requested", async () => {
  expect((await steps(within("ALTER TABLE t SET UNLOGGED"), false))?.[0]).not.toHaveProperty("rewrites");
});

test("a ledger of an older Sluice is completed, and its entries stay", async () => {
  await steps("SELECT 1;");
  await session.exec("ALTER TABLE sluice.step DROP COLUMN rewrites");
  runs--;
  expect(await steps("SELECT 1;")).toHaveLength(1);
  await ensureLedger(session);
  expect(await session.query(`SELECT count(*)::int AS n FROM sluice.step WHERE run = 'r${runs}'`)).toEqual([
    { n: 1 },
  ]);
});
