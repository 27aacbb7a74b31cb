import { afterEach, beforeEach, describe, expect, test } from "vitest";
import * as z from "zod";
import { inspectRights } from "../../../lambdas/preflight/inspect-rights.ts";
import { FINAL } from "../../../lambdas/shared/errors.ts";
import { DONE, invoke, runFields, type Task } from "../../../lambdas/shared/task.ts";
import { parseSqlFile } from "../../../lib/plan/sql-file.ts";
import { useEmbedded } from "../../support/embedded.ts";
import { memoryPorts, tinyMigration } from "../../support/ports.ts";

const session = useEmbedded(`
  CREATE ROLE mig; CREATE ROLE other; CREATE ROLE app LOGIN; CREATE ROLE checker;
  GRANT mig, other TO CURRENT_USER;
  DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO mig', current_database()); END $$;
  GRANT app, pg_read_all_stats TO mig;
  SET ROLE mig; CREATE TABLE public.mine (id int); RESET ROLE`);

beforeEach(() => session.exec("BEGIN"));
afterEach(() => session.exec("ROLLBACK"));

const rights = async (plan: Parameters<typeof memoryPorts>[0] = {}) => {
  await session.exec("SET ROLE mig");
  return await inspectRights(session, memoryPorts(plan));
};
const named = async (name: string, plan?: Parameters<typeof memoryPorts>[0]) =>
  (await rights(plan)).find((check) => check.name === name);

/** A plan of one migration of one step with these statements. */
function planOfOne(sql: string) {
  const mark = sql.startsWith("CLUSTER") ? "rewrites" : "";
  const migrate = parseSqlFile("migrate.sql", `-- sluice: step "one" ${mark}\n\n${sql};\n`);
  return { plan: { migrations: [{ ...tinyMigration("001", "one"), migrate }] } };
}

test("a role that owns everything lacks nothing", async () => {
  expect((await rights()).map(({ passed }) => passed)).toEqual([true, true, true]);
});

describe("what a run reads is found before it reads it, with the SQL that helps", () => {
  test.each([
    [
      "another's table without a grant",
      "CREATE TABLE t (id int); ALTER TABLE t OWNER TO other",
      "public.t cannot be read",
      "GRANT SELECT ON TABLE public.t TO mig;",
    ],
    [
      "a name that needs quotes",
      'CREATE TABLE "a;b" (id int); ALTER TABLE "a;b" OWNER TO other',
      'public."a;b" cannot be read',
      'GRANT SELECT ON TABLE public."a;b" TO mig;',
    ],
    [
      "a partition whose parent alone is granted",
      `CREATE TABLE p (id int) PARTITION BY LIST (id); CREATE TABLE p1 PARTITION OF p DEFAULT;
       ALTER TABLE p OWNER TO other; ALTER TABLE p1 OWNER TO other; GRANT SELECT ON p TO mig`,
      "public.p1 cannot be read",
      "GRANT SELECT ON TABLE public.p1 TO mig;",
    ],
    [
      "a table with a grant on one column only",
      "CREATE TABLE t (id int, secret text); ALTER TABLE t OWNER TO other; GRANT SELECT (id) ON t TO mig",
      "public.t cannot be read",
      "GRANT SELECT ON TABLE public.t TO mig;",
    ],
    [
      "a schema that cannot be looked into",
      "CREATE SCHEMA shut; CREATE TABLE shut.t (id int); GRANT SELECT ON shut.t TO mig",
      "schema shut cannot be used",
      "GRANT USAGE ON SCHEMA shut TO mig;",
    ],
    [
      "FORCE ROW LEVEL SECURITY, which holds for the owner too",
      "ALTER TABLE mine ENABLE ROW LEVEL SECURITY; ALTER TABLE mine FORCE ROW LEVEL SECURITY",
      "FORCE ROW LEVEL SECURITY of public.mine hides rows from its owner too",
      "ALTER TABLE public.mine NO FORCE ROW LEVEL SECURITY;",
    ],
    [
      "row-level security of another's table",
      "CREATE TABLE t (id int); ALTER TABLE t OWNER TO other; GRANT SELECT ON t TO mig; ALTER TABLE t ENABLE ROW LEVEL SECURITY",
      "row-level security of public.t hides rows",
      "GRANT other TO mig;",
    ],
    [
      "forced row-level security of another's table",
      `CREATE TABLE t (id int); ALTER TABLE t OWNER TO other; GRANT SELECT ON t TO mig;
       ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t FORCE ROW LEVEL SECURITY`,
      "row-level security of public.t hides rows",
      "GRANT other TO mig; ALTER TABLE public.t NO FORCE ROW LEVEL SECURITY;",
    ],
    [
      "row-level security of a superuser's table: a grant of its rights is never advised",
      "CREATE TABLE t (id int); GRANT SELECT ON t TO mig; ALTER TABLE t ENABLE ROW LEVEL SECURITY",
      "row-level security of public.t hides rows",
      "ALTER ROLE mig BYPASSRLS;",
    ],
  ])("%s", async (_, sql, seen, helps) => {
    await session.exec(sql);
    const found = await named("rights to read");
    expect(found).toMatchObject({ passed: false, seen });
    expect(found?.mend).toContain(helps);
    // Pasted, the fix works.
    await session.exec(`RESET ROLE; ${found?.mend.replace(/^[^:]*: /, "")}`);
    expect(await named("rights to read")).toMatchObject({ passed: true });
  });

  test("row-level security does not hinder its owner, nor a role with BYPASSRLS", async () => {
    await session.exec(
      `ALTER TABLE mine ENABLE ROW LEVEL SECURITY; ALTER ROLE mig BYPASSRLS;
       CREATE TABLE t (id int); ALTER TABLE t OWNER TO other; GRANT SELECT ON t TO mig; ALTER TABLE t FORCE ROW LEVEL SECURITY`,
    );
    expect(await named("rights to read")).toMatchObject({ passed: true });
  });

  test("where the application logs in as the owner, FORCE stays, and the migrating role passes by it", async () => {
    await session.exec(
      `GRANT other TO mig; CREATE TABLE t (id int); ALTER TABLE t OWNER TO other;
       ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t FORCE ROW LEVEL SECURITY`,
    );
    const plan = { plan: { applicationRoles: ["other"] } };
    const found = await named("rights to read", plan);
    expect(found).toMatchObject({
      passed: false,
      seen: "FORCE ROW LEVEL SECURITY of public.t hides rows from its owner too",
    });
    expect(found?.mend).toContain("ALTER ROLE mig BYPASSRLS;");
    expect(found?.mend).not.toContain("NO FORCE");
    await session.exec(`RESET ROLE; ${found?.mend.replace(/^[^:]*: /, "")}`);
    expect(await named("rights to read", plan)).toMatchObject({ passed: true });
  });

  test("a migration that forces row-level security is named with its line, before anything is copied", async () => {
    const forcing = planOfOne(
      "ALTER TABLE mine ENABLE ROW LEVEL SECURITY;\nALTER TABLE mine FORCE ROW LEVEL SECURITY",
    );
    expect(await named("rights to read", forcing)).toMatchObject({
      passed: false,
      seen: "migrate.sql:4 forces row-level security on the owner of mine, which hides rows from this role too",
      mend: expect.stringContaining("ALTER ROLE mig BYPASSRLS;"),
    });
    // Nothing is hidden while it is not enabled, nor when it is taken off again.
    expect(
      await named("rights to read", planOfOne("ALTER TABLE mine FORCE ROW LEVEL SECURITY")),
    ).toMatchObject({
      passed: true,
    });
    const takenOff = planOfOne(
      "ALTER TABLE mine ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;\nALTER TABLE mine NO FORCE ROW LEVEL SECURITY",
    );
    expect(await named("rights to read", takenOff)).toMatchObject({ passed: true });
    await session.exec("RESET ROLE; ALTER ROLE mig BYPASSRLS");
    expect(await named("rights to read", forcing)).toMatchObject({ passed: true });
  });

  test("all of it is named at once", async () => {
    await session.exec(
      "CREATE TABLE a (id int); CREATE TABLE b (id int); ALTER TABLE a OWNER TO other; ALTER TABLE b OWNER TO other",
    );
    expect(await named("rights to read")).toMatchObject({
      seen: "public.a cannot be read; public.b cannot be read",
    });
  });
});

describe("what stays unread is reported as not proven, and never refused", () => {
  test.each([
    [
      "a sequence",
      "CREATE SEQUENCE s; ALTER SEQUENCE s OWNER TO other",
      "sequence public.s",
      "GRANT SELECT ON SEQUENCE public.s TO mig;",
    ],
    [
      "a materialized view",
      "CREATE MATERIALIZED VIEW v AS SELECT 1 AS one; ALTER MATERIALIZED VIEW v OWNER TO other",
      "materialized view public.v",
      "GRANT SELECT ON TABLE public.v TO mig;",
    ],
    [
      "a large object",
      "SELECT lo_create(4711)",
      "1 large objects",
      "GRANT SELECT ON LARGE OBJECT 4711 TO mig;",
    ],
    [
      "the age of others' transactions",
      "REVOKE pg_read_all_stats FROM mig",
      "the age of other roles' transactions",
      "GRANT pg_read_all_stats TO mig;",
    ],
  ])("%s", async (_, sql, seen, helps) => {
    await session.exec(sql);
    const found = await named("what stays unread");
    expect(found).toMatchObject({ passed: null, seen });
    expect(found?.mend).toContain(helps);
    await session.exec(`RESET ROLE; ${helps}`);
    expect(await named("what stays unread")).toMatchObject({ passed: true });
  });
});

describe("a right that a later state needs", () => {
  const OTHERS =
    "CREATE TABLE theirs (id int PRIMARY KEY); ALTER TABLE theirs OWNER TO other; GRANT SELECT ON theirs TO mig; ALTER SCHEMA public OWNER TO other; GRANT USAGE, CREATE ON SCHEMA public TO mig";
  test.each([
    ["ALTER TABLE theirs ADD COLUMN a int", "public.theirs belongs to another role", "GRANT other TO mig;"],
    [
      "-- quickly\nCREATE INDEX i ON theirs (id)",
      "public.theirs belongs to another role",
      "GRANT other TO mig;",
    ],
    ["UPDATE theirs SET id = 2", "no UPDATE on public.theirs", "GRANT UPDATE ON TABLE public.theirs TO mig;"],
    [
      "ALTER TABLE theirs RENAME COLUMN id TO key",
      "public.theirs belongs to another role",
      "GRANT other TO mig;",
    ],
    [
      "ALTER TABLE public.theirs SET SCHEMA later",
      "public.theirs belongs to another role",
      "GRANT other TO mig;",
    ],
    ["COMMENT ON COLUMN theirs.id IS 'key'", "public.theirs belongs to another role", "GRANT other TO mig;"],
    [
      "WITH gone AS (DELETE FROM theirs RETURNING id) SELECT id FROM gone",
      "no DELETE on public.theirs",
      "GRANT DELETE ON TABLE public.theirs TO mig;",
    ],
    ["DELETE FROM theirs", "no DELETE on public.theirs", "GRANT DELETE ON TABLE public.theirs TO mig;"],
    [
      "INSERT INTO theirs VALUES (2)",
      "no INSERT on public.theirs",
      "GRANT INSERT ON TABLE public.theirs TO mig;",
    ],
    [
      "CREATE TABLE fresh (id int REFERENCES theirs)",
      "no REFERENCES on public.theirs",
      "GRANT REFERENCES ON TABLE public.theirs TO mig;",
    ],
    [
      "WITH one AS (SELECT 1) INSERT INTO public.theirs SELECT * FROM one",
      "no INSERT on public.theirs",
      "GRANT INSERT ON TABLE public.theirs TO mig;",
    ],
    [
      "MERGE INTO theirs USING mine ON mine.id = theirs.id WHEN MATCHED THEN DELETE",
      "no DELETE on public.theirs",
      "GRANT DELETE ON TABLE public.theirs TO mig;",
    ],
    [
      "CREATE TRIGGER t BEFORE UPDATE OF id ON theirs EXECUTE FUNCTION f()",
      "no TRIGGER on public.theirs",
      "GRANT TRIGGER ON TABLE public.theirs TO mig;",
    ],
    [
      "CREATE TABLE heir () INHERITS (theirs)",
      "public.theirs belongs to another role",
      "GRANT other TO mig;",
    ],
    ["ALTER TABLE mine INHERIT theirs", "public.theirs belongs to another role", "GRANT other TO mig;"],
    ["CREATE STATISTICS s ON id FROM theirs", "public.theirs belongs to another role", "GRANT other TO mig;"],
    [
      "CREATE POLICY p ON theirs USING (true)",
      "public.theirs belongs to another role",
      "GRANT other TO mig;",
    ],
    ["DROP TABLE IF EXISTS theirs", "public.theirs belongs to another role", "GRANT other TO mig;"],
    ["REINDEX TABLE theirs", "no MAINTAIN on public.theirs", "GRANT MAINTAIN ON TABLE public.theirs TO mig;"],
  ])("is missing for %s", async (sql, seen, helps) => {
    await session.exec(OTHERS);
    const found = await named("rights for later", planOfOne(sql));
    expect(found?.passed).toBe(false);
    expect(found?.seen).toContain(seen);
    expect(found?.seen).toMatch(sql.startsWith("--") ? /:4\)/ : /:3\)/);
    await session.exec(`RESET ROLE; ${found?.mend.replace(/^[^:]*: /, "")}`);
    expect(found?.mend).toContain(helps);
    expect(await named("rights for later", planOfOne(sql))).toMatchObject({ passed: true });
  });

  test("is not to be got by becoming a superuser: what one owns is given over", async () => {
    await session.exec("CREATE TABLE theirs (id int); GRANT SELECT ON theirs TO mig");
    const found = await named("rights for later", planOfOne("ALTER TABLE theirs ADD COLUMN a int"));
    expect(found?.mend).toContain("ALTER TABLE public.theirs OWNER TO mig;");
    expect(found?.mend).not.toMatch(/GRANT/);
  });

  test("is not missing if a statement only reads another role's table", async () => {
    await session.exec(OTHERS);
    const plan = planOfOne("CREATE VIEW w AS SELECT * FROM theirs");
    expect(await named("rights for later", plan)).toMatchObject({ passed: true });
  });

  test.each([
    ["a column is granted", "GRANT UPDATE (id) ON theirs TO mig", "UPDATE theirs SET id = 2"],
    [
      "a trigger may be made",
      "GRANT TRIGGER ON theirs TO mig",
      "CREATE TRIGGER theirs_t BEFORE UPDATE ON theirs EXECUTE FUNCTION f()",
    ],
    ["it may be maintained", "GRANT MAINTAIN ON theirs TO mig", "CLUSTER theirs"],
    ["the schema is its own", "ALTER SCHEMA public OWNER TO mig", "DROP TABLE theirs"],
    ["it stands in a literal", "SELECT 1", "COMMENT ON FUNCTION f() IS 'UPDATE theirs, DELETE FROM theirs'"],
    [
      "a routine's text names it",
      "SELECT 1",
      "CREATE FUNCTION g() RETURNS void AS $$ UPDATE theirs SET id = 1 $$",
    ],
    [
      "a policy of its own table asks it",
      "SELECT 1",
      "CREATE POLICY p ON mine USING (EXISTS (SELECT FROM mine m JOIN theirs ON theirs.id = m.id))",
    ],
    [
      "the statement runs as the role that has it",
      "GRANT other TO mig WITH INHERIT FALSE, SET TRUE",
      "SET LOCAL ROLE other; ALTER TABLE theirs ADD COLUMN a int",
    ],
    [
      "the name leads elsewhere when it runs",
      "CREATE SCHEMA elsewhere; ALTER SCHEMA elsewhere OWNER TO mig",
      "SET search_path = elsewhere; ALTER TABLE theirs ADD COLUMN a int",
    ],
    ["it only stops to be a parent", "SELECT 1", "ALTER TABLE mine NO INHERIT theirs"],
    [
      "another step of the file makes it",
      "SELECT 1",
      "CREATE TABLE IF NOT EXISTS ours (id int); DROP TABLE ours",
    ],
    [
      "nothing is done on conflict",
      "GRANT INSERT ON theirs TO mig",
      "INSERT INTO theirs VALUES (1) ON CONFLICT DO NOTHING",
    ],
  ])("is not missing where %s", async (_, grant, sql) => {
    await session.exec(`${OTHERS}; ${grant}`);
    expect(await named("rights for later", planOfOne(sql))).toMatchObject({ passed: true });
  });

  test("is CREATE on the schema that a migration makes a table in, and on the database for the ledger", async () => {
    await session.exec(
      `CREATE SCHEMA closed; GRANT USAGE ON SCHEMA closed TO mig;
       DO $$ BEGIN EXECUTE format('REVOKE CREATE ON DATABASE %I FROM mig', current_database()); END $$`,
    );
    const found = await named("rights for later", planOfOne("CREATE TABLE closed.t (id int)"));
    expect(found?.mend).toContain("GRANT CREATE ON SCHEMA closed TO mig;");
    expect(found?.mend).toMatch(/GRANT CREATE ON DATABASE \S+ TO mig;/);
  });

  test("is to become the role as which a check runs", async () => {
    const migration = tinyMigration("001", "one");
    const validate = {
      ...migration.validate,
      checks: [{ name: "c", line: 1, as: { role: "checker" }, statements: [] }],
    };
    const plan = { plan: { migrations: [{ ...migration, validate }] } };
    const found = await named("rights for later", plan);
    expect(found).toMatchObject({ passed: false });
    expect(found?.mend).toContain("GRANT checker TO mig;");
  });

  test("is to end the application's sessions", async () => {
    await session.exec("CREATE ROLE worker LOGIN");
    const found = await named("rights for later", { plan: { applicationRoles: ["worker"] } });
    expect(found).toMatchObject({ passed: false, seen: "sessions of worker cannot be ended" });
    await session.exec("RESET ROLE; GRANT pg_signal_backend TO mig");
    const plan = { plan: { applicationRoles: ["worker"] } };
    expect(await named("rights for later", plan)).toMatchObject({ passed: true });
  });
});

describe("what the database refuses for want of a right", () => {
  const shape = z.strictObject(runFields);
  const attempt = async (sql: string) => {
    const ports = memoryPorts();
    const task: Task<z.infer<typeof shape>> = {
      name: "test",
      event: shape,
      run: async () => {
        await session.exec(`SET ROLE mig; ${sql}`);
        return DONE;
      },
    };
    const event = { run: "r", execution: "x", state: "Do it", planChecksum: ports.plan.checksum };
    return await invoke(task, event, ports).catch((error: Error) => error);
  };

  test.each([
    [
      "CREATE TABLE t (id int); RESET ROLE; ALTER TABLE t OWNER TO other; SET ROLE mig; SELECT * FROM t",
      "permission denied for table t",
    ],
    [
      "ALTER TABLE mine ENABLE ROW LEVEL SECURITY; ALTER TABLE mine FORCE ROW LEVEL SECURITY; SET row_security = off; SELECT * FROM mine",
      'query would be affected by row-level security policy for table "mine"',
    ],
    ["ALTER ROLE app SUPERUSER", "permission denied to alter role"],
  ])("is final: %s", async (sql, said) => {
    const error = await attempt(sql);
    expect(error).toMatchObject({ name: "RightMissing", message: expect.stringContaining(said) });
    expect(FINAL).toContain("RightMissing");
  });

  test("is distinguished from an error that another try may fix", async () => {
    expect(await attempt("SELECT 1 / 0")).toMatchObject({ name: expect.not.stringMatching(/RightMissing/) });
  });
});

test("many lacks are listed as a few and the number of others", async () => {
  await session.exec(
    "DO $$ BEGIN FOR i IN 1..25 LOOP EXECUTE format('CREATE TABLE t%s (id int)', i); EXECUTE format('ALTER TABLE t%s OWNER TO other', i); END LOOP; END $$",
  );
  expect((await named("rights to read"))?.seen).toMatch(/and 5 more$/);
});
