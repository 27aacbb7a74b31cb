import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { onServer } from "../../support/native.ts";
import { useDatabase } from "./database.ts";

// A plan's steps are done as the role that it names; the ledger is for the one that logged in.

const ROLE = "run-as Owner";
const OTHER = "run_as_other";
beforeAll(() =>
  onServer((s) =>
    s.exec(
      `DROP ROLE IF EXISTS "${ROLE}", ${OTHER}; CREATE ROLE "${ROLE}"; CREATE ROLE ${OTHER}; GRANT ${OTHER} TO "${ROLE}"`,
    ),
  ),
);
afterAll(() => onServer((s) => s.exec(`DROP ROLE "${ROLE}", ${OTHER}`)));

const db = useDatabase(`
  GRANT CREATE ON SCHEMA public TO PUBLIC;
  CREATE TABLE mine (id int PRIMARY KEY, n int); ALTER TABLE mine OWNER TO "${ROLE}"; INSERT INTO mine VALUES (1, 1);
  CREATE TABLE theirs (id int); CREATE INDEX theirs_id ON theirs (id)`);
const owners = () =>
  db.query(
    "SELECT relname AS name, pg_get_userbyid(relowner) AS owner FROM pg_class WHERE relname LIKE 'made%' ORDER BY 1",
  );

describe("steps under runAs", () => {
  test("make what they make as that role, whatever roles they take on meanwhile", async () => {
    await db.apply(
      `-- sluice: step "plain"
CREATE TABLE made_1 (id int); CREATE TABLE made_2 (id int); CREATE INDEX made_2_i ON made_2 (id);
-- sluice: step "another role meanwhile"
CREATE TABLE made_3 (id int);
SET LOCAL ROLE ${OTHER};
CREATE TABLE made_4 (id int); CREATE TABLE made_5 (id int);
RESET ROLE;
CREATE TABLE made_6 (id int);
-- sluice: step "outside" outside transaction
CREATE INDEX CONCURRENTLY made_7 ON mine (n);
-- sluice: step "in batches" in batches
UPDATE mine SET n = n + 1;
-- sluice: step "after that"
CREATE TABLE made_8 (id int);`,
      { runAs: ROLE, noticesRewrites: true },
    );
    expect(await owners()).toEqual(
      [ROLE, ROLE, ROLE, ROLE, OTHER, OTHER, ROLE, ROLE, ROLE].map((owner, at) => ({
        name: ["made_1", "made_2", "made_2_i", "made_3", "made_4", "made_5", "made_6", "made_7", "made_8"][
          at
        ],
        owner,
      })),
    );
    expect(await db.done()).toHaveLength(5);
    expect(await db.query("SELECT n FROM mine")).toEqual([{ n: 2 }]);
  });

  test.each([
    ["in a transaction", "ALTER TABLE theirs ADD COLUMN n int;"],
    ["outside of one", "DROP INDEX CONCURRENTLY IF EXISTS theirs_id;"],
  ])("may do no more than that role, and the ledger has the failure: %s", async (_what, sql) => {
    const mark = sql.includes("CONCURRENTLY") ? " outside transaction" : "";
    await expect(db.apply(`-- sluice: step "not mine"${mark}\n${sql}`, { runAs: ROLE })).rejects.toThrow(
      /must be owner of/,
    );
    expect(await db.query("SELECT outcome FROM sluice.step")).toEqual([{ outcome: "failed" }]);
  });
});
