import { loadModule } from "libpg-query";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { runSteps } from "../../../lambdas/migrate/run-steps.ts";
import { runChecks } from "../../../lambdas/validate/run-checks.ts";
import { parseCheckFile, parseSqlFile } from "../../../lib/plan/sql-file.ts";
import { useEmbedded } from "../../support/embedded.ts";
import { memoryPorts } from "../../support/ports.ts";

const session = useEmbedded(`CREATE ROLE "app-v1.2 @é"`);
beforeAll(() => loadModule());
beforeEach(() =>
  session.exec(`DROP TABLE IF EXISTS parent, whole CASCADE;
    CREATE TABLE parent (id int PRIMARY KEY, n int DEFAULT 0); CREATE TABLE child () INHERITS (parent);
    INSERT INTO parent SELECT g FROM generate_series(1, 100) g; INSERT INTO child VALUES (7), (8);
    CREATE TABLE whole (id int PRIMARY KEY, n int DEFAULT 0) PARTITION BY RANGE (id);
    CREATE TABLE part PARTITION OF whole FOR VALUES FROM (0) TO (1000);
    INSERT INTO whole SELECT g FROM generate_series(1, 100) g`),
);

let runs = 0;
const inBatches = (sql: string) =>
  runSteps(session, memoryPorts({ plan: { schema: undefined } }), {
    key: { run: `r${++runs}`, version: "002", round: 1, direction: "migrate" },
    file: parseSqlFile("m.sql", `-- sluice: step "up" in batches\n${sql};`),
    checksum: "c",
    failure: "StepFailed",
    limitMinutes: undefined,
    beside: undefined,
    noticesRewrites: false,
  });
const done = async (table: string) =>
  (await session.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${table} WHERE n = 1`))[0]?.n;

describe("a step in batches on a table that others inherit from", () => {
  test.each(["UPDATE parent SET n = 1", "DELETE FROM parent"])(
    "is refused, as the key does not hold for their rows: %s",
    async (sql) => {
      await expect(inBatches(sql)).rejects.toThrow(
        /m\.sql:1: .*child inherits from parent.*Write ONLY before parent/s,
      );
      expect(await done("parent")).toBe(0);
    },
  );

  test("does with ONLY all of its own rows and none of theirs", async () => {
    expect(await inBatches("UPDATE ONLY parent AS p SET n = 1 WHERE p.id > 0")).toMatchObject([
      { rows: 100 },
    ]);
    expect(await done("ONLY parent")).toBe(100);
    expect(await done("child")).toBe(0);
  });

  test("does all rows of a partitioned table, whose key holds for each", async () => {
    expect(await inBatches("UPDATE whole SET n = 1")).toMatchObject([{ rows: 100 }]);
    expect(await done("whole")).toBe(100);
  });
});

test("a check runs as a role whose name needs quotes", async () => {
  const sql = `-- sluice: check "who" as "app-v1.2 @é"\nSELECT current_user = 'app-v1.2 @é' AS passed, 1 AS expected, 1 AS seen;`;
  expect(await runChecks(session, parseCheckFile("v.sql", sql), [])).toMatchObject([
    { name: "who", as: "app-v1.2 @é", passed: true },
  ]);
  expect(parseCheckFile("v.sql", sql.replace('"app-v1.2 @é"', "app-rw")).checks[0]?.as).toEqual({
    role: "app-rw",
  });
  expect(parseCheckFile("v.sql", sql.replace('"app-v1.2 @é"', '"a ""b"""')).checks[0]?.as).toEqual({
    role: 'a "b"',
  });
  expect(() => parseCheckFile("v.sql", sql.replace('"app-v1.2 @é"', "app rw"))).toThrow(/as "role name"/);
});
