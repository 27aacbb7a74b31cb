import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "vitest";
import { withPgSession } from "../../../lambdas/shared/pg-session.ts";
import { dropLetGo, LET_GO_UP_TO_BYTES, letGo } from "../../../local/copies/let-go.ts";
import { ServerInstances } from "../../../local/server-instances.ts";
import { databases, type NativeDatabase, onServer, tinyDatabase, urlOf } from "../../support/native.ts";
import { runPlan } from "../../support/rehearsal.ts";

let original: NativeDatabase;
let copy: string;
beforeEach(async () => {
  original = await tinyDatabase();
  copy = `sluice-test-${randomBytes(4).toString("hex")}`;
});
afterEach(async () => {
  await onServer(dropLetGo);
  await new ServerInstances(urlOf("postgres"), copy).drop(copy);
  await original.drop();
});

const letGoNow = async () => (await databases()).filter((name) => name.startsWith("sluice-let-go-"));

/** Makes a copy as a run does, and lets it go. */
async function lettingGo(): Promise<ServerInstances> {
  const instances = new ServerInstances(original.url);
  await instances.copy(original.name, copy);
  await instances.startDelete(copy);
  return instances;
}

test("a copy that is let go is gone for the run, and dropped when the run is over", async () => {
  const instances = await lettingGo();
  expect(await instances.describe(copy)).toBeUndefined();
  expect(await letGoNow()).toHaveLength(1);
  await instances.dropLetGo();
  expect(await letGoNow()).toEqual([]);
});

test("letting a copy go makes a checkpoint, so that no copy in the downtime has to do it", async () => {
  await new ServerInstances(original.url).copy(original.name, copy);
  const past = await onServer(async (session) => {
    const [now] = await session.query<{ at: string }>("SELECT pg_current_wal_insert_lsn()::text AS at");
    expect(await letGo(session, copy, LET_GO_UP_TO_BYTES)).toBe(true);
    const [row] = await session.query<{ past: boolean }>(
      "SELECT checkpoint_lsn >= $1::pg_lsn AS past FROM pg_control_checkpoint()",
      [now?.at],
    );
    return row?.past;
  });
  expect(past).toBe(true);
});

test("another copy of the same name can be made and let go too", async () => {
  const instances = await lettingGo();
  await instances.copy(original.name, copy);
  expect(await instances.describe(copy)).toBeDefined();
  await instances.startDelete(copy);
  expect(await letGoNow()).toHaveLength(2);
});

test("what a killed run has let go, the next one drops", async () => {
  await lettingGo();
  const { end } = await runPlan({ databaseUrl: original.url });
  expect(end).toMatchObject({ end: "Succeeded", leftBehind: [] });
  expect(await letGoNow()).toEqual([]);
});

test("one that somebody is in is dropped at once, and its sessions ended", async () => {
  const instances = new ServerInstances(original.url);
  await instances.copy(original.name, copy);
  await withPgSession({ connectionString: urlOf(copy, "notes_owner") }, async (session) => {
    await instances.startDelete(copy);
    await expect(session.query("SELECT 1")).rejects.toThrow();
  }).catch(() => undefined);
  expect((await databases()).filter((name) => name === copy)).toEqual([]);
  expect(await letGoNow()).toEqual([]);
});

test("there is room for so much in all, and what is more is not let go", async () => {
  await lettingGo();
  const bytes = await onServer((session) =>
    session.query<{ size: string }>(
      "SELECT pg_database_size(oid)::text AS size FROM pg_database WHERE datname ~ '^sluice-let-go-'",
    ),
  );
  await new ServerInstances(original.url).copy(original.name, copy);
  const room = 1.5 * Number(bytes[0]?.size);
  expect(await onServer((session) => letGo(session, copy, room))).toBe(false);
  expect(await onServer((session) => letGo(session, copy, 2 * room))).toBe(true);
});
