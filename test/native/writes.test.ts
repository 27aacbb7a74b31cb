import { afterEach, beforeEach, expect, test } from "vitest";
import { withPgSession } from "../../lambdas/shared/pg-session.ts";
import { takeMark, writtenBetween } from "../../lambdas/writes/mark.ts";
import { type NativeDatabase, onServer, tinyDatabase } from "../support/native.ts";

let database: NativeDatabase;
beforeEach(async () => {
  database = await tinyDatabase();
});
afterEach(() => database.drop());

const mark = () =>
  withPgSession({ connectionString: database.url }, (session) => takeMark(session, new Date()));

/** Kills a backend as the kernel does when memory runs out: the server ends all others and goes on by itself. */
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

test("after a crash that the server survives by itself, counters tell nothing", async () => {
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
