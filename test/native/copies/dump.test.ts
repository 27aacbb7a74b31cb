import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { takeFingerprint } from "../../../lambdas/proof/catalog.ts";
import { describeDifference, differences } from "../../../lambdas/proof/difference.ts";
import { docName, type RequestDoc } from "../../../lambdas/shared/documents.ts";
import { withPgSession } from "../../../lambdas/shared/pg-session.ts";
import { BIN_VARIABLE } from "../../../local/copies/programs.ts";
import { ServerInstances } from "../../../local/server-instances.ts";
import { databases, type NativeDatabase, tinyDatabase, urlOf } from "../../support/native.ts";
import { nativePrograms } from "../../support/programs.ts";
import { runPlan } from "../../support/rehearsal.ts";

let database: NativeDatabase;
let programs: Awaited<ReturnType<typeof nativePrograms>>;
beforeAll(async () => {
  programs = await nativePrograms();
  if (programs) process.env[BIN_VARIABLE] = programs.bin;
});
afterAll(async () => {
  delete process.env[BIN_VARIABLE];
  await programs?.remove();
});
beforeEach(async () => {
  database = await tinyDatabase();
});
afterEach(async () => {
  const ours = (await databases()).filter((name) => name === `${database.name}_copy`);
  for (const name of ours) await new ServerInstances(urlOf("postgres"), name).drop(name);
  await database.drop();
});

const EVERYTHING = `
  CREATE TABLE kept (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, gone int, a text COLLATE "C", d date DEFAULT now());
  ALTER TABLE kept DROP COLUMN gone;
  COMMENT ON TABLE kept IS 'it''s';
  CREATE TABLE parted (k int, x text) PARTITION BY LIST (k);
  CREATE TABLE part_1 PARTITION OF parted FOR VALUES IN (1);
  CREATE VIEW seen WITH (security_invoker) AS SELECT * FROM kept;
  CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM kept;
  CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
  REVOKE EXECUTE ON FUNCTION f() FROM PUBLIC;
  GRANT SELECT ON kept TO notes_app;
  ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO notes_app;
  ALTER TABLE kept ENABLE ROW LEVEL SECURITY;
  CREATE POLICY p ON kept TO notes_app USING (id > 0);
  CREATE TYPE mood AS ENUM ('a', 'b');
  CREATE DOMAIN positive AS int CHECK (value > 0);
  INSERT INTO kept (a) VALUES ('x');
  SELECT lo_from_bytea(0, 'abc');
  CREATE SEQUENCE counted_from START 5;
  SELECT nextval('counted_from');
  ALTER TABLE kept ALTER a SET STATISTICS 500;
  ALTER TABLE kept ADD CONSTRAINT later CHECK (id > 0) NOT VALID;
  CREATE TRIGGER off BEFORE UPDATE ON kept FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
  ALTER TABLE kept DISABLE TRIGGER off;
  ALTER TABLE kept REPLICA IDENTITY FULL`;

describe("a logical copy", () => {
  test("has the whole catalog of a database that is in use, its settings and rights too", async () => {
    const copy = `${database.name}_copy`;
    await withPgSession({ connectionString: database.url }, async (session) => {
      await session.exec(EVERYTHING);
      await session.exec(`ALTER DATABASE ${database.name} SET work_mem = '8MB'`);
      await session.exec(`ALTER ROLE notes_owner IN DATABASE ${database.name} SET lock_timeout = '3s'`);
      await session.exec(`REVOKE CONNECT ON DATABASE ${database.name} FROM PUBLIC`);
      expect(
        await new ServerInstances(database.url, undefined, database.name).copy(database.name, copy),
      ).toEqual([]);
      const original = await takeFingerprint(session);
      const copied = await withPgSession({ connectionString: urlOf(copy, "notes_owner") }, takeFingerprint);
      expect(differences(original, copied).map(describeDifference)).toEqual([]);
      expect(copied.access).toEqual(original.access);
    });
  });

  test("leaves out subscriptions, and reports it", async () => {
    await withPgSession({ connectionString: urlOf(database.name) }, async (session) => {
      await session.exec(
        "CREATE SUBSCRIPTION of_sluice CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false, slot_name = NONE)",
      );
      const said = await new ServerInstances(urlOf(database.name), undefined, database.name).copy(
        database.name,
        `${database.name}_copy`,
      );
      await session.exec("DROP SUBSCRIPTION of_sluice");
      expect(said).toEqual([expect.stringMatching(/^Left out of the copy on purpose.*subscriptions/)]);
    });
  });

  test("that this role may not make whole is refused with what the program said, and none is left", async () => {
    await withPgSession({ connectionString: urlOf(database.name) }, (session) =>
      session.exec("CREATE TABLE of_another (i int); REVOKE ALL ON of_another FROM PUBLIC"),
    );
    const before = await databases();
    await expect(
      new ServerInstances(database.url, undefined, database.name).copy(
        database.name,
        `${database.name}_copy`,
      ),
    ).rejects.toThrow(/pg_dump could not read .*permission denied for table of_another[\s\S]*SELECT on each/);
    expect(await databases()).toEqual(before);
  });

  test("carries a whole run with production in use, whose gates say that it is logical", async () => {
    const gates: string[] = [];
    const { end, evidence } = await withPgSession({ connectionString: database.url }, () =>
      runPlan({
        databaseUrl: database.url,
        copy: "dump",
        noGo: ["rehearsal"],
        onEvent: (event) => {
          if (event.type === "gate") gates.push(JSON.stringify(event.gate.summary));
        },
      }),
    );
    expect(end.end).toBe("Refused");
    expect(gates).toHaveLength(2);
    for (const gate of gates) expect(gate).toContain("a logical copy. It does not show bloat");
    expect(await evidence.require(docName<RequestDoc>("request"))).toMatchObject({
      copies: { how: "dump", notes: [] },
    });
  }, 600_000);
});
