import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mistakeIn } from "../../../bin/commands/mistake.ts";
import { ServerInstances } from "../../../local/server-instances.ts";
import { type SourceServer, startSource, until } from "../../support/source-server.ts";

let source: SourceServer;
const HELD = ["cron", "subscribed", "published", "prepared", "session"];
/** By what holds the database: the result of a copy by its plain owner, and by a superuser. */
const said: Record<string, unknown> = {};
let client: pg.Client;

beforeAll(async () => {
  source = await startSource({ shared_preload_libraries: "pg_cron", "cron.database_name": "held_cron" });
  await source.session("postgres", async (s) => {
    await s.exec("CREATE ROLE held_owner LOGIN CREATEDB");
    for (const name of HELD) await s.exec(`CREATE DATABASE held_${name} OWNER held_owner`);
  });
  await source.session("held_published", async (s) => {
    await s.exec("CREATE TABLE t (i int PRIMARY KEY); CREATE PUBLICATION p FOR TABLE t");
    await s.query("SELECT pg_create_logical_replication_slot('held_slot', 'pgoutput')");
  });
  // No first copy of the table: its own slot would wait for the prepared transaction's end.
  await source.session("held_subscribed", async (s) => {
    await s.exec("CREATE TABLE t (i int PRIMARY KEY)");
    await s.exec(
      `CREATE SUBSCRIPTION held_subscription CONNECTION 'host=${source.host} port=5432 user=postgres dbname=held_published'
       PUBLICATION p WITH (create_slot = false, slot_name = 'held_slot', copy_data = false)`,
    );
  });
  await source.session("held_prepared", (s) =>
    s.exec("BEGIN; CREATE TABLE x (); PREPARE TRANSACTION 'it''s one'"),
  );
  client = new pg.Client({
    ...{ host: source.host, port: 5432, user: "postgres", database: "held_session" },
    application_name: "a job",
  });
  await client.connect();
  await until(async () => {
    const [row] = await source.query<{ all: boolean }>(
      "postgres",
      `SELECT (SELECT count(*) FROM pg_replication_slots WHERE active) = 1
          AND EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'pg_cron scheduler' AND datname = 'held_cron') AS all`,
    );
    return row?.all === true;
  });
  const copy = (name: string, user: string) =>
    new ServerInstances(source.urlOf(`held_${name}`, user))
      .copy(`held_${name}`, `copy_${name}_${user}`)
      .catch((e: unknown) => e);
  await Promise.all(
    ["held_owner", "postgres"].flatMap((user) =>
      HELD.map(async (name) => {
        said[`${name} ${user}`] = await copy(name, user);
      }),
    ),
  );
});
afterAll(async () => {
  await client?.end();
  await source?.close();
});

const text = (name: string, user = "held_owner") => mistakeIn(said[`${name} ${user}`]) ?? "a bug in Sluice";

describe("a database that is held cannot be copied by template: it is said by what, and what helps", () => {
  test.each([
    ["cron", /pg_cron's launcher \(pid \d+, of postgres\): .*cron\.database_name/],
    [
      "subscribed",
      /subscription held_subscription \(worker pid \d+, of postgres\): .*ALTER SUBSCRIPTION held_subscription DISABLE/,
    ],
    ["published", /a reader of its changes \(pid \d+, of postgres, held_slot\): stop the subscriber/],
    ["prepared", /prepared transaction 'it''s one' \(of postgres\): .*ROLLBACK PREPARED 'it''s one'/],
    ["session", /a session \(pid \d+, of postgres, a job\): .*pg_terminate_backend\(\d+\)/],
  ])("%s", (name, expected) => {
    expect(text(name)).toMatch(expected);
    expect(text(name)).toMatch(/--copy physical .*--copy dump /);
  });

  test("a plain owner, who may do none of that, is advised to request it; a superuser is not", () => {
    for (const name of HELD) {
      expect(text(name), name).toMatch(/this run's role may not .*; ask the server's administrator/);
      expect(text(name, "postgres"), name).not.toContain("may not");
    }
  });

  test("no half copy is left", async () => {
    expect(
      await source.query("postgres", "SELECT datname FROM pg_database WHERE datname LIKE 'copy%'"),
    ).toEqual([]);
  });
});
