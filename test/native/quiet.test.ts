import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { enabledSubscriptions, noteActiveBefore, noteStopped } from "../../lambdas/fence/stilled.ts";
import { fenceTask } from "../../lambdas/fence/task.ts";
import { inspectJobs, inspectReplication } from "../../lambdas/preflight/inspect-sessions.ts";
import { takeFingerprint } from "../../lambdas/proof/catalog.ts";
import { listTables } from "../../lambdas/proof/checksums.ts";
import { Doc, docName, type StilledDoc } from "../../lambdas/shared/documents.ts";
import { evidenceOf } from "../../lambdas/shared/evidence.ts";
import type { Databases, Ports } from "../../lambdas/shared/ports.ts";
import type { Session } from "../../lambdas/shared/session.ts";
import { invoke } from "../../lambdas/shared/task.ts";
import { eventually } from "../e2e/command.ts";
import { type Cluster, Clusters } from "../support/physical.ts";
import { memoryPorts } from "../support/ports.ts";

// Jobs and subscriptions that a snapshot contains, or that run behind a fence. Each test has its own server, and physical
// copies of it, as a restore on RDS makes them.

const PRODUCTION = {
  shared_preload_libraries: "pg_cron",
  "cron.database_name": "postgres",
  wal_level: "logical",
};
/** As the parameter group of a run has it. */
const QUIET = { max_logical_replication_workers: "0", "cron.launch_active_jobs": "off" };

let clusters: Clusters;
let production: Cluster;
let publisher: Cluster;

beforeAll(async () => {
  clusters = new Clusters();
  production = await clusters.create(PRODUCTION);
  publisher = await clusters.create({ wal_level: "logical" });
  await production.on("postgres", async (session) => {
    await session.exec("CREATE EXTENSION pg_cron");
    await session.exec("CREATE ROLE shop_owner LOGIN; CREATE ROLE shop_app LOGIN; CREATE ROLE web LOGIN");
    await session.exec("GRANT pg_signal_backend, shop_app TO shop_owner");
    await session.exec("GRANT USAGE ON SCHEMA cron TO shop_owner");
    await session.exec("GRANT EXECUTE ON FUNCTION cron.alter_job, cron.schedule_in_database TO shop_owner");
    await session.exec("CREATE DATABASE shop OWNER shop_owner");
    await session.exec("CREATE DATABASE other");
  });
});
afterAll(() => clusters.close());

const asOwner = <T>(work: (session: Session) => Promise<T>) => production.on("shop", work, "shop_owner");

beforeEach(async () => {
  await production.on("postgres", (session) => session.exec("DELETE FROM cron.job"));
  await asOwner((session) =>
    session.exec("DROP TABLE IF EXISTS tick; CREATE TABLE tick (at timestamptz DEFAULT clock_timestamp())"),
  );
});

/** Schedules as that role what writes a row every second. */
const schedule = (name: string, database = "shop", role = "shop_owner", cluster = production) =>
  cluster.on(
    "postgres",
    (session) =>
      session.query(
        "SELECT cron.schedule_in_database($1, '1 second', 'INSERT INTO public.tick DEFAULT VALUES', $2)",
        [name, database],
      ),
    role,
  );

const ticks = async (cluster = production) =>
  (await cluster.on("shop", (session) => session.query("SELECT FROM tick"))).length;

const active = (cluster = production) =>
  cluster.on("postgres", async (session) =>
    (
      await session.query<{ name: string }>("SELECT jobname AS name FROM cron.job WHERE active ORDER BY 1")
    ).map(({ name }) => name),
  );

const wait = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

function databasesOf(role: string): Databases {
  return {
    single: false,
    withSession: (_endpoint, work, database = "shop") => production.on(database, work, role),
  };
}

/** A run on production as that role, up to the fence. */
async function run(role = "shop_owner", application = "shop_app") {
  const ports: Ports = {
    ...memoryPorts({
      databases: databasesOf(role),
      settings: { database: "shop" },
      plan: { applicationRoles: [application] },
    }),
    clock: { now: () => new Date(), remaining: () => Number.POSITIVE_INFINITY },
  };
  const evidence = evidenceOf(ports.evidence, "quiet");
  await evidence.createOnce(docName(Doc.production), { endpoint: { host: "production", port: 5432 } });
  const fence = (action: "fence" | "lift" | "leave", on: Ports = ports) =>
    invoke(
      fenceTask,
      {
        run: "quiet",
        execution: "local:1:quiet",
        planChecksum: "a".repeat(64),
        state: action,
        action,
        ...(action === "fence" ? { again: false } : {}),
      },
      on,
    );
  return { ports, evidence, fence };
}

/** Notes the jobs that this SQL stops on a copy, as the rehearsal does for all migrations together. */
const rehearse = (
  { ports, evidence }: Awaited<ReturnType<typeof run>>,
  staging: Cluster,
  database: string,
  sql: string,
) =>
  staging.on(database, async (session) => {
    await noteActiveBefore(session, ports, evidence);
    await session.exec(sql);
    await noteStopped(session, ports, evidence);
  });

async function fenceAndLeave({ evidence, fence }: Awaited<ReturnType<typeof run>>, migrated: boolean) {
  if (migrated)
    await evidence.createOnce(docName(Doc.steps("production", "002", 1, "migrate")), {
      direction: "migrate",
    });
  await fence("fence");
  await fence("leave");
}

describe("the fence keeps jobs of pg_cron still", () => {
  test("in its database, and gives back exactly those that were active", async () => {
    await schedule("writes");
    await schedule("off");
    await schedule("elsewhere", "other", "postgres");
    await production.on("postgres", (session) =>
      session.exec("UPDATE cron.job SET active = false WHERE jobname = 'off'"),
    );
    await eventually(async () => (await ticks()) > 0, "the job to write");
    const { fence, evidence } = await run();
    await fence("fence");
    expect(await active()).toEqual(["elsewhere"]);
    const then = await ticks();
    await wait(3);
    expect(await ticks()).toBe(then);
    const [noted = "", ...more] = await evidence.list("stilled/");
    expect(more).toEqual([]);
    // A command may hold a password.
    expect(JSON.stringify(await evidence.require(docName<StilledDoc>(noted)))).not.toContain("INSERT");
    // Twice, as after the death of a worker before it could note the end.
    await fence("lift");
    await fence("leave");
    expect(await active()).toEqual(["elsewhere", "writes"]);
    await eventually(async () => (await ticks()) > then, "the job to write again");
  });

  test("ends those that run", async () => {
    await production.on(
      "postgres",
      (session) =>
        session.query("SELECT cron.schedule_in_database('long', '1 second', 'SELECT pg_sleep(60)', 'shop')"),
      "shop_owner",
    );
    const sleeping = async () =>
      (
        await production.on("postgres", (session) =>
          session.query(
            "SELECT FROM pg_stat_activity WHERE datname = 'shop' AND query LIKE 'SELECT pg_sleep%'",
          ),
        )
      ).length;
    await eventually(async () => (await sleeping()) > 0, "the job to run");
    const { fence } = await run();
    await fence("fence");
    expect(await sleeping()).toBe(0);
    await fence("leave");
  });

  test("and gives them back though its worker died as soon as it had noted them", async () => {
    await schedule("writes");
    const { fence, ports, evidence } = await run();
    const dies: Ports = {
      ...ports,
      databases: {
        single: false,
        withSession: (endpoint, work, database) =>
          ports.databases.withSession(
            endpoint,
            (session) =>
              work({
                ...session,
                query: async (text, params) => {
                  if (/UPDATE cron.job/.test(text)) throw new Error("the worker is gone");
                  if (/cron.alter_job/.test(text)) await session.query(text, params as unknown[]);
                  return await session.query(text, params as unknown[]);
                },
              }),
            database,
          ),
      },
    };
    await fence("fence", dies).catch(() => undefined);
    expect(await evidence.list("stilled/")).toHaveLength(1);
    await fence("leave");
    expect(await active()).toEqual(["writes"]);
  });

  test("that came about while it was up, when it is asked again", async () => {
    const { fence } = await run();
    await fence("fence");
    await schedule("late");
    await fence("fence");
    expect(await active()).toEqual([]);
    await fence("leave");
    expect(await active()).toEqual(["late"]);
  });

  test("and brings back none that was dropped meanwhile", async () => {
    await schedule("gone");
    const { fence } = await run();
    await fence("fence");
    await production.on("postgres", (session) => session.exec("SELECT cron.unschedule(jobid) FROM cron.job"));
    await fence("leave");
    expect(await active()).toEqual([]);
  });

  test("and leaves one still that the plan stops, where its migrations stand and only there", async () => {
    await schedule("kept");
    await schedule("ended");
    const staging = await production.copy(QUIET);
    const back = async (migrated: boolean) => {
      const shop = await run();
      await rehearse(shop, staging, "postgres", "UPDATE cron.job SET active = jobname <> 'ended'");
      await fenceAndLeave(shop, migrated);
      return await active();
    };
    expect(await back(true)).toEqual(["kept"]);
    for (const cluster of [production, staging])
      await cluster.on("postgres", (session) => session.exec("UPDATE cron.job SET active = true"));
    expect(await back(false)).toEqual(["ended", "kept"]);
  });

  test("or does not hold, and reports it, if the role lacks the right", async () => {
    await production.on("postgres", (session) =>
      session.exec("REVOKE EXECUTE ON FUNCTION cron.alter_job FROM shop_owner"),
    );
    await schedule("fixed");
    const { fence } = await run();
    await expect(fence("fence")).rejects.toThrow(/job \d+ "fixed" of shop_owner .* cannot be stopped/);
    await production.on("postgres", (session) =>
      session.exec("GRANT EXECUTE ON FUNCTION cron.alter_job TO shop_owner"),
    );
    await fence("leave");
    expect(await active()).toEqual(["fixed"]);
  });
});

describe("preflight names scheduled jobs", () => {
  const check = async (role: string, database?: (name: string) => string) => {
    const { ports } = await run(role);
    return await production.on(
      "shop",
      async (session) =>
        (
          await inspectJobs(session, ports, (name, work) =>
            production.on(database?.(name) ?? name, work, role),
          )
        )[0],
      role,
    );
  };

  test("each with what the fence does about it", async () => {
    await schedule("writes");
    expect(await check("shop_owner")).toMatchObject({
      name: "scheduled jobs",
      passed: null,
      seen: expect.stringMatching(/^job \d+ "writes" of shop_owner \(1 second\)$/),
      mend: expect.stringContaining("pauses them and resumes them afterwards"),
    });
  });

  test("as a problem where the fence could not keep them still", async () => {
    await schedule("writes");
    await production.on("postgres", (session) =>
      session.exec("REVOKE EXECUTE ON FUNCTION cron.alter_job FROM shop_owner"),
    );
    expect(await check("shop_owner")).toMatchObject({
      passed: false,
      mend: expect.stringContaining("GRANT EXECUTE ON FUNCTION cron.alter_job TO shop_owner"),
    });
    await production.on("postgres", (session) =>
      session.exec("GRANT EXECUTE ON FUNCTION cron.alter_job TO shop_owner"),
    );
  });

  test("and reports a database that it cannot read", async () => {
    expect(await check("shop_owner", () => "no_such_database")).toMatchObject({
      passed: null,
      seen: expect.stringContaining("the jobs in database postgres cannot be read"),
    });
  });

  test("not those of other databases", async () => {
    await schedule("elsewhere", "other", "postgres");
    expect(await check("postgres")).toMatchObject({ passed: true, seen: "none" });
  });
});

describe("a subscription", () => {
  beforeAll(async () => {
    await publisher.on("postgres", (session) =>
      session.exec("CREATE TABLE item (id int PRIMARY KEY); CREATE PUBLICATION items FOR TABLE item"),
    );
    await production.on("shop", async (session) => {
      await session.exec("CREATE TABLE item (id int PRIMARY KEY)");
      await session.exec(
        `CREATE SUBSCRIPTION items CONNECTION 'host=127.0.0.1 port=${publisher.port} user=postgres dbname=postgres' PUBLICATION items`,
      );
    });
  });
  const items = async (cluster = production) =>
    (await cluster.on("shop", (session) => session.query("SELECT FROM item"))).length;
  const publish = (from: number, to: number) =>
    publisher.on("postgres", (session) =>
      session.query("INSERT INTO item SELECT generate_series($1::int, $2::int)", [from, to]),
    );

  test("is disabled behind the fence, loses nothing meanwhile, and is enabled again", async () => {
    await publish(1, 100);
    await eventually(async () => (await items()) === 100, "the rows to arrive");
    const { fence } = await run("postgres", "web");
    await fence("fence");
    await publish(101, 200);
    await wait(2);
    expect(await items()).toBe(100);
    await fence("leave");
    await eventually(async () => (await items()) === 200, "what came meanwhile to arrive");
  });

  test("that the plan disables stays so where its migrations stand, and only there", async () => {
    const staging = await production.copy(QUIET);
    const isEnabled = () =>
      production.on("shop", async (session) => (await enabledSubscriptions(session)).length === 1);
    const back = async (migrated: boolean) => {
      const shop = await run("postgres", "web");
      await rehearse(shop, staging, "shop", "ALTER SUBSCRIPTION items DISABLE");
      await fenceAndLeave(shop, migrated);
      return await isEnabled();
    };
    expect(await back(true)).toBe(false);
    for (const cluster of [production, staging])
      await cluster.on("shop", (session) => session.exec("ALTER SUBSCRIPTION items ENABLE"));
    expect(await back(false)).toBe(true);
  });

  test("is named at preflight: as a problem where its owner is another", async () => {
    const check = async (role: string) => {
      const { ports } = await run(role);
      return await production.on(
        "shop",
        async (session) => (await inspectReplication(session, ports))[0],
        role,
      );
    };
    expect(await check("postgres")).toMatchObject({ passed: null, seen: "items of postgres, to items" });
    expect(await check("shop_owner")).toMatchObject({
      passed: false,
      mend: expect.stringContaining("ALTER SUBSCRIPTION items DISABLE"),
    });
  });

  test("and a job do nothing in a copy that has a run's parameters from its first start, whatever becomes of production", async () => {
    await schedule("writes");
    const { fence } = await run("postgres", "web");
    await fence("fence");
    await fence("leave");
    const copy = await production.copy(QUIET);
    const [before, rows] = [await ticks(copy), await items(copy)];
    // The slot is free meanwhile: the first session that requests it gets it.
    await production.restart();
    await publish(1001, 1100);
    await eventually(async () => (await items()) === rows + 100, "production to get all rows");
    expect(await items(copy)).toBe(rows);
    expect(await ticks(copy)).toBe(before);
    const [launcher] = await copy.on("postgres", (session) =>
      session.query("SELECT FROM pg_stat_subscription WHERE pid IS NOT NULL"),
    );
    expect(launcher).toBeUndefined();
  });
});

test("what pg_cron logs of its runs is no one's data: it is not compared, and that is said", async () => {
  const [tables, fingerprint] = await production.on("postgres", async (session) => [
    await listTables(session),
    await takeFingerprint(session),
  ]);
  expect(tables.map(({ table }) => table)).toContain("cron.job");
  expect(tables.map(({ table }) => table)).not.toContain("cron.job_run_details");
  expect(fingerprint.unread?.map(({ name }) => name)).toContain("cron.job_run_details");
});
