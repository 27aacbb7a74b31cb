import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { takeFingerprint } from "../../lambdas/proof/catalog.ts";
import { listTables, takeTableContent } from "../../lambdas/proof/checksums.ts";
import { docName, type FenceDoc, type ProofDoc } from "../../lambdas/shared/documents.ts";
import { withPgSession } from "../../lambdas/shared/pg-session.ts";
import { ServerInstances } from "../../local/server-instances.ts";
import { databases, type NativeDatabase, onServer, tinyDatabase, urlOf } from "../support/native.ts";
import { changedPlan, runPlan } from "../support/rehearsal.ts";

let database: NativeDatabase;
let others: string[];
beforeEach(async () => {
  others = await databases();
  database = await tinyDatabase();
});
afterEach(async () => {
  const ours = (await databases()).filter(
    (name) => name.startsWith(database.name) || name.startsWith("sluice-"),
  );
  for (const name of ours) await onServer((s) => s.exec(`DROP DATABASE "${name}" WITH (FORCE)`));
});

/** Returns the database's visible state: catalog, contents, access, ledger. */
const everything = () =>
  withPgSession({ connectionString: database.url }, async (session) => {
    const tables = [];
    for (const { table, columns } of await listTables(session))
      tables.push(await takeTableContent(session, table, columns, "full"));
    const [access] = await session.query(
      "SELECT datacl::text, to_regnamespace('sluice')::text AS ledger FROM pg_database WHERE datname = current_database()",
    );
    return { fingerprint: (await takeFingerprint(session)).hash, tables, access };
  });

describe("a rehearsal of a database on a server", () => {
  test("never changes the database that it was given, and leaves no other behind", async () => {
    const before = await everything();
    const { end } = await runPlan({ databaseUrl: database.url });
    expect(end).toMatchObject({ end: "Succeeded", leftBehind: [] });
    expect(await everything()).toEqual(before);
    expect((await databases()).filter((name) => !others.includes(name))).toEqual([database.name]);
  });

  test("works on a copy with the database's own settings, lists of names among them", async () => {
    const settings = `SELECT setconfig FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase WHERE datname = $1`;
    await onServer(async (s) => {
      await s.exec(`ALTER DATABASE ${database.name} SET search_path = a, "$user", "B, ""c""", public`);
      await s.exec(`ALTER DATABASE ${database.name} SET temp_tablespaces = ''`);
      await s.exec(`ALTER DATABASE ${database.name} SET DateStyle = 'ISO, DMY'`);
    });
    const copy = `${database.name}_copy`;
    await new ServerInstances(database.url).copy(database.name, copy);
    const [original] = await onServer((s) => s.query(settings, [database.name]));
    expect(original).toMatchObject({
      setconfig: expect.arrayContaining(['search_path=a, "$user", "B, ""c""", public']),
    });
    expect(await onServer((s) => s.query(settings, [copy]))).toEqual([original]);
    const { end } = await runPlan({ databaseUrl: database.url });
    expect(end.end).toBe("Succeeded");
  });

  test("leaves no half copy behind when a setting cannot be given to it", async () => {
    await onServer((s) => s.exec(`ALTER DATABASE ${database.name} SET log_statement = 'ddl'`));
    await expect(runPlan({ databaseUrl: database.url })).rejects.toThrow(/permission denied/);
    expect((await databases()).filter((name) => !others.includes(name))).toEqual([database.name]);
  });

  test("names the connected sessions when it needs the database to itself", async () => {
    await withPgSession({ connectionString: database.url }, async () => {
      await expect(runPlan({ databaseUrl: database.url })).rejects.toThrow(
        /is in use, and a copy on the same server allows no other session/,
      );
    });
    expect((await databases()).filter((name) => !others.includes(name))).toEqual([database.name]);
  });
});

describe("with --apply", () => {
  test("the database itself is migrated, and its former state is kept and reported", async () => {
    const { end } = await runPlan({ databaseUrl: database.url, apply: true });
    expect(end.end).toBe("Succeeded");
    expect(end.leftBehind).toEqual([
      expect.stringMatching(/sluice-moment-final-\w+ is the database's state from before/),
    ]);
    await withPgSession({ connectionString: database.url }, async (session) => {
      expect(await session.query("SELECT version FROM versions ORDER BY 1")).toEqual([
        { version: 1 },
        { version: 2 },
        { version: 3 },
      ]);
      expect(await session.query("SELECT FROM label")).toEqual([]);
    });
  });

  test("a second run on the same database is refused, and a later one is not", async () => {
    let second: unknown;
    const { end } = await runPlan({
      databaseUrl: database.url,
      apply: true,
      noGo: ["readiness"],
      onEvent: async (event) => {
        if (event.type === "gate")
          second = await runPlan({ databaseUrl: database.url, apply: true }).catch((error: unknown) => error);
      },
    });
    expect(end.end).toBe("Refused");
    expect(second).toMatchObject({ name: "UsageError", message: expect.stringContaining(database.name) });
    const later = await runPlan({ databaseUrl: database.url, apply: true, noGo: ["readiness"] });
    expect(later.end.end).toBe("Refused");
  });

  test("a No-Go gives back exactly what was there, the fence included", async () => {
    await onServer((s) =>
      s.exec(
        `REVOKE CONNECT ON DATABASE ${database.name} FROM PUBLIC; GRANT CONNECT ON DATABASE ${database.name} TO notes_app WITH GRANT OPTION`,
      ),
    );
    const before = await everything();
    const { end, evidence } = await runPlan({ databaseUrl: database.url, apply: true, noGo: ["after-003"] });
    expect(end.end).toBe("RolledBack");
    expect((await evidence.require(docName<ProofDoc>("proofs/production-rolled-back"))).equal).toBe(true);
    const { access, ...rest } = await everything();
    expect(rest).toEqual({ fingerprint: before.fingerprint, tables: before.tables });
    expect(access).toMatchObject({ datacl: before.access?.datacl });
  });

  test("a restore puts the snapshot in the database's place and keeps the former one", async () => {
    const plan = await changedPlan({
      "003_labels/rollback.sql": (sql) =>
        `DO $$ BEGIN IF NOT has_database_privilege('notes_app', current_database(), 'CONNECT') THEN RAISE 'broken'; END IF; END $$;\n${sql}`,
    });
    const before = await everything();
    const { end } = await runPlan({ plan, databaseUrl: database.url, apply: true, noGo: ["open"] });
    expect(end.end).toBe("Restored");
    expect(end.leftBehind).toContainEqual(expect.stringContaining("is the former"));
    const { fingerprint, tables } = await everything();
    expect({ fingerprint, tables }).toEqual({ fingerprint: before.fingerprint, tables: before.tables });
  });

  test("the fence ends the application's sessions and lets none in until it is lifted", async () => {
    const connected: boolean[] = [];
    const tryIn = () =>
      withPgSession({ connectionString: urlOf(database.name, "notes_app") }, async () => undefined).then(
        () => connected.push(true),
        () => connected.push(false),
      );
    const { end, evidence } = await runPlan({
      databaseUrl: database.url,
      apply: true,
      onEvent: async (event) => {
        if (event.type === "gate" && ["rehearsal", "after-002"].includes(event.gate.doc.gate)) await tryIn();
      },
    });
    await tryIn();
    expect(end.end).toBe("Succeeded");
    expect(connected).toEqual([true, false, true]);
    expect(await evidence.require(docName<FenceDoc>("fence"))).toMatchObject({
      mode: "connect",
      aclBefore: null,
      taken: [{ grantee: null, grantable: false }],
    });
  });
});
