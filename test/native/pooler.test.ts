import pg from "pg";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { main } from "../../bin/commands/main.ts";
import { databases, type NativeDatabase, tinyDatabase } from "../support/native.ts";
import { type Pooler, startPooler } from "../support/pgbouncer.ts";
import { runPlan, TINY_PLAN } from "../support/rehearsal.ts";
import { FakeTerminal } from "../unit/terminal/fake-terminal.ts";

let database: NativeDatabase;
let pooler: Pooler;
let owner: string;
beforeAll(async () => {
  database = await tinyDatabase();
  owner = new URL(database.url).username;
  pooler = await startPooler([owner, "postgres"]);
});
afterAll(async () => {
  await pooler?.close();
  await database?.drop();
});

const through = ({ name }: NativeDatabase) => pooler.urlOf(name, owner);

/** Uses the pooler's one connection as the application does, and returns the settings and locks that others left in it. */
async function application(used: NativeDatabase) {
  const client = new pg.Client({ connectionString: through(used) });
  await client.connect();
  try {
    await client.query("INSERT INTO note (body) VALUES ('through the pooler')");
    const { rows: settings } = await client.query(
      "SELECT name, setting FROM pg_settings WHERE source = 'session' AND name NOT IN ('application_name', 'client_encoding', 'transaction_read_only') ORDER BY 1",
    );
    const { rows: locks } = await client.query(
      "SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory'",
    );
    return { settings, locks: locks[0].count };
  } finally {
    await client.end();
  }
}

async function sluice(...args: string[]) {
  const terminal = new FakeTerminal();
  const code = await main(args, terminal);
  return { code, out: terminal.out, err: terminal.err };
}

test("watch --once leaves the application's connection as it was: it still writes, without limits or locks of the watch", async () => {
  const before = await application(database);
  // It reads everything, although there are no authors before the migration.
  const { code, out } = await sluice(
    "watch",
    "--once",
    "--plan",
    TINY_PLAN,
    "--database-url",
    through(database),
  );
  expect({ code, out }).toMatchObject({ code: 4, out: expect.stringContaining("Connections") });
  expect(await application(database)).toEqual(before);
});

test("prove leaves the application's connection as it was", async () => {
  // One that the pooler has no connection to yet: a run needs it to itself.
  const another = await tinyDatabase();
  onTestFinished(() => another.drop());
  const { end } = await runPlan({ databaseUrl: another.url, apply: true, noGo: ["after-002"] });
  expect(end.end).toBe("RolledBack");
  const before = await application(another);
  // The application wrote since: it is not back, and is compared to the end.
  expect((await sluice("prove", end.evidence, "--database-url", through(another))).code).toBe(3);
  expect(await application(another)).toEqual(before);
});

test.each([[[]], [["--apply"]]])(
  "a run with %j is refused by name as a usage error, and changes nothing",
  async (flags) => {
    const before = [await application(database), await databases()];
    const { code, err } = await sluice(
      "rehearse",
      "--plan",
      TINY_PLAN,
      "--database-url",
      through(database),
      ...flags,
    );
    expect({ code, err }).toEqual({
      code: 2,
      err: expect.stringMatching(/is a connection pooler \(such as PgBouncer/),
    });
    expect([await application(database), await databases()]).toEqual(before);
  },
);
