import { describe, expect, test } from "vitest";
import {
  besideThatDiffers,
  grown,
  readBeside,
  takeGrowing,
  takeLargeObjects,
  takeSequences,
} from "../../lambdas/proof/besides.ts";
import { takeFingerprint } from "../../lambdas/proof/catalog.ts";
import { listTables, takeTableContent } from "../../lambdas/proof/checksums.ts";
import { scopeInWords, scopeOf } from "../../lambdas/proof/scope.ts";
import { contentModes } from "../../lambdas/proof/subjects.ts";
import type { RecordDoc } from "../../lambdas/shared/documents.ts";
import { useEmbedded } from "../support/embedded.ts";

const session = useEmbedded(`
  CREATE ROLE reader; CREATE ROLE other;
  SELECT lo_from_bytea(1001, 'one'), lo_from_bytea(1002, convert_to(repeat('two', 700000), 'UTF8'));
  GRANT SELECT ON LARGE OBJECT 1001 TO reader;
  CREATE TABLE ddl_log (id int GENERATED ALWAYS AS IDENTITY, what text, tag text);
  INSERT INTO ddl_log (what) VALUES ('first'), ('second'), (NULL);
  CREATE TABLE note (id int PRIMARY KEY); GRANT SELECT ON note TO reader;`);

const recorded = async (): Promise<RecordDoc> => {
  const growing = await takeGrowing(session, { ddl_log: "grows" });
  const largeObjects = await takeLargeObjects(session);
  return { at: "", seconds: 0, fingerprint: "", tables: [], sequences: [], growing, largeObjects };
};

/** Returns what is reported about a change that is undone again. */
async function told(change: string, undo: string, mayAdd = false) {
  const before = await recorded();
  await session.exec(change);
  const beside = await readBeside(session, before);
  const lines = besideThatDiffers(before, { largeObjects: await takeLargeObjects(session) }, beside, mayAdd);
  const added = grown(before.growing ?? [], beside.growing);
  await session.exec(undo);
  return { lines, added };
}

describe("of large objects,", () => {
  test.each([
    [
      "content",
      "SELECT lo_put(1001, 1, 'N')",
      "SELECT lo_put(1001, 1, 'n')",
      "2 as before, but not the same content",
    ],
    [
      "content beyond the first piece",
      "SELECT lo_put(1002, 2000000, 'N')",
      "SELECT lo_unlink(1002), lo_from_bytea(1002, convert_to(repeat('two', 700000), 'UTF8'))",
      "2 as before, but not the same content",
    ],
    [
      "their rights",
      "GRANT UPDATE ON LARGE OBJECT 1001 TO reader",
      "REVOKE UPDATE ON LARGE OBJECT 1001 FROM reader",
      "2 as before, but not the same owners, rights or comments",
    ],
    [
      "their owner",
      "ALTER LARGE OBJECT 1002 OWNER TO other",
      "ALTER LARGE OBJECT 1002 OWNER TO postgres",
      "2 as before, but not the same owners, rights or comments",
    ],
    [
      "a comment",
      "COMMENT ON LARGE OBJECT 1002 IS 'noted'",
      "COMMENT ON LARGE OBJECT 1002 IS NULL",
      "2 as before, but not the same owners, rights or comments",
    ],
    [
      "one that is gone",
      "SELECT lo_unlink(1001)",
      "SELECT lo_from_bytea(1001, 'one'); GRANT SELECT ON LARGE OBJECT 1001 TO reader",
      "1 of 2 are gone",
    ],
    ["one that was left behind", "SELECT lo_create(1003)", "SELECT lo_unlink(1003)", "1 added"],
  ])("%s is compared", async (_, change, undo, line) => {
    expect((await told(change, undo)).lines).toEqual([`large objects: ${line}`]);
    expect((await told("SELECT 1", "SELECT 1")).lines).toEqual([]);
  });

  test("a migration may add some, and those before must stay as they were", async () => {
    expect((await told("SELECT lo_create(1003)", "SELECT lo_unlink(1003)", true)).lines).toEqual([]);
    const both = "SELECT lo_create(1003), lo_put(1001, 1, 'N')";
    expect((await told(both, "SELECT lo_unlink(1003), lo_put(1001, 1, 'n')", true)).lines).toEqual([
      "large objects: 2 as before, but not the same content",
    ]);
  });

  test("those that the role may not read are counted as that, and the others are read", async () => {
    await session.exec("SET ROLE reader");
    const seen = await takeLargeObjects(session);
    await session.exec("RESET ROLE");
    expect(seen).toMatchObject({ count: "2", unread: "1", unreadOids: ["1002"] });
    expect(seen.properties).toBe((await takeLargeObjects(session)).properties);
  });
});

describe("of a table that only grows,", () => {
  test("added rows are reported, but are no difference", async () => {
    expect(await told("INSERT INTO ddl_log (what) VALUES ('more'), ('and more')", "")).toEqual({
      lines: [],
      added: ["public.ddl_log: 2 rows added, as it may grow"],
    });
  });

  test.each([
    ["is gone", "DELETE FROM ddl_log WHERE what = 'first'", "only 4 of 5 earlier rows are unchanged"],
    ["is changed", "UPDATE ddl_log SET what = 'x' WHERE id = 2", "only 3 of 4 earlier rows are unchanged"],
    [
      "is gone and another one came",
      "DELETE FROM ddl_log WHERE id = 2; INSERT INTO ddl_log (what) VALUES ('x')",
      "only 3 of 4 earlier rows are unchanged",
    ],
  ])("an earlier row that %s is a difference", async (_, change, words) => {
    expect((await told(change, "")).lines).toEqual([`public.ddl_log: may only grow, but ${words}`]);
  });

  test("a dropped column is a difference, even if a new one has its name", async () => {
    await session.exec("UPDATE ddl_log SET tag = 'kept'");
    const again = "ALTER TABLE ddl_log DROP tag; ALTER TABLE ddl_log ADD tag text";
    expect((await told(again, "UPDATE ddl_log SET tag = 'kept'")).lines).toEqual([
      "public.ddl_log: may only grow, but its 4 earlier rows have changed",
    ]);
    expect((await told("ALTER TABLE ddl_log DROP tag", "")).lines).toEqual(['public.ddl_log: without "tag"']);
  });

  test.each([["VACUUM (FULL, FREEZE) ddl_log"], ["CREATE INDEX ON ddl_log (id); REINDEX TABLE ddl_log"]])(
    "%s is none",
    async (does) => {
      for (const statement of does.split("; ")) expect((await told(statement, "")).lines).toEqual([]);
    },
  );
});

test("a partitioned table that grows stands for its partitions", async () => {
  await session.exec(`CREATE TABLE audit (id int, at date) PARTITION BY RANGE (at);
    CREATE TABLE audit_1 PARTITION OF audit FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
    CREATE TABLE audit_2 PARTITION OF audit FOR VALUES FROM ('2026-02-01') TO ('2026-03-01')`);
  const contents = { audit: "grows", audit_2: "count" } as const;
  expect((await takeGrowing(session, contents)).map(({ table }) => table)).toEqual(["public.audit_1"]);
  expect([...(await contentModes(session, contents))]).toContainEqual(["public.audit_2", "count"]);
  await session.exec("DROP TABLE audit");
});

test("an extension's table counts for the rows that are user data by its own word, where they may be read", async () => {
  await session.exec(`CREATE EXTENSION vector; CREATE TABLE part_config (name text, retention text, own bool);
    INSERT INTO part_config VALUES ('a', '1 year', false), ('built in', '1 year', true);
    CREATE TABLE internal (id int); ALTER EXTENSION vector ADD TABLE part_config; ALTER EXTENSION vector ADD TABLE internal;
    UPDATE pg_extension SET extconfig = ARRAY['part_config'::regclass::oid], extcondition = ARRAY['WHERE NOT own']
     WHERE extname = 'vector'`);
  const read = async () => {
    const listed = (await listTables(session)).find(({ table }) => table === "public.part_config");
    return listed && (await takeTableContent(session, listed.table, listed.columns, "full"));
  };
  const before = await read();
  expect(before).toMatchObject({ rows: "1" });
  expect((await listTables(session)).map(({ table }) => table)).not.toContain("public.internal");
  await session.exec("UPDATE part_config SET retention = '9 years' WHERE own");
  expect(await read()).toEqual(before);
  await session.exec("UPDATE part_config SET retention = '1 day' WHERE NOT own");
  expect((await read())?.checksum).not.toBe(before?.checksum);
  await session.exec("SET ROLE reader");
  const unread = (await takeFingerprint(session)).unread;
  expect(await read()).toBeUndefined();
  await session.exec("RESET ROLE; DROP EXTENSION vector");
  expect(unread).toEqual([{ kind: "rows of an extension's table", name: "public.part_config" }]);
});

test("a proof's scope states what it covers, what it does not, and why", async () => {
  await session.exec("SET ROLE reader");
  const catalog = await takeFingerprint(session);
  const [sequences, largeObjects] = [await takeSequences(session), await takeLargeObjects(session)];
  await session.exec("RESET ROLE");
  const table = { table: "public.note", columns: ["id"], rows: "0", checksum: "0" };
  const roles = catalog.objects.filter(({ kind }) => kind === "role").length;
  const scope = scopeOf({
    catalog,
    tables: [table, { ...table, table: "public.counted", checksum: null }],
    views: [],
    sequences,
    growing: [],
    largeObjects,
    unproven: 0,
  });
  expect(scopeInWords(scope)).toBe(
    `Proven: catalog of ${catalog.objects.length - roles} objects, 2 tables, 1 large object, ${roles} roles. ` +
      "Not proven: the values of 1 table (only counted, as the plan requests), 1 sequence (the role may not read it), " +
      "the content of 1 large object (the role may not read it).",
  );
});
