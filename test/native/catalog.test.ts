import { afterEach, beforeEach, expect, test } from "vitest";
import { takeFingerprint } from "../../lambdas/proof/catalog.ts";
import { describeDifference, differences, differencesOfCopy } from "../../lambdas/proof/difference.ts";
import { docName, type ProofDoc } from "../../lambdas/shared/documents.ts";
import { withPgSession } from "../../lambdas/shared/pg-session.ts";
import type { Session } from "../../lambdas/shared/session.ts";
import { databases, type NativeDatabase, onServer, tinyDatabase, urlOf } from "../support/native.ts";
import { changedPlan, runPlan } from "../support/rehearsal.ts";

let database: NativeDatabase;
let others: string[];
beforeEach(async () => {
  others = await databases();
  database = await tinyDatabase();
});
afterEach(async () => {
  for (const name of (await databases()).filter((name) => !others.includes(name))) {
    await withPgSession({ connectionString: urlOf(name) }, (s) =>
      s.exec(`DO $$ DECLARE sub text; BEGIN FOR sub IN SELECT subname FROM pg_subscription
        WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database()) LOOP
        EXECUTE format('ALTER SUBSCRIPTION %I DISABLE', sub); EXECUTE format('ALTER SUBSCRIPTION %I SET (slot_name = NONE)', sub);
        EXECUTE format('DROP SUBSCRIPTION %I', sub); END LOOP; END $$`),
    );
    await onServer((s) => s.exec(`DROP DATABASE "${name}" WITH (FORCE)`));
  }
});

const asSuperuser = <T>(work: (session: Session) => Promise<T>) =>
  withPgSession({ connectionString: urlOf(database.name) }, work);
const asOwner = <T>(work: (session: Session) => Promise<T>) =>
  withPgSession({ connectionString: database.url }, work);

const SUBSCRIPTION = (password: string) =>
  `CREATE SUBSCRIPTION feed CONNECTION 'host=127.0.0.1 dbname=elsewhere password=${password}' PUBLICATION p WITH (connect = false)`;

test("a subscription's state is compared, its connection without the password, and not with a copy's", async () => {
  await asSuperuser((s) => s.exec(SUBSCRIPTION("one")));
  const [before, owners] = [await asSuperuser(takeFingerprint), await asOwner(takeFingerprint)];
  expect(owners.unread).toEqual([{ kind: "connection of subscription", name: "feed" }]);
  expect(differences(before, owners)).toEqual([]);
  expect(JSON.stringify(before)).not.toContain("host=");
  const change = async (sql: string) => {
    await asSuperuser((s) => s.exec(sql));
    return differences(before, await asSuperuser(takeFingerprint)).map(describeDifference);
  };
  expect(
    await change("ALTER SUBSCRIPTION feed CONNECTION 'host=127.0.0.1 dbname=elsewhere password=''two 2'''"),
  ).toEqual([]);
  expect(await change("ALTER SUBSCRIPTION feed SET (slot_name = other)")).toEqual([
    'subscription feed changed: was "slotname: feed", now "slotname: other"',
  ]);
  expect(await change("ALTER SUBSCRIPTION feed CONNECTION 'host=127.0.0.2'")).toEqual([
    expect.stringMatching(/^connection of subscription feed changed/),
    expect.stringMatching(/^subscription feed changed/),
  ]);
  expect(differencesOfCopy(before, await asSuperuser(takeFingerprint))).toEqual([]);
});

test("rights on an extension's foreign-data wrapper are compared", async () => {
  const wrapper = "postgres_fdw";
  await asSuperuser((s) => s.exec(`CREATE EXTENSION ${wrapper}`));
  const before = await asSuperuser(takeFingerprint);
  await asSuperuser((s) => s.exec(`GRANT USAGE ON FOREIGN DATA WRAPPER ${wrapper} TO notes_app`));
  expect(differences(before, await asSuperuser(takeFingerprint)).map(describeDifference)).toEqual([
    `privileges on foreign-data wrapper ${wrapper} added`,
  ]);
});

test("an audit table that an event trigger fills may grow on each way back, and the added rows are reported", async () => {
  await asSuperuser((s) =>
    s.exec(`CREATE TABLE ddl_log (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tag text NOT NULL);
      ALTER TABLE ddl_log OWNER TO notes_owner; INSERT INTO ddl_log (tag) VALUES ('first');
      CREATE FUNCTION log_ddl() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public
        AS $$ BEGIN INSERT INTO ddl_log (tag) VALUES (tg_tag); END $$;
      CREATE EVENT TRIGGER log_ddl ON ddl_command_end EXECUTE FUNCTION log_ddl()`),
  );
  const plan = await changedPlan({
    "plan.yaml": (text) => text.replace("protect: [note]", "protect: [note]\ncontents: { ddl_log: grows }"),
  });
  const { end, evidence } = await runPlan({ plan, databaseUrl: database.url, noGo: ["after-003"] });
  expect(end.end, end.cause).toBe("RolledBack");
  expect(end.cause).toMatch(
    /Proven: catalog of \d+ objects, \d+ tables, the earlier rows of 1 table that grows, /,
  );
  expect(end.cause).toMatch(/public\.ddl_log: \d+ rows added, as it may grow\./);
  const proof = await evidence.require(docName<ProofDoc>("proofs/staging-002"));
  expect(proof).toMatchObject({
    equal: true,
    grown: [expect.stringMatching(/^public\.ddl_log: \d+ rows added/)],
  });
});

test("a plan that makes a role is refused before anything is copied: it would be the real server's", async () => {
  const plan = await changedPlan({
    "002_notes/migrate.sql": (text) =>
      `${text}\n-- sluice: step "roles"\nDO $$ BEGIN CREATE ROLE notes_intruder; END $$;`,
  });
  await expect(runPlan({ plan, databaseUrl: database.url })).rejects.toThrow(
    /002_notes\/migrate\.sql:\d+ has "CREATE ROLE" in a DO\nNothing was touched/,
  );
  expect((await databases()).filter((name) => !others.includes(name))).toEqual([database.name]);
});

test("what a DO puts together shows by what it did to the server, and the run goes no further", async () => {
  const plan = await changedPlan({
    "002_notes/migrate.sql": (text) =>
      `${text}\n-- sluice: step "roles"\nDO $$ BEGIN EXECUTE 'ALTER R' || 'OLE notes_app SET work_mem = ''1MB'''; END $$;`,
  });
  await onServer((s) =>
    s.exec(
      "DO $$ BEGIN CREATE ROLE notes_owner LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$; ALTER ROLE notes_owner CREATEROLE; GRANT notes_app TO notes_owner WITH ADMIN OPTION",
    ),
  );
  const { end } = await runPlan({ plan, databaseUrl: database.url });
  await onServer((s) =>
    s.exec(
      "ALTER ROLE notes_app RESET ALL; ALTER ROLE notes_owner NOCREATEROLE; REVOKE ADMIN OPTION FOR notes_app FROM notes_owner",
    ),
  );
  expect(end.end).toBe("Refused");
  expect(end.cause).toContain("changed the real server: ");
  expect(end.cause).toContain("settings of role notes_app added");
});
