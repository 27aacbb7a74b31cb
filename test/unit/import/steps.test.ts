import { loadModule } from "libpg-query";
import { beforeAll, describe, expect, test } from "vitest";
import type { Runs } from "../../../lib/import/imported.ts";
import { stepsOf } from "../../../lib/import/steps.ts";
import { parseSqlFile } from "../../../lib/plan/sql-file.ts";
import { said } from "../../support/imported.ts";

beforeAll(() => loadModule());

const steps = (text: string, runs: Runs, direction: "up" | "down" = "up") => {
  const made = stepsOf({ file: "f.sql", line: 1, text, runs }, direction, "the tool");
  const parsed = made.doubts.length > 0 ? [] : parseSqlFile("migrate.sql", made.text).steps;
  return {
    ...made,
    said: said(made.notes),
    held: parsed.map(({ kind, statements }) => [kind, ...statements.map(({ sql }) => sql)]),
  };
};

const INDEX = "CREATE INDEX CONCURRENTLY i ON a (id)";

describe("what a tool commits together is one step:", () => {
  test("everything that it runs in a transaction of its own", () => {
    expect(steps("CREATE TABLE a ();\nCREATE TABLE b ();", "transaction").held).toEqual([
      ["transaction", "CREATE TABLE a ()", "CREATE TABLE b ()"],
    ]);
  });

  test("one message of several statements", () => {
    expect(steps("CREATE TABLE a ();\nCREATE TABLE b ();", "message").held).toHaveLength(1);
  });

  test("everything between BEGIN and COMMIT, from any tool", () => {
    const made = steps(
      "-- why\nBEGIN;\nCREATE TABLE a ();\nCOMMIT;\nCREATE TABLE b ();\nSTART TRANSACTION;\nCREATE TABLE c ();\nEND;",
      "message",
    );
    expect(made.held).toEqual([
      ["transaction", "CREATE TABLE a ()"],
      ["transaction", "CREATE TABLE b ()"],
      ["transaction", "CREATE TABLE c ()"],
    ]);
    expect(made.text).toContain("-- why\nCREATE TABLE a ();");
    expect(made.said).toContainEqual(expect.stringContaining("BEGIN and COMMIT are left out"));
  });

  test("but an index that is built concurrently stands alone, outside a transaction", () => {
    const alone = steps(`${INDEX};`, "message");
    expect(alone.held).toEqual([["outside", INDEX]]);
    expect(alone.said).toEqual([]);
    const beside = steps(`CREATE TABLE a (id int);\n${INDEX};\nCREATE TABLE b ();`, "statements");
    expect(beside.held).toEqual([
      ["transaction", "CREATE TABLE a (id int)"],
      ["outside", INDEX],
      ["transaction", "CREATE TABLE b ()"],
    ]);
  });

  test("and a note states where the tool itself would fail with it", () => {
    const made = steps(`CREATE TABLE a (id int);\n${INDEX};`, "transaction");
    expect(made.held).toHaveLength(2);
    expect(made.said).toContainEqual(
      "f.sql:2 CREATE INDEX CONCURRENTLY cannot run in the transaction in which the tool runs this: it fails there. The plan runs it outside the transaction",
    );
  });

  test("a new label of an enum ends its step if the tool commits each statement", () => {
    const sql = "ALTER TYPE t ADD VALUE 'b';\nUPDATE a SET t = 'b';";
    expect(steps(sql, "statements").held).toHaveLength(2);
    expect(steps(sql, "transaction").held).toHaveLength(1);
  });
});

test("a setting for client messages is left out", () => {
  const made = steps("-- quiet\nSET client_min_messages = warning;\nCREATE TABLE a ();", "transaction");
  expect(made.text).toBe("-- quiet\nCREATE TABLE a ();\n");
  expect(made.said).toEqual([
    expect.stringMatching(/^f\.sql:2 SET client_min_messages = warning is left out/),
  ]);
});

test("an empty statement is left out where the text is split", () => {
  const made = steps(`CREATE TABLE a (id int);;\n;${INDEX};`, "statements");
  expect(made.held).toEqual([
    ["transaction", "CREATE TABLE a (id int)"],
    ["outside", INDEX],
  ]);
  expect(made.text).not.toMatch(/^\s*;/m);
});

describe("a text that needs no change", () => {
  test("stays unchanged, including comments and semicolons in strings", () => {
    const sql =
      "-- head\nINSERT INTO a VALUES ('x;\ny'); -- tail\n\n/* and /* nested */ */\nSELECT 1 -- last";
    expect(steps(sql, "transaction").text).toBe(`${sql}\n`);
  });

  test("keeps its comments where it is split, and no semicolon ends up in one", () => {
    const made = steps(
      `-- first\nCREATE TABLE a (id int) -- why\n;\n-- the index 🐘\n${INDEX}; -- done`,
      "message",
    );
    expect(made.held).toEqual([
      ["transaction", "CREATE TABLE a (id int) -- why"],
      ["outside", INDEX],
    ]);
    expect(made.text).toContain("-- first\nCREATE TABLE a (id int)");
    expect(made.text).toContain(`-- the index 🐘\n${INDEX};`);
    expect(made.text).toContain("-- done");
  });
});

describe("a rollback is tried twice, so it drops only what exists, and makes only what is missing:", () => {
  test.each([
    ["DROP TABLE a, b", "DROP TABLE IF EXISTS a, b"],
    ["DROP MATERIALIZED VIEW v", "DROP MATERIALIZED VIEW IF EXISTS v"],
    ["drop type t cascade", "drop type IF EXISTS t cascade"],
    ["DROP TRIGGER t ON a", "DROP TRIGGER IF EXISTS t ON a"],
    ["DROP FUNCTION f(int)", "DROP FUNCTION IF EXISTS f(int)"],
    ['DROP INDEX "index"', 'DROP INDEX IF EXISTS "index"'],
    ["DROP TABLE -- it\n  a", "DROP TABLE -- it\n  IF EXISTS a"],
    ["/* it /* all */ */ DROP TABLE a", "/* it /* all */ */ DROP TABLE IF EXISTS a"],
    [
      "ALTER TABLE a DROP COLUMN b, DROP c",
      "ALTER TABLE IF EXISTS a DROP COLUMN IF EXISTS b, DROP IF EXISTS c",
    ],
    ["ALTER TABLE ONLY a DROP CONSTRAINT b", "ALTER TABLE IF EXISTS ONLY a DROP CONSTRAINT IF EXISTS b"],
    ["DROP TABLE IF EXISTS a", "DROP TABLE IF EXISTS a"],
    [
      "ALTER TABLE a DROP COLUMN b, ADD COLUMN c numeric(4, 2)",
      "ALTER TABLE a DROP COLUMN IF EXISTS b, ADD COLUMN IF NOT EXISTS c numeric(4, 2)",
    ],
    ["ALTER TABLE a ADD add_x int", "ALTER TABLE a ADD IF NOT EXISTS add_x int"],
    [
      "ALTER TABLE a ADD COLUMN b int, ALTER c SET NOT NULL",
      "ALTER TABLE a ADD COLUMN b int, ALTER c SET NOT NULL",
    ],
    ["CREATE UNIQUE INDEX i ON a (b)", "CREATE UNIQUE INDEX IF NOT EXISTS i ON a (b)"],
    ["CREATE INDEX ON a (b)", "CREATE INDEX ON a (b)"],
    ["CREATE TABLE a (id int)", "CREATE TABLE IF NOT EXISTS a (id int)"],
    ["ALTER TABLE a ALTER b DROP NOT NULL", "ALTER TABLE a ALTER b DROP NOT NULL"],
  ])("%s", (sql, expected) => {
    const made = steps(`${sql};`, "transaction", "down");
    expect(made.text).toBe(`${expected};\n`);
    expect(made.said).toHaveLength(sql === expected ? 0 : 1);
  });

  test("and the up part stays unchanged", () => {
    expect(steps("DROP TABLE a;", "transaction").text).toBe("DROP TABLE a;\n");
  });
});

describe("input that is no SQL", () => {
  test("of psql is left out if it has no effect, and is in doubt if it has", () => {
    const made = steps("\\restrict abc\nDO $$\n\\i in a body\n$$;\n\\copy a from 'x'\n", "transaction");
    expect(made.said).toContainEqual(
      "f.sql:1 is a command of psql, which the plan leaves out: \\restrict abc",
    );
    expect(said(made.doubts)).toEqual([
      expect.stringMatching(/^f\.sql:5 psql's own commands do not work here: \\copy a/),
    ]);
  });

  test("of COPY is rows, which only a client sends", () => {
    const made = steps("COPY a FROM stdin;\n\\N\tx\n\\.\nSELECT 1;", "transaction");
    expect(said(made.doubts)).toEqual([expect.stringMatching(/^f\.sql:1 has rows for COPY/)]);
    expect(made.each.join()).toContain("\\N\tx\n\\.");
    const beside = steps(`COPY a FROM stdin;\n\\N\tx\n\\.\n${INDEX};`, "statements");
    expect(beside.each).toEqual([expect.stringContaining("COPY a FROM stdin;\n\\N\tx\n\\.\n")]);
  });

  test("is refused with its line", () => {
    expect(said(steps("SELECT 1;\nSELEC 2;", "transaction").doubts)).toEqual([
      expect.stringMatching(/^f\.sql:2 PostgreSQL's parser refuses it: syntax error/),
    ]);
  });

  test("without any statement is a step that does nothing, with a note", () => {
    const made = steps("-- nothing yet\n", "transaction");
    expect(made.text).toBe("-- nothing yet\nSELECT 1;\n");
    expect(made.said).toEqual([expect.stringContaining("has no SQL here")]);
  });

  test("a ROLLBACK is in doubt", () => {
    expect(said(steps("BEGIN;\nSELECT 1;\nROLLBACK;", "statements").doubts)).toEqual([
      expect.stringMatching(/^f\.sql:3 has ROLLBACK/),
    ]);
  });
});
