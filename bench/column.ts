import { setTimeout as sleep } from "node:timers/promises";
import { migrate, secondsOfSteps } from "./engine.ts";
import type { Bench, Database } from "./harness.ts";
import { type Probe, type Watched, watch } from "./probe.ts";
import { count, summary } from "./stats.ts";

/** The application, reading and writing while the migration runs. */
const PROBES: readonly Probe[] = [
  {
    name: "reader",
    tenant: "default-tenant",
    as: "application",
    sql: "SELECT event_type FROM performance_events ORDER BY timestamp DESC LIMIT 1",
  },
  {
    name: "writer",
    tenant: "default-tenant",
    as: "application",
    sql: "INSERT INTO performance_events (event_type, integrity_hash) VALUES ('routing_decision', 'bench')",
  },
  // Touches no table, so it waits only for the processor.
  { name: "control", tenant: undefined, as: "application", sql: "SELECT 1" },
];

/** The plan's own 007 for this table: one transaction, with a backfill that fires the updated_at trigger. */
const AS_WRITTEN = [
  "BEGIN",
  "CREATE TABLE tenants (id VARCHAR(255) PRIMARY KEY, isolation_level TEXT NOT NULL DEFAULT 'strict')",
  "INSERT INTO tenants VALUES ('default-tenant')",
  "ALTER TABLE performance_events ADD COLUMN tenant_id VARCHAR(255)",
  "UPDATE performance_events SET tenant_id = 'default-tenant' WHERE tenant_id IS NULL",
  "ALTER TABLE performance_events ALTER COLUMN tenant_id SET NOT NULL",
  `ALTER TABLE performance_events ADD CONSTRAINT fk_performance_events_tenant
     FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE RESTRICT`,
  "CREATE INDEX idx_performance_events_tenant ON performance_events (tenant_id)",
  "ALTER TABLE performance_events ENABLE ROW LEVEL SECURITY",
  "CREATE POLICY tenant_isolation ON performance_events USING (tenant_id = current_setting('app.current_tenant', true))",
  "COMMIT",
];

/** One run of 007, with the application's waits meanwhile. */
export interface Run {
  rows: number;
  ms: number;
  onTableMs: number;
  /** Part of `ms`: the key that includes the tenant. The plan's way has none, so it reveals other tenants' ids. */
  keyMs: number;
  updated: number;
  /** Our steps' times, in seconds. */
  slowest: { name: string; seconds: number }[];
  reader: Watched;
  writer: Watched;
  control: Watched;
}

export const longest = ({ latencies }: Watched): number => summary(latencies).max;

/** Measures the delays that this machine's scheduling alone causes. */
export async function quiet(bench: Bench, rows: number): Promise<{ reader: number; writer: number }> {
  return await onCopy(bench, rows, async (database) => {
    const { watched } = await watch(database, PROBES, () => sleep(2000));
    const of = (name: string) => longest(watched.get(name) as Watched);
    return { reader: of("reader"), writer: of("writer") };
  });
}

export async function ours(bench: Bench, rows: number): Promise<Run> {
  bench.progress(`007 as we do it, ${count(rows)} rows`);
  return await onCopy(bench, rows, async (database) => {
    await migrate(bench, database, "006");
    const { value, ms, watched } = await watch(database, PROBES, () => migrate(bench, database, "007"));
    const onTableMs = value.reduce(
      (sum, done) => sum + 1000 * secondsOfSteps(done, /\bperformance_events\b/),
      0,
    );
    const keyMs = value.reduce(
      (sum, done) => sum + 1000 * secondsOfSteps(done, /\bperformance_events_pkey/),
      0,
    );
    const slowest = value
      .flatMap(({ steps }) => steps)
      .map(({ name, seconds }) => ({ name, seconds }))
      .sort((a, b) => b.seconds - a.seconds)
      .slice(0, 10);
    return await finished(database, rows, { ms, onTableMs, keyMs, slowest }, watched);
  });
}

export async function asWritten(bench: Bench, rows: number): Promise<Run> {
  bench.progress(`007 as written, ${count(rows)} rows`);
  return await onCopy(bench, rows, async (database) => {
    const { ms, watched } = await watch(database, PROBES, () =>
      database.asOwner(async (session) => {
        for (const sql of AS_WRITTEN) await session.exec(sql);
      }),
    );
    return await finished(database, rows, { ms, onTableMs: ms, keyMs: 0, slowest: [] }, watched);
  });
}

async function onCopy<T>(bench: Bench, rows: number, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await bench.copyOf(await bench.baseline({ events: rows, agents: 10_000 }));
  try {
    return await work(database);
  } finally {
    await bench.drop(database);
  }
}

async function finished(
  database: Database,
  rows: number,
  times: Pick<Run, "ms" | "onTableMs" | "keyMs" | "slowest">,
  watched: Map<string, Watched>,
): Promise<Run> {
  // Both times are equal in every row of the baseline and of the writer.
  const [changed] = await database.asSuperuser((session) =>
    session.query<{ rows: number }>(
      "SELECT count(*)::int AS rows FROM performance_events WHERE updated_at <> created_at",
    ),
  );
  const of = (name: string) => watched.get(name) as Watched;
  return {
    rows,
    ...times,
    updated: changed?.rows ?? Number.NaN,
    reader: of("reader"),
    writer: of("writer"),
    control: of("control"),
  };
}
