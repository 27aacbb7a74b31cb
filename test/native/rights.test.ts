import { afterEach, beforeEach, expect, test } from "vitest";
import { inspectRights } from "../../lambdas/preflight/inspect-rights.ts";
import { inspectRoles } from "../../lambdas/preflight/inspect-roles.ts";
import { withPgSession } from "../../lambdas/shared/pg-session.ts";
import type { PreflightCheck } from "../../lambdas/shared/ports.ts";
import type { Session } from "../../lambdas/shared/session.ts";
import { parseSqlFile } from "../../lib/plan/sql-file.ts";
import { type NativeDatabase, onServer, tinyDatabase, urlOf } from "../support/native.ts";
import { memoryPorts, tinyMigration } from "../support/ports.ts";

const ROLES = ["rights_mig", "rights_other", "rights_app"];

let database: NativeDatabase;
beforeEach(async () => {
  database = await tinyDatabase();
  await dropRoles();
  await asSuperuser((s) =>
    s.exec(`CREATE ROLE rights_mig LOGIN; CREATE ROLE rights_other; CREATE ROLE rights_app LOGIN;
      ALTER DATABASE "${database.name}" OWNER TO rights_mig; GRANT pg_read_all_stats, pg_read_all_data TO rights_mig`),
  );
});
afterEach(async () => {
  await database.drop();
  await dropRoles();
});

const asSuperuser = <T>(work: (session: Session) => Promise<T>) =>
  withPgSession({ connectionString: urlOf(database.name) }, work);
const dropRoles = () => onServer((s) => s.exec(`DROP ROLE IF EXISTS ${ROLES.join(", ")}`));

/** As the migrating role logs in, with a password of its own or none: no SET ROLE. */
const seen = (applicationRoles: readonly string[] = []) =>
  withPgSession({ connectionString: urlOf(database.name, "rights_mig") }, async (session) => {
    const ports = memoryPorts({ plan: { applicationRoles: [...applicationRoles] } });
    return [...(await inspectRoles(session, ports)), ...(await inspectRights(session, ports))];
  });
const named = (checks: readonly PreflightCheck[], name: string) =>
  checks.find((check) => check.name === name);

test("row-level security hides rows also from a role that may read all data, until it has BYPASSRLS", async () => {
  await asSuperuser((s) =>
    s.exec("CREATE TABLE hidden (id int); ALTER TABLE hidden ENABLE ROW LEVEL SECURITY"),
  );
  const found = named(await seen(), "rights to read");
  expect(found).toMatchObject({ passed: false, seen: "row-level security of public.hidden hides rows" });
  expect(found?.mend).toContain("ALTER ROLE rights_mig BYPASSRLS;");
  await onServer((s) => s.exec("ALTER ROLE rights_mig BYPASSRLS"));
  expect(named(await seen(), "rights to read")).toMatchObject({ passed: true });
});

test("a member that may not become the role cannot run its checks, and one that inherits nothing cannot end its sessions", async () => {
  const version = await onServer((s) =>
    s.query<{ v: number }>("SELECT current_setting('server_version_num')::int AS v"),
  );
  // Before PostgreSQL 16 every member may become the role.
  if ((version[0]?.v ?? 0) < 160_000) return;
  await onServer((s) => s.exec("GRANT rights_app TO rights_mig WITH SET FALSE, INHERIT FALSE"));
  const first = await seen(["rights_app"]);
  expect(named(first, "application role rights_app")?.seen).toContain(
    "cannot be assumed by the migrating role",
  );
  expect(named(first, "rights for later")).toMatchObject({
    passed: false,
    seen: "sessions of rights_app cannot be ended",
  });
  await onServer((s) =>
    s.exec("GRANT rights_app TO rights_mig WITH SET TRUE; GRANT pg_signal_backend TO rights_mig"),
  );
  const after = await seen(["rights_app"]);
  expect(named(after, "application role rights_app")).toMatchObject({ passed: true });
  expect(named(after, "rights for later")).toMatchObject({ passed: true });
});

test("an extension that only a superuser makes is named before any snapshot", async () => {
  const [made] = await onServer((s) =>
    s.query<{ name: string }>(
      `SELECT e.name FROM pg_available_extensions e JOIN pg_available_extension_versions v
           ON v.name = e.name AND v.version = e.default_version
        WHERE v.superuser AND NOT v.trusted AND e.name = 'pageinspect'`,
    ),
  );
  expect(made?.name, "the server's contrib modules").toBe("pageinspect");
  const checks = await withPgSession({ connectionString: urlOf(database.name, "rights_mig") }, (session) =>
    inspectRights(
      session,
      memoryPorts({ plan: { extensions: [{ name: "pageinspect" }, { name: "pg_trgm" }] } }),
    ),
  );
  // One that is trusted is the owner's to make.
  expect(named(checks, "rights for later")).toMatchObject({
    passed: false,
    seen: "only a superuser can create extension pageinspect",
  });
  await asSuperuser((s) => s.exec("CREATE EXTENSION pageinspect"));
  expect(named(await seen(), "rights for later")).toMatchObject({ passed: true });
});

test("an extension that a superuser alone makes is missing, also where the plan's files make it only", async () => {
  const migration = tinyMigration("001", "one");
  const making = async (sql: string) => {
    const migrate = parseSqlFile("migrate.sql", `-- sluice: step "one"\n${sql};\n`);
    const ports = memoryPorts({ plan: { migrations: [{ ...migration, migrate }] } });
    const checks = await withPgSession({ connectionString: urlOf(database.name, "rights_mig") }, (session) =>
      inspectRights(session, ports),
    );
    return named(checks, "rights for later")?.mend ?? "";
  };
  const needed = "CREATE EXTENSION dblink;";
  expect(await making("CREATE EXTENSION IF NOT EXISTS dblink")).toContain(needed);
  expect(await making("CREATE EXTENSION pgcrypto")).not.toContain("EXTENSION");
  await asSuperuser((s) => s.exec(needed));
  expect(await making("CREATE EXTENSION IF NOT EXISTS dblink")).not.toContain(needed);
});
