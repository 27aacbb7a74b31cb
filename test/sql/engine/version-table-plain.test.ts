import { beforeEach, describe, expect, test } from "vitest";
import { adding, removing, versionTable } from "../../../lambdas/version-table/plain.ts";
import { useEmbedded } from "../../support/embedded.ts";

const session = useEmbedded("");
beforeEach(() => session.exec("DROP TABLE IF EXISTS v"));

const add = async (version: string, title: string) =>
  adding(await versionTable(session, "v"), version, title);
const remove = async (version: string) => removing(await versionTable(session, "v"), version);

describe("a migration's version is noted and taken back", () => {
  test.each([
    ["text alone", "version text PRIMARY KEY", "006"],
    [
      "varchar with a name and a time",
      "version varchar(10) PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now()",
      "006",
    ],
    ["a number", "version int PRIMARY KEY", 6],
    [
      "a big number behind an identity",
      "id int GENERATED ALWAYS AS IDENTITY, version bigint NOT NULL, description varchar(255) NOT NULL",
      "6",
    ],
    [
      "a column of a hostile name",
      `version text, "Title" text NOT NULL DEFAULT '', "a ""b"" ; DROP TABLE v" int`,
      "006",
    ],
  ])("as %s", async (_what, columns, stored) => {
    await session.exec(`CREATE TABLE v (${columns})`);
    await session.exec(await add("006", "The 'title'"));
    await session.exec(await add("006", "The 'title'"));
    expect(await session.query("SELECT version FROM v")).toEqual([{ version: stored }]);
    await session.exec(await remove("006"));
    expect(await session.query("SELECT version FROM v")).toEqual([]);
  });
});

test.each([
  [
    "golang-migrate's",
    "version bigint PRIMARY KEY, dirty boolean NOT NULL",
    "006",
    { version: "6", dirty: false },
  ],
  [
    "one with an outcome",
    "version text PRIMARY KEY, success boolean NOT NULL",
    "69.1",
    { version: "69.1", success: true },
  ],
  ["one of numbers", "version numeric PRIMARY KEY", "69.1", { version: "69.1" }],
  ["one with a domain", "version stamp PRIMARY KEY", "2026-01-28", { version: "2026-01-28" }],
])("a table of this kind is filled as its tool would: %s", async (_what, columns, version, row) => {
  await session.exec(`CREATE DOMAIN stamp AS varchar(10); CREATE TABLE v (${columns})`);
  try {
    await session.exec(await add(version, "t"));
    expect(await session.query("SELECT * FROM v")).toEqual([row]);
    await session.exec(await remove(version));
    expect(await session.query("SELECT * FROM v")).toEqual([]);
  } finally {
    await session.exec("DROP TABLE v; DROP DOMAIN stamp");
  }
});

test.each(["varchar(10)", "char(10)", "stamp"])(
  "a version is never cut to the length of %s",
  async (type) => {
    await session.exec(`CREATE DOMAIN stamp AS varchar(10); CREATE TABLE v (version ${type} PRIMARY KEY)`);
    try {
      await expect(session.exec(await add("20260128115414", "t"))).rejects.toThrow("value too long");
      await session.exec("INSERT INTO v VALUES ('2026012811')");
      await session.exec(await remove("20260128115414"));
      expect(await session.query("SELECT version FROM v")).toEqual([{ version: "2026012811" }]);
    } finally {
      await session.exec("DROP TABLE v; DROP DOMAIN stamp");
    }
  },
);

test("001 and 1 are two versions in text, and one in numbers", async () => {
  await session.exec("CREATE TABLE v (version text PRIMARY KEY)");
  for (const version of ["001", "1"]) await session.exec(await add(version, "t"));
  await session.exec(await remove("1"));
  expect(await session.query("SELECT version FROM v")).toEqual([{ version: "001" }]);
  await session.exec("DROP TABLE v; CREATE TABLE v (version int PRIMARY KEY)");
  for (const version of ["001", "1"]) await session.exec(await add(version, "t"));
  expect(await session.query("SELECT version FROM v")).toEqual([{ version: 1 }]);
});

test("a required column that nothing is known to put into is named", async () => {
  await session.exec("CREATE TABLE v (version text, approved_by text NOT NULL)");
  await expect(add("006", "t")).rejects.toThrow("v.approved_by must have a value and has no default");
});

test("a table without a version is distinguished from a missing table", async () => {
  await expect(add("006", "t")).rejects.toThrow("Table v, which notes the schema's version, does not exist");
  await session.exec("CREATE TABLE v (id int)");
  await expect(add("006", "t")).rejects.toThrow("no column named version");
});
