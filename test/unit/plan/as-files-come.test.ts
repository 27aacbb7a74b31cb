import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loadModule } from "libpg-query";
import { beforeAll, describe, expect, test } from "vitest";
import { loadPlan } from "../../../lib/plan/compile.ts";
import { type Noted, parseCheckFile, parseSqlFile } from "../../../lib/plan/sql-file.ts";
import { splitStatements, syntaxProblem } from "../../../lib/plan/statements.ts";
import { refusalOf } from "../../support/refusal.ts";
import { temporaryFolder } from "../../support/rehearsal.ts";

beforeAll(() => loadModule());

const BATCHED = [
  '-- sluice: step "one"',
  "ALTER TABLE t ADD COLUMN c int;",
  '-- sluice: step "two" in batches',
  "UPDATE t SET c = 1;",
  "",
].join("\n");

/** A plan whose only migration is these bytes. */
async function planOf(migrate: string | Uint8Array, more: Record<string, string> = {}): Promise<string> {
  const folder = await temporaryFolder();
  await mkdir(join(folder, "001_a"));
  const files = { "001_a/migrate.sql": migrate, "001_a/rollback.sql": "DROP TABLE IF EXISTS t;\n", ...more };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

const read = (text: string) => {
  const noted: Noted = { notices: [], syntax: [] };
  const { steps } = parseSqlFile("m.sql", text, new Set(), noted);
  return { steps, notices: noted.notices.map(({ line, text }) => `${line}: ${text}`), syntax: noted.syntax };
};
const refusal = (text: string): string => refusalOf(() => parseSqlFile("m.sql", text));

describe("a file as Windows writes it is the same plan", () => {
  test.each([
    ["with its line ends", (text: string) => text.replaceAll("\n", "\r\n")],
    ["with a byte order mark", (text: string) => `\ufeff${text}`],
    ["with both", (text: string) => `\ufeff${text.replaceAll("\n", "\r\n")}`],
  ])("%s", async (_what, change) => {
    const { plan } = await loadPlan(await planOf(BATCHED));
    const windows = await loadPlan(await planOf(change(BATCHED), { "plan.yaml": change("title: A\n") }));
    const unix = await loadPlan(await planOf(BATCHED, { "plan.yaml": "title: A\n" }));
    expect(plan.migrations[0]?.migrate.steps.map(({ kind }) => kind)).toEqual(["transaction", "batches"]);
    expect(windows.plan.checksum).toBe(unix.plan.checksum);
  });
});

describe("bytes that are no text are refused, with file and line", () => {
  test.each<[string, Uint8Array, RegExp]>([
    [
      "Latin-1",
      Buffer.from("SELECT 1;\nSELECT 'Stra\xdfe';\n", "latin1"),
      /^001_a\/migrate\.sql: line 2: the file is not UTF-8: this line has the byte 0xDF.*Save the file as UTF-8/,
    ],
    [
      "a character that is cut off at the end",
      Buffer.from([...Buffer.from("SELECT 1;\n-- "), 0xe2, 0x82]),
      /^001_a\/migrate\.sql: line 2: the file is not UTF-8/,
    ],
    ["a NUL byte", Buffer.from("SELECT 1;\n\nSELECT\0 2;"), /^001_a\/migrate\.sql: line 3: a NUL byte/],
    ["UTF-16", Buffer.from("\ufeffSELECT 1;", "utf16le"), /^001_a\/migrate\.sql: line 1: the file is UTF-16/],
  ])("%s", async (_what, bytes, message) => {
    await expect(loadPlan(await planOf(bytes))).rejects.toThrow(message);
  });

  test("in plan.yaml too", async () => {
    const folder = await planOf("SELECT 1;");
    await writeFile(join(folder, "plan.yaml"), Buffer.from("# Pl\xe4ne\ntitle: x\n", "latin1"));
    await expect(loadPlan(folder)).rejects.toThrow(/^plan\.yaml: line 1: the file is not UTF-8/);
  });
});

describe("anything else instead of a file is reported in one line", () => {
  test.each<[string, (path: string) => Promise<unknown>, RegExp]>([
    ["a folder", (path) => mkdir(path), /^plan\.yaml: file: a folder in .*, but must be a file$/],
    [
      "a link that leads nowhere",
      (path) => symlink("gone.yaml", path),
      /^plan\.yaml: file: a symbolic link that leads nowhere/,
    ],
    [
      "links in a circle",
      (path) => symlink("plan.yaml", path),
      /^plan\.yaml: file: symbolic links in .* form a circle/,
    ],
    ["a link to a folder", (path) => symlink("001_a", path), /^plan\.yaml: file: a folder in/],
    ["a device", (path) => symlink("/dev/zero", path), /^plan\.yaml: file: must be a regular file/],
  ])("%s", async (_what, make, message) => {
    const folder = await planOf("SELECT 1;");
    await make(join(folder, "plan.yaml"));
    await expect(loadPlan(folder)).rejects.toThrow(message);
  });

  test("a link to a file counts as that file", async () => {
    const folder = await planOf("SELECT 1;", { "elsewhere.yaml": "title: Linked\n" });
    await symlink("elsewhere.yaml", join(folder, "plan.yaml"));
    expect((await loadPlan(folder)).plan.title).toBe("Linked");
  });
});

describe("a mark is read", () => {
  test.each([
    '  -- sluice: step "a" in batches',
    '\t--sluice:step "a" in batches',
    '-- Sluice: Step "a" In Batches',
    '-- SLUICE : STEP "a"   IN   BATCHES  ',
    '---- sluice: step "a" in batches',
  ])("%s", (mark) => {
    expect(read(`${mark}\nUPDATE t SET a = 1;`).steps).toMatchObject([{ name: "a", kind: "batches" }]);
  });

  test("after line ends of old Macs, which end a comment for PostgreSQL too", () => {
    expect(read('-- sluice: step "a" in batches\rUPDATE t SET a = 1;\r').steps).toMatchObject([
      { kind: "batches" },
    ]);
  });

  test("of a check, with the role's own capitals", () => {
    const { checks } = parseCheckFile("v.sql", '  -- Sluice: Check "c" AS App_RW\nSELECT true AS passed;');
    expect(checks).toMatchObject([{ name: "c", as: { role: "App_RW" } }]);
  });
});

describe("a mark is not read", () => {
  test.each([
    ["in a body", 'CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$\n-- sluice: step "b"\nSELECT 1 $$;'],
    ["in a named body", "DO $x$ BEGIN\n-- sluice: step \"b\"\nPERFORM '$$'; END $x$;"],
    [
      "in a BEGIN ATOMIC body",
      'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC\n-- sluice: step "b"\nSELECT CASE WHEN true THEN 1 END;\nSELECT 2; END;',
    ],
    [
      "in a comment",
      '/* as it was:\n-- sluice: step "b"\nSELECT 0; /* and\n-- sluice: check "x" */ */ SELECT 1;',
    ],
    ["in a string", "SELECT 'it''s\n-- sluice: step \"b\"\n';"],
    ["in an escaped string", "SELECT E'it\\'s\n-- sluice: step \"b\"\n';"],
    ["in a quoted name", 'SELECT 1 AS "\n-- sluice: step ""b""\n";'],
  ])("%s", (_what, sql) => {
    const { steps, syntax } = read(`-- sluice: step "a"\n${sql}\nSELECT 9;`);
    expect(syntax).toEqual([]);
    expect(steps.map(({ name }) => name)).toEqual(["a"]);
    expect(steps[0]?.statements.at(-1)).toEqual({ sql: "SELECT 9", line: sql.split("\n").length + 2 });
  });
});

describe("a malformed mark is refused, with its line", () => {
  test.each([
    [
      "after a statement",
      'SELECT 1; -- sluice: step "b" in batches\nSELECT 2;',
      /^m\.sql: line 1: a mark needs its own line/,
    ],
    [
      "in a statement",
      'CREATE TABLE t (\n-- sluice: step "b"\n a int);',
      /^m\.sql: line 2: a mark within the parentheses of the statement that begins in line 1/,
    ],
    [
      "within a comment of several lines",
      '/* sluice: step "b" in batches */\nUPDATE t SET a = 1;',
      /^m\.sql: line 1: .*A mark is a one-line comment/,
    ],
    [
      "with a typing error",
      '-- sluce: step "b" in batches\nUPDATE t SET a = 1;',
      /^m\.sql: line 1: not understood/,
    ],
    ["without its colon", '-- sluice step "b"\nSELECT 1;', /^m\.sql: line 1: not understood/],
    [
      "with a word processor's quotes",
      "-- sluice: step \u201cb\u201d\nSELECT 1;",
      /^m\.sql: line 1: not understood/,
    ],
  ])("%s", (_what, text, message) => {
    expect(refusal(text)).toMatch(message);
  });

  test("together with every other mistake of the file", () => {
    const text =
      '-- sluice: stepp "a"\nSELECT 1 INTO x;\n-- sluice: step "b"\nPREPARE p AS SELECT 1;\nSAVEPOINT s;\n\\gexec\n-- sluice: step "c"\n';
    expect(refusal(text).split("\n")).toEqual([
      expect.stringMatching(/^m\.sql: line 1: not understood: "stepp/),
      expect.stringMatching(/^m\.sql: line 4: .*session/),
      expect.stringMatching(/^m\.sql: line 5: a step is already a transaction/),
      expect.stringMatching(/^m\.sql: line 6: psql's own commands/),
      expect.stringMatching(/^m\.sql: line 7: step "c" is empty/),
    ]);
  });
});

describe("BEGIN and COMMIT around a file are left out, and a notice states so", () => {
  test.each([
    "BEGIN;\nALTER TABLE t ADD c int;\nCOMMIT;",
    "-- why\nbegin transaction;\nALTER TABLE t ADD c int;\nEND;\n-- done",
    "START TRANSACTION;\nALTER TABLE t ADD c int;\nCOMMIT WORK;",
  ])("%s", (text) => {
    const { steps, notices } = read(text);
    expect(steps).toMatchObject([
      { name: "all", kind: "transaction", statements: [{ sql: "ALTER TABLE t ADD c int" }] },
    ]);
    expect(steps[0]?.checksum).toBe(read("ALTER TABLE t ADD c int;").steps[0]?.checksum);
    expect(notices).toEqual([expect.stringMatching(/^[12]: BEGIN and COMMIT \(line [34]\) are left out/)]);
  });

  test("also if there are marks between them, and within a step", () => {
    const { steps, notices } = read(
      'BEGIN;\n-- sluice: step "a"\nSELECT 1;\n-- sluice: step "b"\nSELECT 2;\nCOMMIT;',
    );
    expect(steps.map(({ name, statements }) => [name, statements.length])).toEqual([
      ["a", 1],
      ["b", 1],
    ]);
    expect(notices).toEqual([expect.stringMatching(/^1: BEGIN and COMMIT \(line 6\) around the file/)]);
    expect(read('-- sluice: step "a"\nBEGIN;\nSELECT 1;\nCOMMIT;').steps).toMatchObject([
      { name: "a", statements: [{ line: 3 }] },
    ]);
  });

  test("several pairs make a step each", () => {
    const { steps, notices } = read("BEGIN;\nSELECT 1;\nCOMMIT;\nBEGIN;\nSELECT 2;\nCOMMIT;\nSELECT 3;");
    expect(steps.map(({ name, line }) => [name, line])).toEqual([
      ["part 1", 2],
      ["part 2", 5],
      ["part 3", 7],
    ]);
    expect(notices).toEqual([expect.stringMatching(/^1: split into 3 steps/)]);
  });

  test.each([
    ["no COMMIT", "BEGIN;\nSELECT 1;", /^m\.sql: line 1: .*no COMMIT follows this BEGIN/],
    ["no BEGIN", "SELECT 1;\nCOMMIT;", /^m\.sql: line 2: .*there is no BEGIN before this COMMIT/],
    [
      "a ROLLBACK in the middle",
      "BEGIN;\nSELECT 1;\nROLLBACK;\nCOMMIT;",
      /^m\.sql: line 3: a step is already a transaction/,
    ],
    [
      "a SAVEPOINT in the middle",
      "BEGIN;\nSAVEPOINT s;\nRELEASE s;\nCOMMIT;",
      /^m\.sql: line 2: a step is already a transaction/,
    ],
    ["two BEGIN", "BEGIN;\nSELECT 1;\nBEGIN;\nCOMMIT;", /^m\.sql: line 3: .*began in line 1/],
    [
      "an isolation level",
      "BEGIN ISOLATION LEVEL SERIALIZABLE;\nSELECT 1;\nCOMMIT;",
      /^m\.sql: line 1: .*ISOLATION LEVEL has no effect/,
    ],
    ["nothing between them", "BEGIN;\nCOMMIT;", /^m\.sql: line 1: there is nothing between/],
  ])("not if there is %s", (_what, text, message) => {
    expect(refusal(text)).toMatch(message);
  });
});

describe("psql's own commands", () => {
  test("that only show something are left out, and a notice states so", () => {
    const { steps, notices } = read(
      "\\restrict aB3\n\\set ON_ERROR_STOP on\n\\timing on\n\\echo 'it''s on'\nSELECT 1;\n\\unrestrict aB3\n\\q\n",
    );
    expect(steps).toMatchObject([{ statements: [{ sql: "SELECT 1", line: 5 }] }]);
    expect(notices).toEqual([expect.stringMatching(/^1: psql's \\restrict, \\set, .* are left out/)]);
  });

  test.each([
    ["\\i other.sql", /Put that file's SQL here/],
    ["\\connect other", /one database/],
    ["\\set name 'x'", /Write the value itself/],
    ["\\set ON_ERROR_STOP off", /Write the value/],
    ["\\if :x", /one branch/],
    ["\\q\nSELECT 2;", /would not run what follows/],
    ["SELECT 'DROP TABLE x' \\gexec", /semicolon/],
  ])("that do more are refused: %s", (command, reason) => {
    expect(refusal(`SELECT 1;\n${command}\n`)).toMatch(
      /^m\.sql: line 2: psql's own commands do not work here: \\/,
    );
    expect(refusal(`SELECT 1;\n${command}\n`)).toMatch(reason);
  });

  test("are not recognized in a body, a string or a comment", () => {
    const text =
      "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$\n\\i is no command\n$$;\nSELECT E'\n\\\\d';\n/*\n\\q\n*/\nSELECT 1;";
    expect(read(text)).toMatchObject({ notices: [], syntax: [], steps: [{ statements: [{}, {}, {}] }] });
  });
});

describe("lines and columns are right after characters of more than one byte or more than one unit", () => {
  const ROCKETS = "SELECT '🚀🚀🚀';\n-- ü 🚀\n\n";
  test("of statements", () => {
    expect(
      splitStatements(`${ROCKETS}SELECT '🚀', 1;\nSELECT 2;`, 1).map(({ sql, line }) => [sql, line]),
    ).toEqual([
      ["SELECT '🚀🚀🚀'", 1],
      ["SELECT '🚀', 1", 4],
      ["SELECT 2", 5],
    ]);
  });

  test("of mistakes in statements that start in the middle of a line", () => {
    const text =
      "SELECT '🚀'; SELEC 2; SELECT 3; /* 🚀 */ SELEC 4;\n  SELEC 5; -- x\n\tSELECT\n  FORM FORM t;";
    expect(read(text).syntax.map(({ where }) => where)).toEqual([
      "line 1, column 13",
      "line 1, column 40",
      "line 2, column 3",
      "line 4, column 13",
    ]);
  });

  test("of an unclosed comment, whose SQL would not run", () => {
    expect(read("SELECT 1; /* open\nDROP TABLE t;").syntax[0]?.message).toMatch(
      /^m\.sql: line 1, column 11: unterminated \/\* comment/,
    );
  });

  test("of invisible mistakes", () => {
    expect(read("SELECT 1;\nCREATE\u00a0TABLE t ();").syntax[0]?.message).toMatch(
      /^m\.sql: line 2, column 1: .*invisible character U\+00A0/,
    );
  });

  test("of mistakes", () => {
    const [mistake] = read(`${ROCKETS}SELECT '🚀ü',\n  '🚀' FORM t;`).syntax;
    expect(mistake?.message).toMatch(/^m\.sql: line 5, column 12: syntax error at or near "t"/);
    expect(syntaxProblem({ sql: "SELECT '🚀' AS 🚀x, SELEC 1 1;", line: 7 })).toMatchObject({
      line: 7,
      column: 25,
    });
  });
});
