import { expect, test } from "vitest";
import { loadPlan } from "../../../lib/plan/compile.ts";
import { serverWide } from "../../../lib/plan/server-wide.ts";
import { changedPlan, TINY_PLAN } from "../../support/rehearsal.ts";

const found = async (sql: string) => {
  const directory = await changedPlan({
    "003_labels/rollback.sql": (text) =>
      `-- sluice: step "server"\n${sql};\n-- sluice: step "rest"\n${text.replace(/^-- sluice: step.*$/gm, "")}`,
  });
  return await serverWide((await loadPlan(directory)).plan);
};

test.each([
  ["CREATE ROLE r", "creates a role"],
  ["CREATE USER r", "creates a role"],
  ["ALTER ROLE r BYPASSRLS", "changes a role"],
  ["ALTER ROLE ALL SET work_mem = '1MB'", "changes a role's settings"],
  ["DROP ROLE IF EXISTS r", "drops a role"],
  ["GRANT a TO b WITH ADMIN OPTION", "makes a role a member of another, or ends that"],
  ["REVOKE a FROM b", "makes a role a member of another, or ends that"],
  ["ALTER ROLE r RENAME TO s", "changes a role"],
  ["COMMENT ON ROLE r IS 'x'", "changes a role"],
  ["ALTER DATABASE d SET work_mem = '1MB'", "changes a database's settings by its name"],
  ["ALTER DATABASE d OWNER TO r", "changes a database by its name"],
  ["GRANT CREATE ON DATABASE d TO r", "grants or revokes rights on a database by its name"],
  ["GRANT SET ON PARAMETER log_statement TO r", "grants or revokes rights on a parameter of the server"],
  ["REASSIGN OWNED BY a TO b", "gives away all that a role owns, including databases"],
  ["DO $$ BEGIN EXECUTE 'create  user x'; END $$", 'has "create user" in a DO'],
])("%s changes the server itself, and is found with its file and line", async (sql, does) => {
  expect(await found(sql)).toEqual([{ path: "003_labels/rollback.sql", line: 2, does }]);
});

test.each([
  "GRANT SELECT ON note TO notes_app",
  "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO notes_app",
  "ALTER TABLE note OWNER TO notes_owner",
  "COMMENT ON TABLE note IS 'CREATE ROLE'",
  "DO $$ BEGIN -- no CREATE ROLE here\n PERFORM 1; END $$",
])("%s does not", async (sql) => {
  expect(await found(sql)).toEqual([]);
});

test("the tiny plan changes nothing of it", async () => {
  expect(await serverWide((await loadPlan(TINY_PLAN)).plan)).toEqual([]);
});
