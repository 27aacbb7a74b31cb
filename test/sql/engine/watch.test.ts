import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Doc, docName, READINGS, type ReadingDoc } from "../../../lambdas/shared/documents.ts";
import { evidenceOf, type RunEvidence } from "../../../lambdas/shared/evidence.ts";
import type { CompiledPlan, Metric } from "../../../lambdas/shared/plan.ts";
import { invoke } from "../../../lambdas/shared/task.ts";
import { watchTask } from "../../../lambdas/watch/task.ts";
import { loadPlan } from "../../../lib/plan/compile.ts";
import { EmbeddedInstances } from "../../../local/embedded-instances.ts";
import { type MemoryPorts, memoryPorts } from "../../support/ports.ts";
import { TINY_PLAN } from "../../support/rehearsal.ts";

let instances: EmbeddedInstances;
let plan: CompiledPlan;
let ports: MemoryPorts;
let evidence: RunEvidence;

beforeEach(async () => {
  const loaded = await loadPlan(TINY_PLAN);
  if (!loaded.local) throw new Error("The tiny plan has no baseline");
  plan = loaded.plan;
  instances = new EmbeddedInstances(loaded.local.owner);
  await instances.createFromBaseline("production", loaded.local.baseline, []);
  await instances.withSession({ host: "production" }, async (session) => {
    for (const { migrate } of plan.migrations)
      for (const step of migrate.steps) for (const { sql } of step.statements) await session.exec(sql);
  });
  watching(plan);
});
afterEach(() => instances.close());

function watching(watched: CompiledPlan): void {
  ports = memoryPorts({ plan: watched, databases: instances });
  evidence = evidenceOf(ports.evidence, "run");
}

async function opened(): Promise<void> {
  const at = ports.clock.now().toISOString();
  const endpoint = { host: "production", port: 0 };
  await evidence.createOnce(Doc.production, {
    at,
    endpoint,
    identity: "db-PRODUCTION",
    engineVersion: "18",
    freeBytes: null,
    settings: {},
  });
  await evidence.createOnce(Doc.staging, { at, endpoint, id: "staging", seconds: 1 });
  await evidence.createOnce(Doc.afterOpening, { at, results: [] });
}

const call = (action: "rehearse" | "begin" | "probe", planChecksum = ports.plan.checksum) =>
  invoke(
    watchTask,
    { run: "run", execution: "arn:of:it", planChecksum, state: `Watch: ${action}`, action },
    ports,
  );

const readings = async () =>
  await Promise.all(
    (await evidence.list(READINGS)).map((name) => evidence.require(docName<ReadingDoc>(name))),
  );

const counted = (sql: string, counter: boolean): Metric => ({
  name: "counted",
  title: "Counted",
  unit: "",
  source: { kind: "query", sql, counter },
  target: { operator: "=", value: 0 },
  alert: { operator: ">", value: 0 },
});

describe("the watch", () => {
  test("takes a run's own reading once, however often it is called, and then one at each call", async () => {
    await opened();
    await call("begin");
    await call("begin");
    expect(await readings()).toHaveLength(1);
    ports.clock.pass(5 * 60_000);
    await call("probe");
    const all = await readings();
    expect(all.map(({ soFar }) => soFar.readings)).toEqual([1, 2]);
    expect(all[0]?.values.map(({ name, standing }) => [name, standing])).toEqual([
      ["notes-p95", "target"],
      ["connections", "target"],
      ["failed", "target"],
      ["notes-count", "target"],
      ["disk", "unknown"],
    ]);
    expect(ports.published.map(({ name }) => name)).toContain("notes-p95");
    expect(ports.published.map(({ name }) => name)).not.toContain("disk");
  });

  test("finds on staging what cannot be read, and names it", async () => {
    watching({ ...plan, watch: { metrics: [counted("SELECT count(*) FROM nowhere", false)] } });
    await opened();
    await expect(call("rehearse")).rejects.toThrow(/cannot read on staging: Counted .*nowhere/);
  });

  test("keeps and publishes what it could read before it reports what it could not", async () => {
    const [first] = plan.watch?.metrics ?? [];
    watching({ ...plan, watch: { metrics: [first as Metric, counted("SELECT 1 / 0", false)] } });
    await opened();
    await expect(call("probe")).rejects.toThrow(/Counted .*division by zero/);
    expect((await readings())[0]?.values[0]).toMatchObject({ name: "notes-p95", standing: "target" });
    expect(ports.published[0]?.name).toBe("notes-p95");
  });
});

describe("the checks that are run again", () => {
  const once = async () => await evidence.read(Doc.verifiedAgain);

  test("are run an hour after the opening, with the first reading from then on, and once", async () => {
    await opened();
    await call("begin");
    ports.clock.pass(59 * 60_000);
    await call("probe");
    expect(await once()).toBeUndefined();
    ports.clock.pass(60_000);
    await call("probe");
    const verified = await once();
    expect(verified).toMatchObject({ migrations: ["003"] });
    expect(verified?.results.length).toBeGreaterThan(0);
    expect(verified?.results.every(({ passed }) => passed)).toBe(true);
    expect(ports.published.at(-1)).toEqual({ name: "failed-checks", unit: "", value: 0 });
    ports.clock.pass(5 * 60_000);
    await call("probe");
    expect(await once()).toEqual(verified);
  });

  test("that fail now are published, and fail once", async () => {
    await opened();
    await call("begin");
    await instances.withSession({ host: "production" }, (session) =>
      session.exec("DROP TABLE label CASCADE"),
    );
    ports.clock.pass(60 * 60_000);
    await expect(call("probe")).rejects.toThrow(/checks that passed before the opening fail now/);
    expect(ports.published.find(({ name }) => name === "failed-checks")?.value).toBeGreaterThan(0);
    ports.clock.pass(5 * 60_000);
    expect(await call("probe")).toMatchObject({ status: "done" });
  });

  test("count for nothing in the next reading, though what they try does count", async () => {
    await instances.withSession({ host: "production" }, (session) =>
      session.exec("CREATE SEQUENCE attempts"),
    );
    const attempts = counted("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM attempts", true);
    const migrations = plan.migrations.map((migration) => ({
      ...migration,
      validate: {
        path: "validate.sql",
        checks: [
          {
            name: "tries",
            line: 1,
            statements: [
              { line: 1, sql: "SELECT nextval('attempts') > 0 AS passed, '' AS expected, '' AS seen" },
            ],
          },
        ],
      },
    }));
    watching({
      ...plan,
      migrations,
      watch: { metrics: [attempts], verifyAgain: { afterMinutes: 60, migrations: ["003"] } },
    });
    await opened();
    await call("begin");
    ports.clock.pass(60 * 60_000);
    await call("probe");
    ports.clock.pass(5 * 60_000);
    await call("probe");
    expect((await readings()).map(({ values }) => values[0]?.value)).toEqual([0, 0, 0]);
    await instances.withSession({ host: "production" }, (session) =>
      session.query("SELECT nextval('attempts')"),
    );
    ports.clock.pass(5 * 60_000);
    await call("probe");
    expect((await readings()).at(-1)?.values[0]).toMatchObject({ value: 1, standing: "alert" });
  });
});
