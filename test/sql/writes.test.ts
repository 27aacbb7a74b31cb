import { beforeEach, describe, expect, test } from "vitest";
import { recordTask } from "../../lambdas/proof/record.ts";
import { writesTask } from "../../lambdas/proof/writes.ts";
import { Doc, docName } from "../../lambdas/shared/documents.ts";
import { evidenceOf } from "../../lambdas/shared/evidence.ts";
import type { Databases } from "../../lambdas/shared/ports.ts";
import { invoke, type Task } from "../../lambdas/shared/task.ts";
import { useEmbedded } from "../support/embedded.ts";
import { memoryPorts } from "../support/ports.ts";

const session = useEmbedded("CREATE TABLE schema_migrations (version text)");

beforeEach(() =>
  session.exec(`
    DROP SCHEMA IF EXISTS app CASCADE; CREATE SCHEMA app;
    CREATE TABLE app.orders (id int PRIMARY KEY, total numeric);
    INSERT INTO app.orders SELECT n, n FROM generate_series(1, 10) n;
    CREATE TABLE app.lines (id int);
    INSERT INTO app.lines VALUES (1), (2)`),
);

const databases: Databases = { single: true, withSession: (_endpoint, work) => work(session) };

/** The same databases, but this SQL runs while a worker waits. */
const writing = (sql: string): Databases => ({
  single: true,
  withSession: (_endpoint, work) =>
    work({
      ...session,
      query: async <Row>(text: string, params?: readonly unknown[]) => {
        if (text.includes("pg_sleep")) await session.exec(sql);
        return await session.query<Row>(text, params);
      },
    }),
});

/** A run that has just recorded production. */
async function recorded(
  fence: "connect" | "none" = "connect",
  contents: Record<string, "count" | "sample" | "full"> = {},
  backup: "snapshot" | "point-in-time" = "snapshot",
) {
  const ports = memoryPorts({ databases, settings: { fence }, plan: { contents } });
  const evidence = evidenceOf(ports.evidence, "run-1");
  await evidence.createOnce(docName(Doc.production), {
    endpoint: { host: "production", port: 5432 },
    moments: { by: "copy", baseAt: null },
  });
  await evidence.createOnce(docName(Doc.backup), { by: backup, why: [] });
  const call = <Event>(task: Task<Event>, event: object) =>
    invoke(
      task,
      { run: "run-1", execution: "e", planChecksum: "a".repeat(64), state: "a state", ...event },
      ports,
    );
  await call(recordTask, { when: "before" });
  return {
    ports,
    evidence,
    look: () => call(writesTask, { action: "look" }),
    loss: async () => {
      await call(writesTask, { action: "count" });
      return await evidence.require(Doc.loss);
    },
  };
}

describe("before the first migration", () => {
  test("writes during the wait for the moment are refused: a restore would contain them, the record does not", async () => {
    const { look, evidence, ports } = await recorded();
    const [clock] = await session.query<{ soon: Date }>(
      "SELECT clock_timestamp() + interval '0.3 s' AS soon",
    );
    const at = clock?.soon.toISOString();
    await evidence.createOnce(docName(Doc.moment("final")), {
      moment: { at, lsn: null, timeline: null },
      notedAt: at,
    });
    ports.databases = writing("INSERT INTO app.orders VALUES (11, 1)");
    await expect(look()).rejects.toThrow(/app\.orders: rows: 1 inserted/);
  });

  test.each([
    ["and nobody wrote it continues at once", "SELECT 1", false],
    ["and somebody wrote it waits until the counters have it", "SELECT pg_current_xact_id()", true],
  ])("if others are connected %s", async (_, sql, waits) => {
    const { look, ports } = await recorded("connect", {}, "point-in-time");
    await session.exec(sql);
    let asked = 0;
    const others = async <Row>(text: string, params?: readonly unknown[]) =>
      text.includes("AS others")
        ? ([{ others: asked++ === 0 ? 1 : 0 }] as Row[])
        : await session.query<Row>(text, params);
    ports.databases = { single: true, withSession: (_endpoint, work) => work({ ...session, query: others }) };
    await look();
    expect(ports.lines.some((line) => line.includes("Others are connected"))).toBe(waits);
  });

  test("the run continues if nothing was written since the record", async () => {
    const { look, evidence } = await recorded();
    await look();
    expect(await evidence.read(Doc.written("migration"))).toMatchObject({ tables: [] });
  });

  test.each([
    ["an insert", "INSERT INTO app.orders VALUES (11, 1)", "app.orders: rows: 1 inserted"],
    ["an update", "UPDATE app.orders SET total = 0 WHERE id < 3", "app.orders: rows: 2 updated"],
    ["a delete", "DELETE FROM app.lines", "app.lines: rows: 2 deleted"],
    [
      "a delete and the same rows again",
      "DELETE FROM app.lines; INSERT INTO app.lines VALUES (1), (2)",
      "app.lines: rows: 2 inserted, 2 deleted",
    ],
    ["a truncation, which no counter shows", "TRUNCATE app.lines", "app.lines: truncated or rewritten"],
    ["a new table", "CREATE TABLE app.extra (x int)", "app.extra: a new table"],
    ["a table that is gone", "DROP TABLE app.lines", "app.lines: the table is gone"],
    ["a large object", "SELECT lo_from_bytea(0, 'late')", "pg_catalog.pg_largeobject: rows: 1 inserted"],
  ])("behind the fence %s ends the run, and the table is named", async (_what, sql, words) => {
    const { look } = await recorded();
    await session.exec(sql);
    await expect(look()).rejects.toMatchObject({
      name: "BackupMismatch",
      message: expect.stringContaining(words),
    });
  });

  test("without a fence writes are noted, and the run continues", async () => {
    const { look, evidence } = await recorded("none");
    await session.exec("INSERT INTO app.orders VALUES (11, 1)");
    await look();
    expect(await evidence.read(Doc.written("migration"))).toMatchObject({
      tables: [{ table: "app.orders", inserted: 1 }],
    });
  });

  test("reading and analyzing are no writes", async () => {
    const { look } = await recorded();
    await session.exec("ANALYZE");
    await session.exec("VACUUM app.orders");
    await session.query("SELECT * FROM app.orders");
    await look();
  });
});

describe("before a restore", () => {
  test("counts writes table by table, and does not read untouched tables", async () => {
    const { loss, ports } = await recorded("none");
    await session.exec("INSERT INTO app.orders VALUES (11, 1), (12, 1); DELETE FROM app.orders WHERE id = 1");
    ports.lines.length = 0;
    expect(await loss()).toMatchObject({
      applicationWasIn: true,
      tables: [{ table: "app.orders", rowsBefore: "10", rowsNow: "11", inserted: 2, updated: 0, deleted: 1 }],
      asRecorded: 1,
      byCounters: 1,
    });
    expect(ports.lines.some((line) => line.includes("app.lines"))).toBe(false);
  });

  test("a change that keeps the number of rows is found by their checksum", async () => {
    const { loss } = await recorded();
    await session.exec("UPDATE app.orders SET total = total + 1");
    expect((await loss()).tables).toMatchObject([
      { table: "app.orders", rowsBefore: "10", rowsNow: "10", updated: 10 },
    ]);
  });

  test("a migration's own column and backfill are no loss: what was recorded is still there", async () => {
    const { loss } = await recorded();
    await session.exec("ALTER TABLE app.orders ADD COLUMN tenant text; UPDATE app.orders SET tenant = 'one'");
    expect(await loss()).toMatchObject({ tables: [], asRecorded: 2, byCounters: 1 });
  });

  test("a missing table, and one that the application filled, are reported", async () => {
    const { loss } = await recorded("none");
    await session.exec(
      "DROP TABLE app.lines; CREATE TABLE app.extra (x int); INSERT INTO app.extra VALUES (1)",
    );
    expect((await loss()).tables).toMatchObject([
      { table: "app.lines", rowsBefore: "2", rowsNow: null },
      { table: "app.extra", rowsBefore: null, inserted: 1 },
    ]);
  });

  test("a table whose rows are only counted is not called as recorded once the application wrote to it", async () => {
    const { loss } = await recorded("none", { "app.orders": "count", "app.lines": "count" });
    await session.exec("UPDATE app.orders SET total = 0");
    expect(await loss()).toMatchObject({
      tables: [{ table: "app.orders", rowsBefore: "10", rowsNow: "10", updated: 10 }],
      asRecorded: 1,
      byCounters: 1,
    });
  });

  test("large objects that the application wrote are reported, although their contents are not recorded", async () => {
    const { loss } = await recorded("none");
    await session.exec("SELECT lo_from_bytea(0, 'late')");
    expect((await loss()).tables).toEqual([
      {
        table: "pg_catalog.pg_largeobject",
        rowsBefore: null,
        rowsNow: null,
        inserted: 1,
        updated: 0,
        deleted: 0,
      },
    ]);
  });

  test("with the application kept out, rows that migrations put into new tables are no loss", async () => {
    const { loss } = await recorded();
    await session.exec("CREATE TABLE app.extra (x int); INSERT INTO app.extra VALUES (1)");
    expect(await loss()).toMatchObject({ applicationWasIn: false, tables: [] });
  });

  test.each([
    ["were set back", "SELECT pg_stat_reset()"],
    // A crash sets all of them back; that of the database is not noted.
    ["were lost in a crash that the server survived", "SELECT pg_stat_reset_shared('bgwriter')"],
    ["are off", "SET track_counts = off"],
  ])("where the server's counters %s, every table is read", async (_what, sql) => {
    const { loss } = await recorded();
    await session.exec(`UPDATE app.lines SET id = 3 WHERE id = 2; ${sql}`);
    const counted = await loss();
    await session.exec("RESET track_counts");
    expect(counted).toMatchObject({
      tables: [{ table: "app.lines", inserted: null, updated: null, deleted: null }],
      asRecorded: 1,
      byCounters: 0,
    });
  });

  test("the schema's version, which the run itself writes, is no loss", async () => {
    const { loss } = await recorded();
    await session.exec("INSERT INTO schema_migrations VALUES ('2')");
    expect((await loss()).tables).toEqual([]);
  });
});
