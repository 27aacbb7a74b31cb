import { existsSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { RequestDoc } from "../../../lambdas/shared/documents.ts";
import { withPgSession } from "../../../lambdas/shared/pg-session.ts";
import { BIN_VARIABLE } from "../../../local/copies/programs.ts";
import { databases, type NativeDatabase, onServer, tinyDatabase } from "../../support/native.ts";
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
  await onServer((s) => s.exec("ALTER ROLE notes_owner REPLICATION"));
});
afterEach(async () => {
  await onServer((s) => s.exec("ALTER ROLE notes_owner NOREPLICATION"));
  await database.drop();
});

/** What runs have in this user's folder for copies. */
function left(): string[] {
  const parent = join(tmpdir(), `sluice-copies-${process.getuid?.()}`);
  return existsSync(parent) ? readdirSync(parent) : [];
}

describe("a rehearsal on physical copies", () => {
  test("goes through with the database in use, and leaves neither files, servers nor databases", async () => {
    const before = await databases();
    const { end, evidence } = await withPgSession({ connectionString: database.url }, () =>
      runPlan({ databaseUrl: database.url, copy: "physical" }),
    );
    expect(end).toMatchObject({ end: "Succeeded", leftBehind: [] });
    expect(await evidence.need<RequestDoc>("request")).toMatchObject({
      copyOf: database.name,
      copies: { how: "physical" },
    });
    expect(await databases()).toEqual(before);
    expect(left()).toEqual([]);
  });
});
