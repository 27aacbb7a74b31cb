import { afterEach, beforeEach, expect, test } from "vitest";
import { takeTableContent } from "../../lambdas/proof/checksums.ts";
import { takeRecord } from "../../lambdas/proof/take-record.ts";
import { Doc, docName } from "../../lambdas/shared/documents.ts";
import { evidenceOf } from "../../lambdas/shared/evidence.ts";
import { withPgSession } from "../../lambdas/shared/pg-session.ts";
import type { Databases } from "../../lambdas/shared/ports.ts";
import { type NativeDatabase, tinyDatabase } from "../support/native.ts";
import { memoryPorts } from "../support/ports.ts";

let database: NativeDatabase;
beforeEach(async () => {
  database = await tinyDatabase();
});
afterEach(() => database.drop());

/** Records the database, and counts the sessions that did anything. */
async function recorded(fence: "connect" | "none") {
  const sessions = new Set<string>();
  const databases: Databases = {
    single: false,
    withSession: (_endpoint, work) =>
      withPgSession({ connectionString: database.url }, async (session) => {
        const [own] = await session.query<{ pid: string }>("SELECT pg_backend_pid()::text AS pid");
        sessions.add(own?.pid ?? "");
        return await work(session);
      }),
  };
  const ports = memoryPorts({ databases, settings: { fence } });
  const evidence = evidenceOf(ports.evidence, "run-1");
  await evidence.createOnce(docName(Doc.production), { endpoint: { host: database.name, port: 5432 } });
  const record = await databases.withSession({ host: "", port: 0 }, (session) =>
    takeRecord(ports, evidence, {
      name: "before",
      target: "production",
      session,
      scope: { of: "all", read: () => ({ mode: "full", byColumn: false }) },
      since: undefined,
    }),
  );
  return { record, sessions: sessions.size };
}

test("behind the fence tables are read by several sessions at once, and come to the same", async () => {
  await withPgSession({ connectionString: database.url }, (session) =>
    session.exec(
      Array.from(
        // Small ones are read some twenty at a time.
        { length: 100 },
        (_, i) => `CREATE TABLE t${i} AS SELECT n, n * ${i} AS m FROM generate_series(1, 50) AS n;`,
      ).join(""),
    ),
  );
  const { record, sessions } = await recorded("connect");
  // Four that read tables, and one with the catalog beside them.
  expect(sessions).toBe(5);
  await withPgSession({ connectionString: database.url }, async (session) => {
    expect(record?.tables).toHaveLength(102);
    for (const content of record?.tables ?? [])
      expect(await takeTableContent(session, content.table, content.columns, "full")).toEqual(content);
  });
});

test("where the application works on meanwhile, it is read by one session", async () => {
  const { record, sessions } = await recorded("none");
  expect(sessions).toBe(1);
  expect(record?.tables.map(({ table }) => table)).toEqual(["public.note", "public.versions"]);
});
