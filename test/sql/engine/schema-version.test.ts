import { beforeEach, describe, expect, test } from "vitest";
import { addVersion, removeVersion } from "../../../lambdas/migrate/schema-version.ts";
import { useEmbedded } from "../../support/embedded.ts";

const session = useEmbedded("");
beforeEach(() => session.exec("DROP TABLE IF EXISTS v"));

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
    await session.exec(await addVersion(session, "v", "006", "The 'title'"));
    await session.exec(await addVersion(session, "v", "006", "The 'title'"));
    expect(await session.query("SELECT version FROM v")).toEqual([{ version: stored }]);
    await session.exec(await removeVersion(session, "v", "006"));
    expect(await session.query("SELECT version FROM v")).toEqual([]);
  });
});

test("a required column that nothing is known to put into is named", async () => {
  await session.exec("CREATE TABLE v (version text, approved_by text NOT NULL)");
  await expect(addVersion(session, "v", "006", "t")).rejects.toThrow(
    "v.approved_by must have a value and has no default",
  );
});

test("a table without a version, and no table at all, are told apart", async () => {
  await expect(addVersion(session, "v", "006", "t")).rejects.toThrow("There is no table v");
  await session.exec("CREATE TABLE v (id int)");
  await expect(addVersion(session, "v", "006", "t")).rejects.toThrow("no column named version");
});
