import { afterEach, describe, expect, test } from "vitest";
import { inspectVersion } from "../../../lambdas/preflight/inspect-version.ts";
import type { Migration } from "../../../lambdas/shared/plan.ts";
import { useEmbedded } from "../../support/embedded.ts";
import { memoryPorts } from "../../support/ports.ts";

const session = useEmbedded("CREATE ROLE mig");
afterEach(() => session.exec("RESET ROLE; DROP TABLE IF EXISTS v"));

/** Returns preflight's checks for a plan of these versions, with a table of this shape and with these rows. */
const checks = async (
  columns: string,
  rows: readonly string[],
  expectedVersion: string,
  versions: readonly string[] = ["9000"],
) => {
  await session.exec(`CREATE TABLE v (${columns})`);
  for (const row of rows) await session.exec(`INSERT INTO v VALUES (${row})`);
  return await found(expectedVersion, versions);
};
const found = async (expectedVersion: string, versions: readonly string[] = ["9000"]) => {
  const migrations = versions.map((version) => ({ version, title: `t ${version}` }) as Migration);
  const { plan } = memoryPorts({ plan: { schema: { table: "v", expectedVersion }, migrations } });
  return await inspectVersion(session, plan);
};
const one = (all: Awaited<ReturnType<typeof checks>>, name: string) =>
  all.find((check) => check.name === name);
const text = "version text PRIMARY KEY";

describe("the newest version must be the expected one", () => {
  test.each([
    ["1.10 where 1.9 is there", text, ["'1.2'", "'1.9'", "'1.10'"], "1.10", true],
    ["1.3, which was never there", text, ["'1.2'", "'1.9'", "'1.10'"], "1.3", false],
    ["1.9, which is not the newest", text, ["'1.2'", "'1.9'", "'1.10'"], "1.9", false],
    ["1, where only the first digits agree", text, ["'1.2'"], "1", false],
    ["005 as 005", text, ["'004'", "'005'"], "005", true],
    ["005 as 5, in text", text, ["'004'", "'005'"], "5", false],
    ["005 as 5, in numbers", "version int", ["4", "5"], "005", true],
    ["1.9 in numbers, where 1.10 is 1.1", "version numeric", ["1.2", "1.9", "1.10"], "1.9", true],
    [
      "a stamp of 20 digits",
      text,
      ["'20260128115414000001'", "'20260128115414000002'"],
      "20260128115414000002",
      true,
    ],
    [
      "a stamp of 20 digits that differs in the last",
      text,
      ["'20260128115414000001'", "'20260128115414000002'"],
      "20260128115414000001",
      false,
    ],
    ["a date and a time", text, ["'2026-01-28-115414'", "'2025-12-31-235959'"], "2026-01-28-115414", true],
    ["the only revision", text, ["'ae1027a6acf'"], "ae1027a6acf", true],
    ["another revision", text, ["'ae1027a6acf'"], "be1027a6acf", false],
    [
      "the revision that was applied last",
      "version text, applied_at timestamptz",
      ["'ff10', '2026-01-01'", "'ae1027a6acf', '2026-02-01'"],
      "ae1027a6acf",
      true,
    ],
    [
      "a revision that was applied before",
      "version text, applied_at timestamptz",
      ["'ff10', '2026-01-01'", "'ae1027a6acf', '2026-02-01'"],
      "ff10",
      false,
    ],
    [
      "one by its rank, not by its outcome",
      "rank int, success int, version text",
      ["1, 1, 'ff10'", "2, 1, 'ae10'"],
      "ae10",
      true,
    ],
    ["a revision by its rank", "rank int, version text", ["1, 'ff10'", "2, 'ae10'"], "ae10", true],
    ["one without a version counts for nothing", "version text", ["'1'", "NULL"], "1", true],
  ])("%s", async (_what, columns, rows, expected, passed) => {
    expect(one(await checks(columns, rows, expected), "schema version")).toMatchObject({ passed });
  });

  test.each([
    ["revisions in no order", text, ["'ff10'", "'ae10'"], "ff10"],
    [
      "two applied at one time",
      "version text, at date",
      ["'ff10', '2026-01-01'", "'ae10', '2026-01-01'"],
      "ff10",
    ],
    ["1 and 001 in text", text, ["'1'", "'001'"], "1"],
  ])("nothing is guessed for %s", async (_what, columns, rows, expected) => {
    const check = one(await checks(columns, rows, expected), "schema version");
    expect(check).toMatchObject({
      passed: false,
      seen: expect.stringContaining("the newest cannot be determined"),
    });
  });

  test("an empty table is distinguished from a missing one", async () => {
    expect(one(await found("1"), "schema version")?.seen).toBe("table v does not exist");
    expect(one(await checks(text, [], "1"), "schema version")?.seen).toBe("no row");
  });

  test("a version in the wrong spelling is reported with the right one", async () => {
    expect(one(await checks(text, ["'005'"], "5"), "schema version")?.mend).toContain(
      "write expectedVersion",
    );
  });
});

describe("a row of a migration that failed is refused", () => {
  test.each([
    ["version bigint, dirty boolean", ["5, true"], "5 (dirty: true)"],
    ["version text, success boolean", ["'4', false", "'5', true"], "4 (success: false)"],
    ["version text, success boolean", ["'5', NULL"], "5 (success: null)"],
    ["version text, success smallint", ["'4', 0", "'5', 1"], "4 (success: 0)"],
    ["version bigint, dirty int", ["5, 1"], "5 (dirty: 1)"],
    ["version text, success bit(1)", ["'5', B'0'"], "5 (success: 0)"],
    ["version text, failed varchar(5)", ["'5', 'True'"], "5 (failed: True)"],
    ["version text, success boolean", ["'5', true", "NULL, false"], "one without a version (success: false)"],
  ])("in a table of %s", async (columns, rows, seen) => {
    expect(one(await checks(columns, rows, "5"), "failed versions")).toMatchObject({ passed: false, seen });
  });

  test.each([
    ["version bigint, dirty boolean", "5, false"],
    ["version bigint, success int", "5, 1"],
    ["version text, dirty text", "'5', 'no'"],
  ])("and none where all went well, in a table of %s", async (columns, row) => {
    expect(one(await checks(columns, [row], "5"), "failed versions")).toBeUndefined();
  });
});

describe("whether the plan's versions can be written is tried, and leaves nothing", () => {
  const writing = async (...given: Parameters<typeof checks>) =>
    one(await checks(...given), "writing versions");

  test("what can be written passes", async () => {
    expect(await writing(text, ["'1'"], "1", ["2", "69.1", "ae1027a6acf"])).toMatchObject({ passed: true });
    expect(await session.query("SELECT version FROM v")).toEqual([{ version: "1" }]);
  });

  test.each([
    ["letters in numbers", "version int", "1", ["2", "ae10"], /ae10 cannot be noted: .*integer/],
    [
      "20 digits in bigint",
      "version bigint",
      "1",
      ["20260128115414000001"],
      /cannot be noted: .*out of range/,
    ],
    ["a fraction in whole numbers", "version numeric(5,0)", "1", ["69.1"], /holds another value/],
    [
      "1 and 001 in numbers",
      "version int",
      "0",
      ["1", "001"],
      /001 is the same as an earlier version to its column/,
    ],
    [
      "two stamps that a float holds as one",
      "version float8",
      "1",
      ["20260128115414000001", "20260128115414000002"],
      /is the same as an earlier version to its column/,
    ],
    ["a text that is too long", "version varchar(5)", "1", ["2026-01-28"], /value too long/],
    ["a constraint", "version text CHECK (version < '5')", "1", ["7"], /check constraint/],
    [
      "a column without a default",
      "version text, approved_by text NOT NULL DEFAULT 'x'",
      "1",
      ["7"],
      undefined,
    ],
  ])("%s", async (_what, columns, first, versions, why) => {
    const check = await writing(columns, [`'${first}'`], first, versions);
    if (why === undefined) expect(check).toMatchObject({ passed: true });
    else expect(check).toMatchObject({ passed: false, seen: expect.stringMatching(why) });
  });

  test("a column without a known value is named", async () => {
    await session.exec(
      "CREATE TABLE v (version text, approved_by text NOT NULL); INSERT INTO v VALUES ('1', 'x')",
    );
    expect(one(await found("1"), "writing versions")?.seen).toContain(
      "public.v.approved_by must have a value",
    );
  });

  test("a right that is missing is found", async () => {
    await session.exec(
      `CREATE TABLE v (${text}); INSERT INTO v VALUES ('1'); GRANT SELECT, INSERT ON v TO mig; SET ROLE mig`,
    );
    expect(one(await found("1"), "writing versions")?.seen).toMatch(
      /9000 cannot be taken back: permission denied/,
    );
  });

  test.each([
    ["raises", "BEFORE INSERT", "RAISE EXCEPTION 'frozen'; RETURN NULL", /cannot be noted: frozen/],
    ["keeps the row out", "BEFORE INSERT", "RETURN NULL", /was noted but is missing/],
    ["writes another", "BEFORE INSERT", "NEW.version := 'x'; RETURN NEW", /was noted but is missing/],
    ["keeps the row in", "BEFORE DELETE", "RETURN NULL", /was taken back but is still there/],
  ])("a trigger that %s is found", async (_what, when, body, seen) => {
    await session.exec(`CREATE TABLE v (${text}); INSERT INTO v VALUES ('1');
      CREATE OR REPLACE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body}; END $$;
      CREATE TRIGGER guard ${when} ON v FOR EACH ROW EXECUTE FUNCTION guard()`);
    expect(one(await found("1"), "writing versions")).toMatchObject({
      passed: false,
      seen: expect.stringMatching(seen),
    });
    expect(await session.query("SELECT version FROM v")).toEqual([{ version: "1" }]);
  });

  test("a constraint that is checked at the end of the transaction is found", async () => {
    await session.exec(`CREATE TABLE v (${text}); INSERT INTO v VALUES ('1');
      CREATE OR REPLACE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'too late'; END $$;
      CREATE CONSTRAINT TRIGGER late AFTER INSERT ON v DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION late()`);
    expect(one(await found("1"), "writing versions")?.seen).toContain(
      "a deferred constraint refuses them: too late",
    );
  });

  test("a trigger that reaches outside is not fired", async () => {
    await session.exec(`CREATE TABLE v (${text}); INSERT INTO v VALUES ('1');
      CREATE OR REPLACE FUNCTION calls() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM dblink_exec('x', 'y'); RETURN NEW; END $$;
      CREATE TRIGGER calls BEFORE INSERT ON v FOR EACH ROW EXECUTE FUNCTION calls()`);
    expect(one(await found("1"), "writing versions")).toMatchObject({
      passed: null,
      seen: "not tested: trigger calls reaches outside",
    });
  });

  test("a version of the plan that is already there is refused: a rollback would delete another tool's row", async () => {
    expect(await writing("version int", ["1", "6", "9"], "9", ["006", "10"])).toMatchObject({
      passed: false,
      seen: "006 is already there",
    });
  });
});
