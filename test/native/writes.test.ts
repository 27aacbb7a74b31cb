import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { recordTask } from "../../lambdas/proof/record.ts";
import { takeMark, writesTask, writtenBetween } from "../../lambdas/proof/writes.ts";
import { Doc, docName } from "../../lambdas/shared/documents.ts";
import { evidenceOf } from "../../lambdas/shared/evidence.ts";
import { withPgSession } from "../../lambdas/shared/pg-session.ts";
import type { Session } from "../../lambdas/shared/session.ts";
import { invoke, type Task } from "../../lambdas/shared/task.ts";
import { type NativeDatabase, onServer, tinyDatabase } from "../support/native.ts";
import { memoryPorts } from "../support/ports.ts";

let database: NativeDatabase;
beforeEach(async () => {
  database = await tinyDatabase();
});
afterEach(() => database.drop());

const mark = () =>
  withPgSession({ connectionString: database.url }, (session) => takeMark(session, new Date()));

/** Kills a backend as the kernel does when memory runs out: the server ends all others and continues by itself. */
async function crash(): Promise<void> {
  const [before] = await onServer((session) =>
    session.query<{ start: string }>("SELECT pg_postmaster_start_time()::text AS start"),
  );
  await onServer(async (session) => {
    const [own] = await session.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
    await session.exec(`COPY (SELECT) TO PROGRAM 'kill -9 ${own?.pid}'`);
  }).catch(() => undefined);
  for (;;) {
    const [after] = await onServer((session) =>
      session.query<{ start: string }>("SELECT pg_postmaster_start_time()::text AS start"),
    ).catch(() => []);
    if (after) return expect(after).toEqual(before);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test("after a crash that the server survives by itself, counters show nothing", async () => {
  const before = await mark();
  await withPgSession({ connectionString: database.url }, (session) =>
    session.exec("UPDATE note SET body = 'late'"),
  );
  await crash();
  expect(writtenBetween(before, await mark())).toBeNull();
});

test("what a session wrote that ended is counted", async () => {
  const before = await mark();
  await withPgSession({ connectionString: database.url }, (session) =>
    session.exec("UPDATE note SET body = 'late'"),
  );
  expect(writtenBetween(before, await mark())).toMatchObject([{ table: "public.note", how: "rows" }]);
});

describe("between the record and the first migration, where production is backed up to a moment", () => {
  const within = <T>(work: (session: Session) => Promise<T>) =>
    withPgSession({ connectionString: database.url }, work);

  /** A run that has just recorded production, and noted the moment. */
  async function recorded() {
    const ports = memoryPorts({
      databases: { single: false, withSession: (_endpoint, work) => within(work) },
    });
    ports.clock.now = () => new Date();
    const evidence = evidenceOf(ports.evidence, "run-1");
    await evidence.createOnce(docName(Doc.production), {
      endpoint: { host: "production", port: 5432 },
      moments: { by: "archive", baseAt: null },
    });
    await evidence.createOnce(docName(Doc.backup), { by: "point-in-time", why: [] });
    const call = <Event>(task: Task<Event>, event: object) =>
      invoke(
        task,
        { run: "run-1", execution: "e", planChecksum: "a".repeat(64), state: "a state", ...event },
        ports,
      );
    await call(recordTask, { when: "before" });
    return { ports, look: () => call(writesTask, { action: "look" }) };
  }
  const WAITS = expect.stringContaining("Others are connected");

  test("a write is seen from a session that stays connected, and has not reported it to the server's counters yet", async () => {
    await within(async (stranger) => {
      const { look, ports } = await recorded();
      await stranger.query("SELECT count(*) FROM note");
      await stranger.exec("UPDATE note SET body = 'late'");
      await expect(look()).rejects.toThrow(/public\.note: rows: \d+ updated/);
      expect(ports.lines).toContainEqual(WAITS);
    });
  });

  test("nothing is waited for where somebody writes elsewhere on the server, and nobody else is connected", async () => {
    const { look, ports } = await recorded();
    await onServer((session) => session.query("SELECT pg_current_xact_id()"));
    await look();
    expect(ports.lines).not.toContainEqual(WAITS);
  });
});
