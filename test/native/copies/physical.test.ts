import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { docName, type RequestDoc } from "../../../lambdas/shared/documents.ts";
import { PhysicalInstances } from "../../../local/copies/physical-instances.ts";
import { addressIn } from "../../../local/server/address.ts";
import { type NativeDatabase, tinyDatabase } from "../../support/native.ts";
import { runPlan } from "../../support/rehearsal.ts";
import { type SourceServer, startSource, until } from "../../support/source-server.ts";

let database: NativeDatabase;
let source: SourceServer;

// A database on a server with everything that a copy must stop: a job that writes every second, a subscription that
// takes rows from a publisher's slot, and a session.
beforeAll(async () => {
  database = await tinyDatabase();
  source = await startSource({
    shared_preload_libraries: "pg_cron",
    "cron.database_name": database.name,
    "cron.use_background_workers": "on",
  });
  await source.session("postgres", (s) =>
    s.exec("ALTER ROLE notes_owner REPLICATION; GRANT pg_read_all_settings TO notes_owner"),
  );
  await source.session("postgres", (s) => s.exec("CREATE DATABASE publisher"));
  await source.session("publisher", async (s) => {
    await s.exec("CREATE TABLE taken (i int PRIMARY KEY); CREATE PUBLICATION p FOR TABLE taken");
    await s.query("SELECT pg_create_logical_replication_slot('the_slot', 'pgoutput')");
  });
  await source.session(database.name, async (s) => {
    await s.exec("CREATE TABLE taken (i int PRIMARY KEY); CREATE TABLE ticks (at timestamptz NOT NULL)");
    await s.exec(
      `CREATE SUBSCRIPTION s CONNECTION 'host=${source.host} port=5432 user=postgres dbname=publisher'
       PUBLICATION p WITH (create_slot = false, slot_name = 'the_slot')`,
    );
    await s.exec("ALTER TABLE taken OWNER TO notes_owner; ALTER TABLE ticks OWNER TO notes_owner");
    await s.exec(
      "CREATE EXTENSION pg_cron; GRANT USAGE ON SCHEMA cron TO notes_owner; GRANT SELECT ON ALL TABLES IN SCHEMA cron TO notes_owner; GRANT SELECT ON ALL SEQUENCES IN SCHEMA cron TO notes_owner",
    );
    await s.query(
      "SELECT cron.schedule('tick', '1 seconds', 'INSERT INTO ticks VALUES (clock_timestamp())')",
    );
  });
  await until(async () => (await ticks()) > 0 && (await isTaken(0)));
});
afterAll(async () => {
  await source?.close();
  await database?.drop();
});

async function ticks(): Promise<number> {
  const rows = await source.query<{ n: number }>(database.name, "SELECT count(*)::int AS n FROM ticks");
  return rows[0]?.n ?? 0;
}

/** Publishes a row, and waits until production has it: no copy took it. */
async function isTaken(i: number): Promise<boolean> {
  await source.query("publisher", `INSERT INTO taken VALUES (${i}) ON CONFLICT DO NOTHING`);
  await until(
    async () => (await source.query(database.name, `SELECT FROM taken WHERE i = ${i}`)).length === 1,
  );
  return true;
}

/** Returns what is left in this user's folder for copies. */
function left(): string[] {
  const parent = join(tmpdir(), `sluice-copies-${process.getuid?.()}`);
  return existsSync(parent) ? readdirSync(parent) : [];
}

const url = () => source.urlOf(database.name, "notes_owner");

describe("a physical copy", () => {
  test("has production's rows, settings and extensions, and nothing in it runs by itself from its first start", async () => {
    const instances = await PhysicalInstances.at(addressIn(url()));
    try {
      expect(await instances.copy("copy")).toEqual([]);
      const instance = await instances.describe("copy");
      // Production continued meanwhile, and still takes its rows.
      const before = await ticks();
      await until(async () => (await ticks()) > before);
      expect(await isTaken(1)).toBe(true);
      await instances.withSession({ host: instance?.endpoint?.host ?? "" }, async (s) => {
        expect(await s.query("SELECT count(*)::int > 0 AS has FROM ticks")).toEqual([{ has: true }]);
        expect(await s.query("SELECT FROM ticks WHERE at > pg_postmaster_start_time()")).toEqual([]);
        expect(await s.query("SELECT i FROM taken WHERE i = 1")).toEqual([]);
        expect(
          await s.query(
            "SELECT subname, subenabled FROM pg_subscription JOIN pg_database d ON d.oid = subdbid WHERE datname = current_database()",
          ),
        ).toEqual([{ subname: "s", subenabled: true }]);
        expect(await s.query("SELECT FROM pg_stat_subscription WHERE pid IS NOT NULL")).toEqual([]);
        expect(
          await s.query(
            `SELECT current_setting('cron.launch_active_jobs') AS jobs, current_setting('listen_addresses') AS listens,
                    current_setting('archive_mode') AS archives, current_setting('max_prepared_transactions') AS prepared`,
          ),
        ).toEqual([{ jobs: "off", listens: "", archives: "off", prepared: "5" }]);
      });
    } finally {
      await instances.close();
    }
    expect(left()).toEqual([]);
  });

  test("carries a whole run with production in use, and leaves neither files, servers nor changes", async () => {
    const roles = () => source.query("postgres", "SELECT rolname, rolconnlimit FROM pg_roles ORDER BY 1");
    const before = await roles();
    const { end, evidence } = await runPlan({
      databaseUrl: url(),
      copy: "physical",
      fence: "none",
      noGo: ["after-003"],
    });
    expect({ end: end.end, cause: end.cause, left: end.leftBehind }).toMatchObject({
      end: "RolledBack",
      left: [],
    });
    expect(await evidence.require(docName<RequestDoc>("request"))).toMatchObject({
      copyOf: database.name,
      copies: { how: "physical" },
    });
    expect(await roles()).toEqual(before);
    expect(await isTaken(2)).toBe(true);
    expect(left()).toEqual([]);
  }, 600_000);

  /** Starts a process that makes a copy, prints its place, and then runs that code. */
  const copying = (then: string) => {
    const module = (path: string) => JSON.stringify(new URL(`../../../${path}`, import.meta.url).href);
    const script = `
      const { PhysicalInstances } = await import(${module("local/copies/physical-instances.ts")});
      const { addressIn } = await import(${module("local/server/address.ts")});
      const instances = await PhysicalInstances.at(addressIn(process.env.SOURCE_URL));
      await instances.copy("copy");
      console.log((await instances.describe("copy")).endpoint.host);
      ${then}`;
    return spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
      env: { ...process.env, SOURCE_URL: url() },
      stdio: ["ignore", "pipe", "inherit"],
    });
  };

  test("is stopped and deleted when the run's process is killed", async () => {
    const child = copying("setInterval(() => undefined, 1000);");
    const folder = await new Promise<string>((resolve) =>
      child.stdout.once("data", (line) => resolve(String(line).trim())),
    );
    expect(existsSync(join(folder, "data", "postmaster.pid"))).toBe(true);
    child.kill("SIGKILL");
    await until(async () => left().length === 0);
    expect(existsSync(folder)).toBe(false);
  });

  test("is waited for until it has stopped, also by a process that has nothing else to do", async () => {
    const child = copying('await instances.close(); console.log("closed");');
    let said = "";
    child.stdout.on("data", (text) => {
      said += text;
    });
    // Node exits with 13 if a process ends while it awaits something.
    expect(await new Promise((resolve) => child.once("exit", resolve))).toBe(0);
    expect(said).toContain("closed");
    expect(left()).toEqual([]);
  });

  test("is refused with what a role lacks, before anything is copied", async () => {
    await source.session("postgres", (s) => s.exec("ALTER ROLE notes_owner NOREPLICATION"));
    await expect(runPlan({ databaseUrl: url(), copy: "physical" })).rejects.toThrow(
      /ALTER ROLE notes_owner REPLICATION/,
    );
    await source.session("postgres", (s) => s.exec("ALTER ROLE notes_owner REPLICATION"));
    expect(left()).toEqual([]);
  });
});
