import { loadModule } from "libpg-query";
import { beforeAll, describe, expect, test } from "vitest";
import type { BatchedStep, TransactionStep } from "../../../lambdas/shared/plan.ts";
import { type Noted, parseSqlFile } from "../../../lib/plan/sql-file.ts";
import { refusalOf } from "../../support/refusal.ts";

beforeAll(() => loadModule());

const step = (sql: string, option = "") => `-- sluice: step "a"${option}\n${sql}`;
const refusal = (text: string): string => refusalOf(() => parseSqlFile("m.sql", text));

describe("a statement that cannot run in a transaction gets a step of its own", () => {
  test.each([
    "CREATE INDEX CONCURRENTLY i ON t (x)",
    "DROP INDEX CONCURRENTLY IF EXISTS i",
    "REINDEX INDEX CONCURRENTLY i",
    "REINDEX (CONCURRENTLY) TABLE t",
    "VACUUM t",
  ])("%s", (sql) => {
    const noted: Noted = { notices: [], syntax: [] };
    const { steps } = parseSqlFile("m.sql", step(`SELECT 1;\n${sql};\nSELECT 2;`), new Set(), noted);
    expect(steps).toMatchObject([
      { name: "a (1)", kind: "transaction", line: 2, statements: [{ sql: "SELECT 1" }] },
      { name: "a (2)", kind: "outside", line: 3, statements: [{ sql }] },
      { name: "a (3)", kind: "transaction", line: 4, statements: [{ sql: "SELECT 2" }] },
    ]);
    expect(noted.notices).toEqual([
      {
        file: "m.sql",
        line: 3,
        text: expect.stringMatching(/^split into 3 steps \(lines 2, 3, 4\).*cannot be in/),
      },
    ]);
    expect(refusal(step(`${sql};`, " outside transaction"))).toBe("nothing was refused");
    // Between BEGIN and COMMIT the database would refuse it too.
    expect(refusal(`BEGIN;\n${sql};\nCOMMIT;`)).toMatch(
      /^m\.sql: line 2: .* cannot run in a transaction, and one begins in line 1\. Put it before/,
    );
  });
});

describe("a statement is refused in a step, with the reason and what to write instead", () => {
  test.each([
    ["ALTER TABLE p DETACH PARTITION c CONCURRENTLY", /half done\. Without CONCURRENTLY/],
    ["COPY t FROM STDIN", /no client here\. Use INSERT/],
    ["SET client_min_messages = notice", /once its worker is gone, a message would break it off/],
    ["SET ROLE owner", /Write SET LOCAL ROLE/],
    ["SET SESSION AUTHORIZATION owner", /Use SET LOCAL ROLE for another/],
    ["CREATE TEMP TABLE x (a int)", /Add ON COMMIT DROP/],
    ["CREATE TEMP TABLE x AS SELECT 1", /Add ON COMMIT DROP/],
    ["UPDATE t SET a = 1 RETURNING a", /Remove RETURNING/],
    ["DO $$ BEGIN UPDATE t SET a = 1; COMMIT; END $$", /-- sluice: step "name" in batches/],
    ["DO E'BEGIN \\x52ollback; END'", /-- sluice: step "name" in batches/],
    ["PREPARE p AS SELECT 1", /lasts? for the session/],
    ["CREATE DATABASE other", /affects another database/],
    ["ALTER SYSTEM SET work_mem = '1GB'", /parameter group/],
  ])("%s", (sql, reason) => {
    const message = refusal(step(`${sql};`));
    expect(message).toMatch(reason);
    expect(message).toMatch(/^m\.sql: line 2: /);
    expect(message).toContain(sql.slice(0, 20));
  });
});

describe("a statement that rewrites a table is refused unless its step is marked for it", () => {
  const ADD = "ALTER TABLE t ADD COLUMN";
  const MARK = /-- sluice: step "name" rewrites\. The statement: /;
  test.each([
    `${ADD} id2 uuid DEFAULT gen_random_uuid()`,
    `${ADD} at timestamptz NOT NULL DEFAULT clock_timestamp()`,
    `${ADD} n bigserial`,
    `${ADD} n int GENERATED ALWAYS AS IDENTITY`,
    `${ADD} twice int GENERATED ALWAYS AS (n * 2) STORED`,
    `${ADD} a int, ADD COLUMN b int DEFAULT (1 + nextval('s'))`,
  ])("%s", (sql) => {
    expect(refusal(step(`${sql};`))).toMatch(
      /rewrites t while nobody can read it\. Add the column without it and SET DEFAULT in this step/,
    );
    expect(refusal(step(`${sql};`))).toMatch(MARK);
    expect(refusal(step(`${sql};`, " rewrites"))).toBe("nothing was refused");
    // The file made the table: nobody reads it yet.
    expect(refusal(`CREATE TABLE t (n int);\n${sql};`)).toBe("nothing was refused");
  });

  test.each([
    ["ALTER TABLE t SET UNLOGGED", ""],
    ["ALTER TABLE t SET LOGGED", ""],
    ["ALTER TABLE t SET ACCESS METHOD other", ""],
    ["ALTER TABLE t SET TABLESPACE other", ""],
    ["CLUSTER t USING i", ""],
    ["VACUUM (ANALYZE, FULL) t", " outside transaction"],
    ["VACUUM FULL t", " outside transaction"],
  ])("%s", (sql, option) => {
    expect(refusal(step(`${sql};`, option))).toMatch(/^m\.sql: line 2: .* rewrites t/);
    expect(refusal(step(`${sql};`, option))).toMatch(MARK);
    expect(refusal(step(`${sql};`, `${option} rewrites`))).toBe("nothing was refused");
  });

  test("a column of a domain with a constraint that the file makes", () => {
    const domain = (constraint: string) =>
      `CREATE DOMAIN d AS int ${constraint};\nALTER TABLE t ADD COLUMN x d`;
    expect(refusal(`${domain("CHECK (VALUE > 0)")};`)).toMatch(
      /the constraint of domain d is checked in each row/,
    );
    expect(refusal(`${domain("NOT NULL")};`)).toMatch(MARK);
    for (const sql of [`${domain("")};`, `${domain("CHECK (VALUE > 0)")}[];`])
      expect(refusal(sql)).toBe("nothing was refused");
  });

  test.each([
    `${ADD} a int DEFAULT 0`,
    `${ADD} at timestamptz NOT NULL DEFAULT now()`,
    `${ADD} id2 uuid; ALTER TABLE t ALTER COLUMN id2 SET DEFAULT gen_random_uuid()`,
    "ALTER TABLE t CLUSTER ON i",
    "ALTER INDEX i SET TABLESPACE other",
    // Only the database has the column's former type: staging finds it.
    "ALTER TABLE t ALTER COLUMN a TYPE bigint",
  ])("and not for %s", (sql) => {
    expect(refusal(step(`${sql};`))).toBe("nothing was refused");
  });

  test("batches change rows, so the mark is not allowed there", () => {
    expect(refusal(step("UPDATE t SET a = 1;", " in batches rewrites"))).toMatch(
      /line 1: .*Remove `rewrites`/,
    );
  });
});

describe("a statement outside a transaction is refused unless it leaves a trace of how it ended, or is safe to run twice", () => {
  test.each([
    ["CREATE INDEX CONCURRENTLY ON t (x)", /give the index a name/],
    ["DROP INDEX CONCURRENTLY i", /IF EXISTS/],
    ["REINDEX DATABASE CONCURRENTLY db", /name the index or the table/],
    ["CALL work()", /-- sluice: step "name" in batches/],
    ["UPDATE t SET a = 1", /Remove `outside transaction`/],
    ["CREATE INDEX i ON t (x)", /Remove `outside transaction`/],
    ["ALTER TYPE e ADD VALUE 'x'", /Remove `outside transaction`/],
  ])("%s", (sql, reason) => {
    expect(refusal(step(`${sql};`, " outside transaction"))).toMatch(reason);
  });
});

describe("a step in batches", () => {
  const batches = (sql: string) =>
    (parseSqlFile("m.sql", step(`${sql};`, " in batches")).steps[0] as BatchedStep).batches;

  test.each([
    ["INSERT INTO t SELECT 1", /only one UPDATE or DELETE/],
    ["UPDATE t SET a = 1 RETURNING a", /Remove RETURNING/],
    ["DELETE FROM t WHERE CURRENT OF c", /cursor/],
    ["UPDATE t SET a = 1; UPDATE t SET b = 1", /only one statement; it has 2/],
  ])("is refused for %s", (sql, reason) => {
    expect(refusal(step(`${sql};`, " in batches"))).toMatch(reason);
  });

  test("is cut at its own WHERE, not at a subquery's, and not at a word in a text or a name", () => {
    const head = `UPDATE s.t AS x SET a = (SELECT b FROM u WHERE u.id = x.id), "where" = 'é WHERE' FROM v WHERE`;
    expect(batches(`${head} x.id = v.id OR a IS NULL`)).toEqual({
      table: { schema: "s", name: "t" },
      alias: "x",
      sets: ["a", "where"],
      head,
      condition: " x.id = v.id OR a IS NULL",
    });
  });

  test("needs no WHERE", () => {
    expect(batches("DELETE FROM t")).toEqual({
      table: { name: "t" },
      alias: "t",
      sets: [],
      head: "DELETE FROM t",
    });
  });
});

describe("the properties of a step", () => {
  test("a setting lasts for the steps after it, as in psql, and a local one does not", () => {
    const { steps } = parseSqlFile(
      "m.sql",
      '-- sluice: step "a"\nSET search_path TO x;\nSET LOCAL work_mem = 100;\n-- sluice: step "b"\nSELECT 1;\n-- sluice: step "c" outside transaction\nVACUUM t;',
    );
    expect(steps.map(({ settings }) => settings)).toEqual([
      [],
      ["SET search_path TO x"],
      ["SET search_path TO x"],
    ]);
  });

  test("its checksum changes with its SQL and its kind, and not with its place in the file", () => {
    const sum = (text: string) => parseSqlFile("m.sql", text).steps[0]?.checksum;
    expect(sum('-- a comment\n\n-- sluice: step "b"\nVACUUM t;'.replace("VACUUM t", "SELECT 1"))).toBe(
      sum("SELECT 1;"),
    );
    const sums = [
      sum("SELECT 1;"),
      sum("SELECT 2;"),
      sum("SELECT 1; SELECT 2;"),
      sum(step("UPDATE t SET a = 1;")),
      sum(step("UPDATE t SET a = 1;", " in batches")),
    ];
    expect(new Set(sums).size).toBe(sums.length);
  });

  test("the relations that it names are listed, and a DO may touch any", () => {
    const relations = (sql: string) => parseSqlFile("m.sql", sql).steps[0]?.relations;
    expect(
      relations("INSERT INTO a SELECT * FROM s.b; DROP TABLE IF EXISTS s.c; ALTER TABLE a ADD x int;"),
    ).toEqual([{ name: "a" }, { schema: "s", name: "b" }, { schema: "s", name: "c" }]);
    expect(relations("DO $$ BEGIN PERFORM 1; END $$;")).toBeUndefined();
  });

  test("queries are distinguished from statements that change something or make a table", () => {
    const [{ queries, changesRows } = {} as TransactionStep] = parseSqlFile(
      "m.sql",
      "SELECT f(); SELECT 1 INTO x; WITH d AS (DELETE FROM t RETURNING a) SELECT a FROM d; VALUES (1);",
    ).steps as TransactionStep[];
    expect({ queries, changesRows }).toEqual({ queries: [0, 3], changesRows: true });
    expect(parseSqlFile("m.sql", "CREATE TABLE t (); COMMENT ON TABLE t IS 'x';").steps[0]).toMatchObject({
      changesRows: false,
    });
  });
});
