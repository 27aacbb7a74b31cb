import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { main } from "../../bin/commands/main.ts";
import { ensureLedger } from "../../lambdas/ledger/ledger.ts";
import type { CompiledPlan, Metric } from "../../lambdas/shared/plan.ts";
import { LEDGER_SCHEMA } from "../../lambdas/shared/user-objects.ts";
import { compilePlan } from "../../lib/plan/compile.ts";
import { readOnce } from "../../local/watch.ts";
import { planSql, VERSIONS } from "../sql/knowledge-graph/database.ts";
import { DASHBOARD } from "../support/dashboard.ts";
import { FakeTerminal } from "../unit/terminal/fake-terminal.ts";
import { createScratch, run, type Scratch } from "./knowledge-graph/server.ts";

let plan: CompiledPlan;
let scratch: Scratch;

beforeAll(async () => {
  plan = await compilePlan("sql/knowledge-graph");
  scratch = await createScratch("watch", { agents: 500, events: 1000 });
  await scratch.owner.exec("SET sluice.baseline_capabilities = 300; SET sluice.baseline_relationships = 500");
  for (const version of VERSIONS) await run(scratch.owner, version, "migrate");
  await scratch.owner.exec(planSql("baseline/embeddings.sql"));
  await scratch.owner.exec("ANALYZE");
});
afterAll(() => scratch.close());

async function read(watched = plan, before?: Parameters<typeof readOnce>[2]) {
  const outcome = await readOnce(watched, scratch.url, before, 0);
  if ("because" in outcome) throw new Error(`Nothing was read: ${outcome.because}`);
  return outcome.value;
}

/** The plan with one metric alone. */
function watching(metric: Partial<Metric>): CompiledPlan {
  const [first] = plan.watch?.metrics ?? [];
  return { ...plan, watch: { metrics: [{ ...(first as Metric), ...metric }] } };
}

const query = (sql: string, counter = false) =>
  watching({ source: { kind: "query", sql, counter }, unit: "" });

describe("a reading of the watch", () => {
  test("has a number for every row of the plan's dashboard, except the disk, which PostgreSQL does not report", async () => {
    const { values, connections } = await read();
    expect(values.map(({ title, target, alert }) => [title, target, alert])).toEqual(DASHBOARD);
    expect(values.filter(({ value }) => value === null).map(({ title }) => title)).toEqual([
      "Disk Space Free",
    ]);
    expect(values.filter(({ broken }) => broken)).toEqual([]);
    expect(connections?.minimum).toBe(50);
  });

  test("counts queries that failed and attempts at other tenants' rows since the reading before", async () => {
    const first = await read();
    const other = await scratch.connect();
    await other.query("SET app.current_tenant = 'default-tenant'");
    await other.query("SELECT 1 / 0").catch(() => undefined);
    await other.query("SELECT note_cross_tenant_attempt('another', 'insert', 'agent_profiles')");
    await other.query("SELECT pg_stat_force_next_flush()");
    await other.query("SELECT 1");
    const second = await read(plan, first);
    const of = (name: string) => second.values.find((value) => value.name === name);
    expect(of("cross-tenant-attempts")).toMatchObject({ value: 1, standing: "alert" });
    expect(of("failed-queries")?.value).toBeGreaterThan(0);
    expect(of("failed-queries")?.note).toMatch(/^1 of \d+ transactions/);
    const third = await read(plan, second);
    expect(third.values.find(({ name }) => name === "cross-tenant-attempts")).toMatchObject({ value: 0 });
  });

  test("does not count among failures what it does itself", async () => {
    const first = await read();
    const second = await read(plan, first);
    expect(second.values.find(({ name }) => name === "failed-queries")?.note).toMatch(/^0 of/);
  });

  test("does not count what it cannot read itself either: on a database that is not migrated yet nothing failed", async () => {
    const metrics = plan.watch?.metrics ?? [];
    const broken = metrics.map(
      (metric): Metric =>
        metric.source.kind === "query"
          ? { ...metric, source: { ...metric.source, sql: "SELECT nothing" } }
          : metric,
    );
    const benchmarks = plan.benchmarks.map((benchmark) => ({ ...benchmark, needs: "SELECT nothing" }));
    const slow = {
      ...(broken[0] as Metric),
      name: "slow",
      source: query("SELECT pg_sleep(60)").watch?.metrics[0]?.source,
    };
    const watched = { ...plan, benchmarks, watch: { metrics: [...broken, slow as Metric] } };
    const first = await read(watched);
    const second = await read(watched, first);
    expect(second.values.filter(({ broken }) => broken).length).toBeGreaterThan(4);
    for (const { values } of [first, second])
      expect(values.find(({ name }) => name === "failed-queries")?.note).toMatch(/^0 of/);
  });

  test("writes nothing, whatever a plan's query tries", async () => {
    await scratch.owner.exec("CREATE TABLE written (n int)");
    const { values } = await read(query("INSERT INTO written VALUES (1) RETURNING n"));
    expect(values[0]).toMatchObject({ value: null, broken: true });
    expect(values[0]?.note).toContain("read-only transaction");
    expect(await scratch.owner.query("SELECT * FROM written")).toEqual([]);
  });

  test("ends a query that takes too long, and waits for no lock", async () => {
    const slow = await read(query("SELECT 1 FROM pg_sleep(60)"));
    expect(slow.values[0]?.note).toContain("statement timeout");
    const holder = await scratch.connect();
    await holder.query("BEGIN; LOCK TABLE agent_profiles");
    const held = await read(query("SELECT count(*) FROM agent_profiles"));
    await holder.query("ROLLBACK");
    expect(held.values[0]?.note).toContain("lock timeout");
    expect(held.values[0]).not.toHaveProperty("broken");
  });

  test("stands back while another one is taken", async () => {
    const long = readOnce(query("SELECT 1 FROM pg_sleep(3)"), scratch.url, undefined, 0);
    const probing = async (): Promise<unknown> =>
      (
        await scratch.owner.query(
          "SELECT FROM pg_stat_activity WHERE query LIKE '%pg_sleep(3)%' AND pid <> pg_backend_pid()",
        )
      ).length === 0
        ? probing()
        : undefined;
    await probing();
    expect(await readOnce(plan, scratch.url, undefined, 0)).toEqual({ because: "another probe is running" });
    expect(await long).toHaveProperty("value");
  });

  test("stands back while a run has the database", async () => {
    await ensureLedger(scratch.owner);
    await scratch.owner.query(
      `INSERT INTO ${LEDGER_SCHEMA}.claim (run, execution, database)
       VALUES ('tonight', 'arn:of:it', (SELECT oid FROM pg_database WHERE datname = current_database()))`,
    );
    expect(await readOnce(plan, scratch.url, undefined, 0)).toEqual({
      because: "run tonight has this database",
    });
    await scratch.owner.query(`DELETE FROM ${LEDGER_SCHEMA}.claim`);
  });
});

describe("sluice watch --once", () => {
  const watch = async (...flags: string[]) => {
    const terminal = new FakeTerminal();
    const code = await main(["watch", "--once", "--database-url", scratch.url, ...flags], terminal);
    return { code, out: terminal.out, err: terminal.err };
  };

  test("prints the seven numbers, each with its target and its alert threshold", async () => {
    const { code, out, err } = await watch();
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const lines = out.split("\n");
    for (const [title, unit] of [
      ["Vector Search P95", "ms"],
      ["Graph Traversal P95", "ms"],
      ["RLS Overhead", "ms"],
      ["Connection Pool Utilization", "%"],
      ["Failed Queries", "%"],
      ["Cross-Tenant Access Attempts", ""],
    ] as const)
      expect(lines.find((line) => line.startsWith(title))).toMatch(
        new RegExp(`^${title} +[\\d.]+ ?${unit} `),
      );
    expect(lines.find((line) => line.startsWith("Disk Space Free"))).toContain("not measured");
  });

  test("ends with 3 where one is beyond its alert threshold, and shows where to read on", async () => {
    const attacker = await scratch.connect();
    const attack = async () => {
      await attacker.query("SET app.current_tenant = 'default-tenant'");
      for (let i = 0; i < 4; i++) {
        await attacker.query("SELECT pg_sleep(1)");
        await attacker.query("SELECT note_cross_tenant_attempt('another', 'insert', 'agent_profiles')");
      }
    };
    const [{ code, out }] = await Promise.all([watch(), attack()]);
    expect(code).toBe(3);
    expect(out).toMatch(/Cross-Tenant Access Attempts: [1-4] .*ALERT at >0, target 0: see tenant_access_log/);
  });
});
