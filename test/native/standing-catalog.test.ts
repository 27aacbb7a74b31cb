import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { takeFingerprint } from "../../lambdas/proof/catalog.ts";
import { type StandingCatalog, standingCatalog } from "../../lambdas/proof/stored-record.ts";
import { evidenceOf, type RunEvidence } from "../../lambdas/shared/evidence.ts";
import { memoryPorts } from "../support/ports.ts";
import { countingReadings } from "../support/readings.ts";
import { type SourceServer, startSource, until } from "../support/source-server.ts";

// These tests need their own server: every transaction on it counts, and one test crashes it.
let server: SourceServer;
const database = `standing_${randomBytes(3).toString("hex")}`;
beforeAll(async () => {
  server = await startSource({ synchronous_commit: "off", wal_writer_delay: "10s", autovacuum: "off" });
  await server.query("postgres", `CREATE DATABASE ${database}`);
});
afterAll(() => server.close());

let evidence: RunEvidence;
beforeEach(() => {
  evidence = evidenceOf(memoryPorts({}).evidence, "run-1");
});

/** Reads it in a new session, as each worker does. */
async function standing(): Promise<StandingCatalog & { read: number }> {
  return await server.session(database, async (own) => {
    const { session, readings } = countingReadings(own);
    const found = await standingCatalog(session, evidence, []);
    return { ...found, read: readings() };
  });
}

const now = async () => (await server.session(database, (session) => takeFingerprint(session))).hash;

test("a catalog stands from one session to the next while nothing is committed", async () => {
  const first = await standing();
  await server.query(database, "SELECT count(*) FROM pg_class");
  expect(await standing()).toMatchObject({ doc: first.doc, read: 0 });
});

test("what is done to another database, or by one's transaction under way, is looked at; the catalog is the same", async () => {
  const first = await standing();
  await server.query("postgres", "CREATE TABLE IF NOT EXISTS elsewhere (id int)");
  await server.query("postgres", "DROP TABLE elsewhere");
  expect(await standing()).toMatchObject({ doc: first.doc, read: 1 });
  await server.session(database, async (other) => {
    await other.exec("BEGIN; CREATE TABLE under_way (id int)");
    expect((await standing()).doc.hash).toBe(first.doc.hash);
    await other.exec("COMMIT");
    expect((await standing()).doc.hash).not.toBe(first.doc.hash);
  });
});

test("a prepared transaction changes it when it is committed", async () => {
  await server.session(database, (session) =>
    session.exec("BEGIN; CREATE TABLE prepared (id int); PREPARE TRANSACTION 'standing'"),
  );
  const before = await standing();
  expect(await standing()).toMatchObject({ doc: before.doc, read: 0 });
  await server.query(database, "COMMIT PREPARED 'standing'");
  expect((await standing()).doc.hash).not.toBe(before.doc.hash);
});

test("a role's right that a superuser gives from another database shows", async () => {
  await server.query(database, "CREATE ROLE standing_role; GRANT CREATE ON SCHEMA public TO standing_role");
  const before = await standing();
  await server.query("postgres", "ALTER ROLE standing_role CREATEDB");
  expect((await standing()).doc.hash).not.toBe(before.doc.hash);
});

test("after a crash a number that is used again for another change is not taken for the first", async () => {
  const snapshot = async () =>
    (await server.query<{ now: string }>(database, "SELECT pg_current_snapshot()::text AS now"))[0]?.now;
  await server.query(database, "CHECKPOINT");
  await server.session(database, (session) =>
    // Not on disk when the server crashes, a moment later.
    session.exec("SET synchronous_commit = off; CREATE TABLE first (id int)"),
  );
  const first = await standing();
  const before = await snapshot();
  await server.query(database, "COPY (SELECT 1) TO PROGRAM 'kill -9 $PPID'").catch(() => undefined);
  await until(() =>
    now().then(
      () => true,
      () => false,
    ),
  );
  await server.query(database, "CREATE TABLE second (id int)");
  expect(await snapshot(), "the crash lost nothing, so this test shows nothing").toBe(before);
  const second = await standing();
  expect(second.doc.hash).not.toBe(first.doc.hash);
  expect(second.doc.hash).toBe(await now());
});
