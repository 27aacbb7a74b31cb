import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { ensureLedger } from "../../../lambdas/ledger/ledger.ts";
import { inspectBackup } from "../../../lambdas/preflight/choose-backup.ts";
import { inspectDatabase } from "../../../lambdas/preflight/inspect-database.ts";
import { inspectLedger } from "../../../lambdas/preflight/inspect-ledger.ts";
import { inspectRoles } from "../../../lambdas/preflight/inspect-roles.ts";
import { inspected } from "../../../lambdas/preflight/inspected.ts";
import type { CompiledPlan } from "../../../lambdas/shared/plan.ts";
import { useEmbedded } from "../../support/embedded.ts";
import { memoryPorts } from "../../support/ports.ts";

const session = useEmbedded(`
  CREATE ROLE mig; CREATE ROLE dbo; CREATE ROLE keeper; CREATE ROLE bypasser BYPASSRLS;
  CREATE ROLE fine LOGIN; CREATE ROLE readers; GRANT readers TO fine; GRANT pg_read_all_data TO fine;
  CREATE ROLE root SUPERUSER; CREATE ROLE through_root; GRANT root TO through_root;
  CREATE ROLE by_itself BYPASSRLS; CREATE ROLE through_bypasser NOINHERIT; GRANT bypasser TO through_bypasser;
  CREATE ROLE holds; CREATE ROLE owner_member; GRANT keeper TO owner_member;
  CREATE ROLE between; GRANT keeper TO between; CREATE ROLE far_member; GRANT between TO far_member;
  CREATE ROLE dbo_member; GRANT dbo TO dbo_member;
  CREATE TABLE kept (id int); ALTER TABLE kept OWNER TO keeper;
  CREATE TABLE held (id int); ALTER TABLE held OWNER TO holds;
  DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO dbo', current_database()); END $$;
  GRANT fine, by_itself, through_root, through_bypasser, holds, owner_member, far_member, dbo, dbo_member TO mig;`);

const check = async (role: string) => {
  const checks = await inspectRoles(session, memoryPorts({ plan: { applicationRoles: [role] } }));
  return checks.find(({ name }) => name === `application role ${role}`);
};

describe("application roles", () => {
  beforeAll(() => session.exec("SET ROLE mig"));

  test("one that owns nothing and bypasses nothing is fine, whatever it may read", async () => {
    expect(await check("fine")).toMatchObject({ passed: true, seen: "as expected" });
  });

  test.each([
    ["nobody", "does not exist"],
    ["root", "is superuser"],
    ["by_itself", "has BYPASSRLS"],
    ["holds", "owns held"],
    ["dbo", "owns the database"],
    ["dbo_member", "acts as dbo, which owns tables or the database"],
    ["owner_member", "acts as keeper, which owns tables or the database"],
    ["far_member", "acts as keeper, which owns tables or the database"],
    ["through_bypasser", "may become bypasser, which is superuser or has BYPASSRLS"],
  ])("%s is refused", async (role, seen) => {
    expect(await check(role)).toMatchObject({ passed: false, seen });
  });

  test("a member of a superuser may become it, and the check names what to revoke", async () => {
    const found = await check("through_root");
    expect(found?.seen).toContain("may become root");
    expect(found?.mend).toContain("REVOKE root");
    expect(found?.mend).toContain("FROM through_root");
  });
});

describe("an extension that the plan works without", () => {
  const found = async (...extensions: CompiledPlan["extensions"]) =>
    (await inspectDatabase(session, memoryPorts({ plan: { extensions } }))).filter(({ name }) =>
      name.startsWith("extension "),
    );

  test("is looked for, and shown to people where it is missing; one that the plan needs is a problem", async () => {
    expect(
      await found(
        { name: "pg_trgm", optional: true },
        { name: "postgis", optional: true },
        { name: "postgis" },
      ),
    ).toMatchObject([
      {
        passed: true,
        expected: "available; this plan works without it",
        seen: expect.stringMatching(/available$/),
      },
      { passed: null, seen: "not available on this server" },
      { passed: false, expected: "available" },
    ]);
  });
});

describe("what a snapshot would not hold, and a proof not see", () => {
  beforeAll(() => session.exec("RESET ROLE; CREATE UNLOGGED TABLE scratch (id int)"));
  const found = async (wanted: string, contents: CompiledPlan["contents"] = {}) =>
    (await inspectBackup(session, contents)).find(({ name }) => name === wanted);

  test("an unlogged table is refused when it has rows, which no restored snapshot has", async () => {
    expect(await found("unlogged tables")).toMatchObject({ passed: true });
    await session.exec("INSERT INTO scratch VALUES (1)");
    expect(await found("unlogged tables")).toMatchObject({ passed: false, seen: "public.scratch" });
  });

  test("an unlogged table that the plan leaves out is reported, not refused, without any other", async () => {
    const contents = { scratch: "none" } as const;
    expect(await found("unlogged tables", contents)).toMatchObject({
      passed: null,
      seen: "left out: public.scratch",
      mend: expect.stringContaining("Snapshots do not contain their rows"),
    });
    await session.exec("CREATE UNLOGGED TABLE other_scratch AS SELECT 1 AS id");
    expect(await found("unlogged tables", contents)).toMatchObject({
      passed: false,
      seen: "public.other_scratch",
    });
    await session.exec("DROP TABLE other_scratch");
  });

  test("a partitioned table is left out with its leaves, and one that is logged cannot be", async () => {
    await session.exec(
      `CREATE TABLE parted (id int) PARTITION BY LIST (id); CREATE UNLOGGED TABLE parted_1 PARTITION OF parted DEFAULT;
       INSERT INTO parted VALUES (1); CREATE TABLE logged (id int)`,
    );
    const contents = { scratch: "none", parted: "none" } as const;
    expect(await found("unlogged tables", contents)).toMatchObject({
      seen: "left out: public.parted_1, public.scratch",
    });
    const inspectedContents = async (wanted: CompiledPlan["contents"]) =>
      (await inspectDatabase(session, memoryPorts({ plan: { contents: wanted } }))).find(
        ({ name }) => name === "tables not read in full",
      );
    expect(await inspectedContents(contents)).toMatchObject({ passed: true });
    expect(await inspectedContents({ logged: "none" })).toMatchObject({
      passed: false,
      seen: "logged: is set to none, but is neither a materialized view nor an unlogged table",
    });
    await session.exec("DROP TABLE parted, logged");
  });

  test("large objects are reported, not refused", async () => {
    expect(await found("large objects")).toMatchObject({ passed: true });
    await session.exec("SELECT lo_create(0)");
    expect(await found("large objects")).toMatchObject({ passed: null, seen: "1" });
  });

  test("a server that counts nothing is refused", async () => {
    expect(await found("the server's counters")).toMatchObject({ passed: true });
    await session.exec("SET track_counts = off");
    expect(await found("the server's counters")).toMatchObject({ passed: false });
    await session.exec("RESET track_counts");
  });
});

describe("the ledger's schema", () => {
  const found = async () => {
    const checks = await inspectLedger(session, memoryPorts({}).plan, { run: "r", execution: "e" });
    return checks.filter(({ passed }) => passed === false);
  };
  afterEach(() => session.exec("DROP SCHEMA IF EXISTS sluice CASCADE"));

  test("may be missing, or hold the ledger", async () => {
    expect(await found()).toEqual([]);
    await ensureLedger(session);
    expect(await found()).toEqual([]);
  });

  test("is refused when it is somebody else's, with what to do, as nothing in it would be proven", async () => {
    await session.exec("CREATE SCHEMA sluice; CREATE TABLE sluice.orders (id int)");
    expect(await found()).toMatchObject([
      {
        name: "ledger",
        seen: "a schema that is not the ledger of this version of Sluice",
        mend: expect.stringContaining("ALTER SCHEMA sluice RENAME TO"),
      },
    ]);
  });

  test("is refused when it holds anything beside the ledger", async () => {
    await ensureLedger(session);
    await session.exec(
      "CREATE TABLE sluice.orders (id int); CREATE FUNCTION sluice.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    );
    expect((await found())[0]?.seen).toBe("the schema also holds: function sluice.f(), table sluice.orders");
  });
});

describe("other sessions", () => {
  const sessions = async () =>
    (await inspectDatabase(session, memoryPorts({ plan: { applicationRoles: ["fine"] } }))).find(
      ({ name }) => name === "active sessions",
    );
  beforeAll(async () => {
    // The embedded Postgres has one session: others are made up.
    await session.exec(`RESET ROLE; CREATE SCHEMA made_up;
      CREATE TABLE made_up.pg_stat_activity AS SELECT * FROM pg_catalog.pg_stat_activity WHERE false;
      CREATE FUNCTION made_up.connect(who text, program text) RETURNS void LANGUAGE sql AS $$
        INSERT INTO made_up.pg_stat_activity (pid, datname, usename, application_name)
        VALUES (0, current_database(), who, program) $$;
      SET search_path = made_up, pg_catalog, public`);
  });
  afterEach(() => session.exec("TRUNCATE made_up.pg_stat_activity"));

  test("passes if there are none", async () => {
    expect(await sessions()).toMatchObject({ passed: true });
  });

  test("those of the application and of the migrating role do not count", async () => {
    await session.exec("SELECT connect('fine', 'shop'), connect(current_user, 'psql')");
    expect(await sessions()).toMatchObject({ passed: true });
  });

  test("those of others are listed by role and program, at most five, and not refused", async () => {
    await session.exec(`SELECT connect('etl', 'nightly') FROM generate_series(1, 3);
      SELECT connect('etl', ''); SELECT connect('who' || n, 'p') FROM generate_series(1, 5) n`);
    expect(await sessions()).toMatchObject({
      passed: null,
      seen: "3 of etl (nightly), 1 of etl, 1 of who1 (p), 1 of who2 (p), 1 of who3 (p), 2 more",
    });
  });
});

describe("an inspection that fails", () => {
  const fine = { name: "b", passed: true, expected: "", seen: "", mend: "" };

  test("is a problem among the others", async () => {
    const failing = async () => {
      await session.query("SELECT * FROM not_there");
      return fine;
    };
    expect([...(await inspected("a", failing)), ...(await inspected("b", async () => fine))]).toMatchObject([
      { name: "a", passed: false, expected: "can be determined", seen: expect.stringContaining("not_there") },
      fine,
    ]);
  });

  test.each([
    ["55P03", "LockTimeout"],
    ["57P01", "ConnectionLost"],
    ["ECONNRESET", "ConnectionLost"],
  ])("for a reason that passes (%s) is done again", async (code, name) => {
    const failing = () => Promise.reject(Object.assign(new Error("no"), { code }));
    await expect(inspected("a", failing)).rejects.toMatchObject({ name });
  });

  test("hides none of the others: a table without versions, and no table to protect", async () => {
    await session.exec("CREATE TABLE public.no_versions (id int)");
    const checks = await inspectDatabase(
      session,
      memoryPorts({
        plan: { protect: ["public.gone"], schema: { table: "public.no_versions", expectedVersion: "1" } },
      }),
    );
    expect(checks.filter(({ passed }) => passed === false).map(({ name }) => name)).toEqual(
      expect.arrayContaining(["schema version", "protected tables"]),
    );
  });

  test("refuses a table that the plan leaves out, and a view that it lets grow: they could not be proven", async () => {
    await session.exec(
      "CREATE TABLE public.left_out (id int); CREATE MATERIALIZED VIEW public.growing AS SELECT 1 AS a",
    );
    const contents = { "public.left_out": "none", "public.growing": "grows" } as const;
    const checks = await inspectDatabase(session, memoryPorts({ plan: { contents } }));
    expect(checks.find(({ name }) => name === "tables not read in full")).toMatchObject({
      passed: false,
      seen: "public.left_out: is set to none, but is neither a materialized view nor an unlogged table; public.growing: is set to grows, but is not a table",
    });
    const right = { "public.growing": "none", "public.left_out": "grows" } as const;
    const again = await inspectDatabase(session, memoryPorts({ plan: { contents: right } }));
    expect(again.find(({ name }) => name === "tables not read in full")).toMatchObject({ passed: true });
  });
});

test("an index that is invalid on purpose, as it is ON ONLY a partitioned table, is not refused", async () => {
  const invalid = async () =>
    (await inspectDatabase(session, memoryPorts())).find(({ name }) => name === "invalid indexes");
  await session.exec(
    `RESET ROLE; CREATE TABLE whole (id int, x int) PARTITION BY LIST (id); CREATE TABLE whole_1 PARTITION OF whole DEFAULT;
     CREATE INDEX whole_x ON ONLY whole (x)`,
  );
  expect(await invalid()).toMatchObject({ passed: true });
  await session.exec(
    "CREATE INDEX part_x ON whole_1 (x); UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'part_x'::regclass",
  );
  expect(await invalid()).toMatchObject({ passed: false, seen: "part_x" });
  await session.exec("DROP TABLE whole");
});
