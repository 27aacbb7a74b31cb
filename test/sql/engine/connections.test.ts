import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { inspectConnections } from "../../../lambdas/preflight/inspect-sessions.ts";
import type { CompiledPlan } from "../../../lambdas/shared/plan.ts";
import { useEmbedded } from "../../support/embedded.ts";
import { memoryPorts } from "../../support/ports.ts";

// The embedded Postgres has one session: others are made up.
const session = useEmbedded(`
  CREATE ROLE app LOGIN; CREATE SCHEMA made_up;
  CREATE TABLE made_up.pg_stat_activity AS SELECT * FROM pg_catalog.pg_stat_activity WHERE false;
  CREATE FUNCTION made_up.connect(who text, n int, type text DEFAULT 'client backend') RETURNS void LANGUAGE sql AS $$
    INSERT INTO made_up.pg_stat_activity (pid, datid, usename, backend_type)
    SELECT 0, 1, who, type FROM generate_series(1, n) $$;
  SET search_path = made_up, pg_catalog, public`);

const MOST = 97;
let most = MOST;

const WATCH: NonNullable<CompiledPlan["watch"]> = {
  metrics: [
    {
      name: "pool",
      title: "Pool",
      unit: "%",
      source: { kind: "connections" },
      target: { operator: "<", value: 80 },
      alert: { operator: ">", value: 90 },
    },
  ],
};

async function inspect(minimumConnections = 50, watch: CompiledPlan["watch"] = WATCH) {
  const server = { minimumVersion: 15, minimumConnections, minimumFreeGiB: 0 };
  return await inspectConnections(
    session,
    memoryPorts({ plan: { server, watch, applicationRoles: ["app"] } }),
  );
}

beforeAll(async () => {
  const [row] = await session.query<{ most: number }>(
    "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS most",
  );
  most = row?.most ?? MOST;
});
afterEach(() => session.exec("TRUNCATE made_up.pg_stat_activity; ALTER ROLE app CONNECTION LIMIT -1"));

describe("the plan's 50 connections", () => {
  test("are enough if others leave that many free; the application's own count as free", async () => {
    await session.exec(`SELECT connect('app', 30), connect('etl', ${most - 50})`);
    expect((await inspect())[0]).toMatchObject({ name: "connections", passed: true });
  });

  test("are too few if others take one too many", async () => {
    await session.exec(`SELECT connect('etl', ${most - 49})`);
    expect((await inspect())[0]).toMatchObject({
      passed: false,
      expected: "at least 50 for the application",
    });
  });

  test("are too few for a role with a lower limit, and the fix is reported", async () => {
    await session.exec("ALTER ROLE app CONNECTION LIMIT 20");
    const [check] = await inspect();
    expect(check).toMatchObject({ passed: false, seen: expect.stringContaining("role app may have 20") });
    expect(check?.mend).toContain("ALTER ROLE app CONNECTION LIMIT");
  });

  test("are not used up by other processes", async () => {
    await session.exec(`SELECT connect(NULL, ${most}, 'parallel worker')`);
    expect((await inspect())[0]).toMatchObject({ passed: true });
  });
});

describe("how full the server is", () => {
  test.each([
    [0.5, true],
    [0.85, null],
    [0.95, false],
  ])("at %d of all connections is judged by the plan's own thresholds: %s", async (share, passed) => {
    await session.exec(`SELECT connect('app', ${Math.round(most * share)})`);
    expect((await inspect())[1]).toMatchObject({ name: "connection utilization", passed });
  });

  test("is not checked if the plan watches no connections", async () => {
    expect(await inspect(50, { metrics: [] })).toHaveLength(1);
  });
});
