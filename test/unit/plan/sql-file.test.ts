import { loadModule } from "libpg-query";
import { beforeAll, describe, expect, test } from "vitest";
import { type Noted, parseCheckFile, parseSqlFile } from "../../../lib/plan/sql-file.ts";
import { refusalOf } from "../../support/refusal.ts";

beforeAll(() => loadModule());

describe("a file of steps is refused, with file and line,", () => {
  test.each([
    ["an unknown mark", "-- sluice: step create\nSELECT 1;", "m.sql: line 1: not understood"],
    [
      "a mark with an unknown option",
      '-- sluice: step "a" slowly\nSELECT 1;',
      "m.sql: line 1: not understood",
    ],
    [
      "SQL before the first mark",
      'SELECT 1;\n-- sluice: step "a"\nSELECT 2;',
      "m.sql: line 1: SQL before the first step mark",
    ],
    [
      "an empty step",
      '-- sluice: step "a"\n-- nothing\n-- sluice: step "b"\nSELECT 1;',
      'm.sql: line 1: step "a" is empty',
    ],
    [
      "two steps of one name",
      '-- sluice: step "a"\nSELECT 1;\n-- sluice: step "a"\nSELECT 2;',
      'm.sql: step "a": two steps',
    ],
    [
      "two statements outside a transaction",
      '-- sluice: step "a" outside transaction\nSELECT 1;\nSELECT 2;',
      "m.sql: line 1: step",
    ],
    ["a psql command", '-- sluice: step "a"\n\\i other.sql', "m.sql: line 2: psql's own commands"],
    ["BEGIN", '-- sluice: step "a"\nSELECT 1;\n\nBEGIN;', "m.sql: line 4: a step is already a transaction"],
    ["COMMIT", "SELECT 1;\nCOMMIT;", "m.sql: line 2: a step is already a transaction"],
    ["ROLLBACK", "ROLLBACK;", "m.sql: line 1: a step is already a transaction"],
    ["SAVEPOINT", "SAVEPOINT s;", "m.sql: line 1: a step is already a transaction"],
    [
      "COMMIT outside a transaction",
      '-- sluice: step "a" outside transaction\nCOMMIT;',
      "m.sql: line 2: a step is already a transaction",
    ],
  ])("for %s", (_what, text, message) => {
    expect(refusalOf(() => parseSqlFile("m.sql", text))).toContain(message);
  });
});

describe("a file of steps", () => {
  test("may hold BEGIN and COMMIT in the body of a function", () => {
    const body = "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$;";
    expect(parseSqlFile("m.sql", body).steps).toHaveLength(1);
  });

  test("without marks is one step", () => {
    expect(parseSqlFile("m.sql", "SELECT 1;\nSELECT 2;").steps).toMatchObject([
      { name: "all", kind: "transaction", statements: [{}, {}] },
    ]);
  });

  test("has the line of every statement, after comments, blank lines and bytes that are no ASCII", () => {
    const { steps } = parseSqlFile(
      "m.sql",
      "-- a file\n\n-- sluice: step \"ä\"\n-- über\n\nSELECT 'ü;';\n/* two\nlines */ SELECT 2;\n",
    );
    expect(steps[0]?.statements).toEqual([
      { sql: "SELECT 'ü;'", line: 6 },
      { sql: "SELECT 2", line: 8 },
    ]);
  });

  test("takes no semicolon in a body for an end, nor a mark in a string for a mark", () => {
    const body =
      "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$\n  SELECT ';';\n$$;\nSELECT '-- sluice: step \"b\"';";
    expect(parseSqlFile("m.sql", `-- sluice: step "a"\n${body}`).steps[0]?.statements).toHaveLength(2);
  });

  test("names the index that a crash may leave invalid", () => {
    const { steps } = parseSqlFile(
      "m.sql",
      '-- sluice: step "a" outside transaction\nCREATE INDEX CONCURRENTLY i ON s.t (x);',
    );
    expect(steps[0]).toMatchObject({
      kind: "outside",
      concurrently: true,
      leaves: { of: "created index", name: "i", beside: { schema: "s", name: "t" } },
    });
  });

  test("leaves invalid SQL for the database to refuse, and notes where each mistake is", () => {
    const noted: Noted = { notices: [], syntax: [] };
    const text = '-- sluice: step "a"\nSELECT 1;\nSELEC 2;\nSELECT 3;\nSELECT FROM WHERE;\n';
    const { steps } = parseSqlFile("m.sql", text, new Set(), noted);
    expect(steps[0]?.statements).toHaveLength(4);
    expect(noted.syntax.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^m\.sql: line 3, column 1: .*SELEC/),
      expect.stringMatching(/^m\.sql: line 5, column 13: .*WHERE/),
    ]);
  });
});

describe("a file of checks", () => {
  test("is refused without a check, with an empty one, and with SQL outside a check", () => {
    expect(refusalOf(() => parseCheckFile("v.sql", "-- nothing"))).toContain("v.sql: checks: there are none");
    expect(refusalOf(() => parseCheckFile("v.sql", '-- sluice: check "a"\n'))).toContain(
      'check "a" is empty',
    );
    expect(refusalOf(() => parseCheckFile("v.sql", 'SELECT 1;\n-- sluice: check "a"\nSELECT 1;'))).toContain(
      "SQL outside a check",
    );
  });

  test("is refused if a check ends the transaction that rolls it back", () => {
    expect(refusalOf(() => parseCheckFile("v.sql", '-- sluice: check "a"\nSELECT 1;\nCOMMIT;'))).toContain(
      "v.sql: line 3: a step is already a transaction, which commits with its ledger row; a check is a transaction that is rolled back",
    );
  });

  test("runs as the session's role, as one role, or as each application role", () => {
    const { checks } = parseCheckFile(
      "v.sql",
      '-- sluice: check "a"\nSELECT 1;\n-- sluice: check "b" as app\nSELECT 1;\n-- sluice: check "c" as each application role\nSELECT 1;',
    );
    expect(checks.map(({ as }) => as)).toEqual([undefined, { role: "app" }, "each"]);
  });
});

describe("a check that runs as a role is refused if it would switch to another", () => {
  test.each([
    "RESET ROLE",
    "SET ROLE other",
    "SET LOCAL ROLE other",
    "SET SESSION AUTHORIZATION DEFAULT",
    "SELECT set_config('role', 'none', true)",
    "SELECT 1 FROM pg_catalog.set_config('ROLE', 'other', false)",
    "DO $$ BEGIN RESET ROLE; PERFORM 1; END $$",
    "DO $$ BEGIN EXECUTE 'set  local role other'; END $$",
    "DO $$ BEGIN PERFORM set_config('session_authorization', 'other', true); END $$",
  ])("%s", (sql) => {
    const file = (as: string) => `-- sluice: check "a"${as}\nSELECT true AS passed;\n${sql};`;
    expect(() => parseCheckFile("v.sql", file(" as app"))).toThrow(/^v\.sql: line 3: .*its own check/);
    expect(() => parseCheckFile("v.sql", file(" as each application role"))).toThrow("its own check");
    expect(() => parseCheckFile("v.sql", file(""))).not.toThrow();
  });

  test("and not for its own settings, or for a text that mentions roles", () => {
    const sql = "SELECT set_config('app.role', 'x', true); SELECT 'SET ROLE x' AS note, true AS passed";
    expect(() => parseCheckFile("v.sql", `-- sluice: check "a" as app\n${sql};`)).not.toThrow();
  });
});

test("a step names the roles from which it revokes CONNECT on the database", () => {
  const of = (sql: string) => parseSqlFile("m.sql", sql).steps[0]?.revokesConnect;
  expect(of("REVOKE CONNECT, CREATE ON DATABASE d FROM a, PUBLIC; REVOKE ALL ON DATABASE d FROM b;")).toEqual(
    ["a", null, "b"],
  );
  for (const sql of [
    "REVOKE CREATE ON DATABASE d FROM a",
    "REVOKE GRANT OPTION FOR CONNECT ON DATABASE d FROM a",
    "GRANT CONNECT ON DATABASE d TO a",
    "REVOKE ALL ON SCHEMA s FROM a",
  ])
    expect(of(sql)).toBeUndefined();
});
