import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Migration } from "../../../lambdas/shared/plan.ts";
import { parseSqlFile } from "../../../lib/plan/sql-file.ts";
import { EmbeddedInstances } from "../../../local/embedded-instances.ts";
import { type Copy, copyIn } from "../../../local/rollback/copy.ts";
import { isGenerated } from "../../../local/rollback/file.ts";
import { makeRollback } from "../../../local/rollback/make.ts";
import { BASELINE, CASES } from "./cases.ts";

const instances = new EmbeddedInstances("owner");
let copy: Copy;
beforeAll(async () => {
  await instances.createFromBaseline("production", [{ path: "baseline.sql", sql: BASELINE }], ["pg_trgm"]);
  await instances
    .withSession({ host: "production" }, (session) => session.exec("DROP EXTENSION IF EXISTS pg_trgm"))
    .catch(() => undefined);
  copy = copyIn({
    instances,
    databases: instances,
    instance: "production",
    database: "postgres",
    applicationUrl: undefined,
    leases: undefined,
    close: async () => [],
  });
});
afterAll(() => instances.close());

const migrationOf = (sql: string): Migration => ({
  version: "2",
  folder: "2_x",
  title: "x",
  expectedMinutes: 1,
  checklist: [],
  migrate: parseSqlFile("2_x/migrate.sql", sql),
  validate: { path: "2_x/validate.sql", checks: [] },
  rollback: { path: "2_x/rollback.sql", checksum: "", steps: [] },
});

describe("the rollback that is made is tried, and reports what does not hold or cannot be known:", () => {
  test.each(CASES)("$what", async ({ sql, wrong, unknown }) => {
    const made = await makeRollback(copy, migrationOf(sql), ["web"]);
    if (wrong === undefined) expect(made.wrong, made.text).toEqual([]);
    else expect(made.wrong.join("\n"), made.text).toContain(wrong);
    if (unknown === undefined) expect(made.unknown).toEqual([]);
    else expect(made.unknown.join("\n")).toContain(unknown);
    expect(isGenerated(made.text)).toBe(true);
    expect(isGenerated(made.text.replaceAll("\n", "\r\n"))).toBe(true);
    expect(isGenerated(`${made.text}-- by hand\n`)).toBe(false);
    expect(parseSqlFile("2_x/rollback.sql", made.text).steps).toHaveLength(1);
  });
});

test("what the rows of a table that its owner may not read become is not claimed", async () => {
  const forced =
    "ALTER TABLE app.task FORCE ROW LEVEL SECURITY; ALTER TABLE app.task ENABLE ROW LEVEL SECURITY";
  const back = "ALTER TABLE app.task NO FORCE ROW LEVEL SECURITY";
  await copy.withSession((session) => session.exec(forced));
  const made = await makeRollback(copy, migrationOf("ALTER TABLE app.task ADD COLUMN more int"), ["web"]);
  await copy.withSession((session) => session.exec(back));
  expect(made.wrong).toEqual([]);
  expect(made.unknown).toEqual([expect.stringContaining("The rows of app.task were not compared")]);
});

test("a sequence that is made again belongs to the owner of its table", async () => {
  const theirs =
    "CREATE TABLE app.theirs (id serial); GRANT CREATE ON SCHEMA app TO web; ALTER TABLE app.theirs OWNER TO web";
  const drops = "ALTER TABLE app.theirs ALTER id DROP DEFAULT; DROP SEQUENCE app.theirs_id_seq";
  await copy.withSession((session) => session.exec(theirs));
  const made = await makeRollback(copy, migrationOf(drops), ["web"]);
  await copy.withSession((session) =>
    session.exec("DROP TABLE app.theirs; REVOKE CREATE ON SCHEMA app FROM web"),
  );
  expect(made.wrong, made.text).toEqual([]);
});
