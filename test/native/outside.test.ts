import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { disarmMappings } from "../../lambdas/fence/disarm.ts";
import { inspectOutside } from "../../lambdas/preflight/inspect-outside.ts";
import { Doc } from "../../lambdas/shared/documents.ts";
import { withPgSession } from "../../lambdas/shared/pg-session.ts";
import { loadPlan } from "../../lib/plan/compile.ts";
import { type NativeDatabase, onServer, tinyDatabase, urlOf } from "../support/native.ts";
import { memoryPorts } from "../support/ports.ts";
import { changedPlan, runPlan } from "../support/rehearsal.ts";

const OTHER = `sluice_test_other_${randomBytes(4).toString("hex")}`;
let database: NativeDatabase;

/** Another database with a table, and a foreign table of it in the one that is migrated. */
beforeAll(async () => {
  await onServer((session) => session.exec(`CREATE DATABASE ${OTHER}`));
});
beforeEach(async () => {
  await withPgSession({ connectionString: urlOf(OTHER) }, (session) =>
    session.exec("DROP TABLE IF EXISTS balance; CREATE TABLE balance AS SELECT 100 AS amount"),
  );
  database = await tinyDatabase();
  const { port } = new URL(urlOf(OTHER));
  await withPgSession({ connectionString: urlOf(database.name) }, (session) =>
    session.exec(`CREATE EXTENSION postgres_fdw;
      CREATE SERVER bank FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '${port}', dbname '${OTHER}');
      CREATE USER MAPPING FOR PUBLIC SERVER bank OPTIONS (user 'postgres', password_required 'false');
      CREATE FOREIGN TABLE balance (amount int) SERVER bank;
      GRANT ALL ON balance TO notes_owner`),
  );
  return () => database.drop();
});
afterAll(() => onServer((session) => session.exec(`DROP DATABASE ${OTHER} WITH (FORCE)`)));

const amount = async () => {
  const [row] = await withPgSession({ connectionString: urlOf(OTHER) }, (session) =>
    session.query<{ amount: number }>("SELECT amount FROM balance"),
  );
  return row?.amount;
};

const own = () =>
  withPgSession({ connectionString: urlOf(database.name) }, (session) =>
    session.exec("ALTER SERVER bank OWNER TO notes_owner"),
  );

const takes = (mark = "") =>
  changedPlan({
    "002_notes/migrate.sql": (text) =>
      `${text}\n-- sluice: step "book it"${mark}\nUPDATE balance SET amount = amount - 1;\n`,
  });

const checks = async (folder?: string) => {
  const { plan } = await loadPlan(folder ?? (await changedPlan({})));
  return await withPgSession({ connectionString: database.url }, (session) =>
    inspectOutside(session, memoryPorts({ plan })),
  );
};

describe("user mappings of a copy", () => {
  test.each([["postgres"], ["notes_owner"]])("are useless once %s has disarmed them", async (role) => {
    await own();
    await withPgSession({ connectionString: urlOf(database.name, role) }, async (session) => {
      expect(await disarmMappings(session)).toEqual({ useless: ["PUBLIC on server bank"], left: [] });
      // Again, as after a worker's death.
      expect(await disarmMappings(session)).toMatchObject({ left: [] });
      await expect(session.exec("UPDATE balance SET amount = 0")).rejects.toThrow(
        /could not connect|user mapping not found/,
      );
    });
    expect(await amount()).toBe(100);
  });

  test("that belong to another role are reported, and left", async () => {
    await withPgSession({ connectionString: database.url }, async (session) => {
      expect(await disarmMappings(session)).toMatchObject({
        useless: [],
        left: [expect.stringMatching(/^PUBLIC on server bank \(.*must be owner/)],
      });
    });
  });
});

describe("preflight", () => {
  test("refuses where a rehearsal could reach another server, with the GRANT that helps", async () => {
    expect(await checks()).toContainEqual(
      expect.objectContaining({
        name: "foreign servers",
        passed: false,
        seen: "PUBLIC on server bank",
        mend: expect.stringMatching(/As a superuser: ALTER SERVER bank OWNER TO notes_owner;$/),
      }),
    );
    await own();
    expect(await checks()).toContainEqual(
      expect.objectContaining({
        name: "foreign servers",
        passed: null,
        seen: "bank (postgres_fdw, 1 foreign tables)",
      }),
    );
  });

  test("refuses a step that names a foreign table and does not say so", async () => {
    expect(await checks(await takes())).toContainEqual(
      expect.objectContaining({
        name: "steps that reach outside",
        passed: false,
        seen: expect.stringMatching(
          /002_notes\/migrate\.sql:\d+ "book it" names foreign table "balance" of server bank/,
        ),
      }),
    );
    expect(await checks(await takes(" outside: allowed"))).toContainEqual(
      expect.objectContaining({ name: "steps that reach outside", passed: null }),
    );
  });

  test("names routines and triggers that reach outside by themselves, and steps that fire them", async () => {
    await withPgSession({ connectionString: database.url }, (session) =>
      session.exec(`CREATE FUNCTION ship() RETURNS trigger LANGUAGE plpgsql AS
          $$ BEGIN PERFORM dblink_exec('host=elsewhere', 'SELECT 1'); RETURN NEW; END $$;
        CREATE TRIGGER ship_note AFTER UPDATE ON note FOR EACH ROW EXECUTE FUNCTION ship()`),
    );
    const folder = await changedPlan({
      "002_notes/migrate.sql": (text) => `${text}\n-- sluice: step "touch"\nUPDATE note SET body = body;\n`,
    });
    const found = await checks(folder);
    expect(found).toContainEqual(
      expect.objectContaining({ passed: null, seen: "ship() (by trigger ship_note on note)" }),
    );
    expect(found).toContainEqual(
      expect.objectContaining({
        passed: false,
        seen: expect.stringContaining('"touch" names table "note", whose trigger ship_note reaches outside'),
      }),
    );
  });
});

test("preflight names what reaches outside wherever it stands, and takes no comment for it", async () => {
  await withPgSession({ connectionString: urlOf(database.name) }, (session) =>
    session.exec(`CREATE EXTENSION dblink;
      CREATE FUNCTION atomic() RETURNS text LANGUAGE sql BEGIN ATOMIC SELECT dblink_exec('host=elsewhere', 'SELECT 1'); END;
      CREATE VIEW far AS SELECT * FROM dblink('host=elsewhere', 'SELECT 1') AS t (i int);
      CREATE RULE inform AS ON DELETE TO note DO ALSO SELECT dblink_exec('host=elsewhere', 'SELECT 1');
      CREATE FUNCTION near() RETURNS void LANGUAGE plpgsql AS $$ BEGIN -- once by dblink(a)
        /* http_get(b) */ PERFORM 1; END $$`),
  );
  expect(await checks()).toContainEqual(
    expect.objectContaining({
      name: "routines that reach outside",
      passed: null,
      seen: "atomic(); rule inform on note; view far",
    }),
  );
});

test("a rehearsal without --apply leaves another database alone, also where a function hides what it does", async () => {
  await own();
  await withPgSession({ connectionString: database.url }, (session) =>
    session.exec(
      "CREATE FUNCTION book() RETURNS void LANGUAGE sql AS 'UPDATE balance SET amount = amount - 1'",
    ),
  );
  const plan = await changedPlan({
    "002_notes/migrate.sql": (text) => `${text}\n-- sluice: step "book it"\nSELECT book();\n`,
  });
  const { end, evidence } = await runPlan({ databaseUrl: database.url, plan });
  expect(end.end).toBe("Refused");
  expect(end.cause).toContain("disables user mappings on copies");
  expect(await evidence.require(Doc.stagingVerified)).toMatchObject({ equal: true });
  expect(await amount()).toBe(100);
});

test("what others add to production meanwhile is said to be none of the plan's, before anybody restores for it", async () => {
  await own();
  const { end, evidence } = await runPlan({
    databaseUrl: database.url,
    apply: true,
    noGo: ["after-003", "restore"],
    onEvent: async (event) => {
      if (event.type === "left" && event.state === "Look for writes since the record")
        await withPgSession({ connectionString: database.url }, (session) =>
          session.exec("CREATE TABLE note_2027 (id int PRIMARY KEY, body text)"),
        );
    },
  });
  expect(end.end).toBe("NeedsOperator");
  const proof = await evidence.require(Doc.proof("production-rolled-back"));
  expect(proof.others).toContain("table public.note_2027 added, not made by this plan");
  expect(proof.differences.every((line) => line.endsWith("not made by this plan"))).toBe(true);
  expect(end.report.failures.map(({ message }) => message).join()).toContain(
    "table public.note_2027 added, not made by this plan",
  );
  expect((await evidence.require(Doc.gate("restore", 1))).warnings).toEqual([
    expect.stringMatching(
      /^Not made by this plan: table public.note_2027 added\. What the plan made is rolled back/,
    ),
  ]);
});

test("a success reports what others added meanwhile", async () => {
  await own();
  const { end } = await runPlan({
    databaseUrl: database.url,
    apply: true,
    onEvent: async (event) => {
      if (event.type === "left" && event.state === "Look for writes since the record")
        await withPgSession({ connectionString: database.url }, (session) =>
          session.exec("CREATE TABLE note_2027 (id int PRIMARY KEY, body text)"),
        );
    },
  });
  expect(end.end).toBe("Succeeded");
  expect(end.report.leftToDo.join("\n")).toContain("table public.note_2027 added, not made by this plan");
});
