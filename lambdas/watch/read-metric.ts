import { measure } from "../benchmark/measure.ts";
import type { CountersDoc, ReadingValue } from "../shared/documents.ts";
import { ErrorName, isPostgresError, messageOf, nameTransient, SluiceError } from "../shared/errors.ts";
import type { CompiledPlan, Metric } from "../shared/plan.ts";
import type { Session } from "../shared/session.ts";
import { type Connections, utilization } from "./connections.ts";
import { runbookOf } from "./readings.ts";
import { standingOf, thresholdText } from "./thresholds.ts";

/** Enough for a p95 that is not one bad run, and over within seconds. */
const RUNS = 20;
/** Of one benchmark, its warm-up not counted: where all are slow, the reading must still be done within its worker's time. */
const LONGEST_MS = 20_000;
const GIB = 1024 ** 3;
const QUERY_CANCELED = "57014";

interface Surroundings {
  session: Session;
  plan: CompiledPlan;
  connections: Connections;
  /** Before and after the other metrics were read; growth is told from the first to the second. */
  counters: { before: CountersDoc; now: CountersDoc; seconds: number };
  freeBytes: number | null;
  timeoutMs: number;
}

type Measured = Pick<ReadingValue, "value" | "note" | "broken">;

/** One metric's value and how it stands. What cannot be measured has no value, and a note that says why. */
export async function readMetric(metric: Metric, around: Surroundings): Promise<ReadingValue> {
  const { name, title, unit, target, alert } = metric;
  const { value, note, broken } = await measured(metric, around).catch((caught: unknown): Measured => {
    const error = nameTransient(caught);
    const name = error instanceof SluiceError ? error.name : undefined;
    // Without a session nothing more can be read: the whole reading is to fail.
    if (name === ErrorName.ConnectionLost) throw error;
    const note = `it cannot be read: ${messageOf(error)}`;
    return { value: null, note, ...(name === ErrorName.LockTimeout ? {} : { broken: true }) };
  });
  return {
    name,
    title,
    unit,
    value: value === null ? null : Math.round(value * 1000) / 1000,
    note,
    target: thresholdText(target, unit),
    alert: thresholdText(alert, unit),
    standing: standingOf(metric, value),
    runbook: runbookOf(metric),
    ...(broken ? { broken } : {}),
  };
}

async function measured({ name, source }: Metric, around: Surroundings): Promise<Measured> {
  const { session, connections, counters, freeBytes } = around;
  switch (source.kind) {
    case "benchmark":
      return await latency(source.benchmark, around);
    case "connections":
      return { value: utilization(connections), note: `${connections.used} of ${connections.most}` };
    case "rollbacks":
      return rolledBack(counters);
    case "free-disk":
      return freeBytes === null
        ? { value: null, note: "this server does not tell it" }
        : { value: freeBytes / GIB, note: null };
    case "query": {
      const { before, now, seconds } = counters;
      if (!source.counter) return { value: await numberOf(session, source.sql), note: null };
      const [was, is] = [before.queries[name], now.queries[name]];
      if (was === undefined || is === undefined)
        // Read once more: its error says what is wrong.
        return { value: null, note: `not read before; ${await numberOf(session, source.sql)} in all` };
      return { value: growth(was, is), note: `in ${span(seconds)}` };
    }
  }
}

async function latency(name: string, { session, plan, timeoutMs }: Surroundings): Promise<Measured> {
  const benchmark = plan.benchmarks.find((candidate) => candidate.name === name);
  if (!benchmark) throw new Error(`the plan has no benchmark ${name}`);
  try {
    const { p95Ms, note, runs } = await spared(session, () =>
      measure(session, { ...benchmark, runs: RUNS }, (_, work) => work(), LONGEST_MS),
    );
    return {
      value: p95Ms,
      note: p95Ms === null ? note : [`${runs} runs`, ...(note ? [note] : [])].join("; "),
    };
  } catch (error) {
    if (!isPostgresError(error) || error.code !== QUERY_CANCELED) throw error;
    return { value: timeoutMs, note: `ended after ${timeoutMs} ms, the time that a query has here` };
  }
}

function rolledBack({ before, now, seconds }: Surroundings["counters"]): Measured {
  const failed = growth(before.rolledBack, now.rolledBack);
  const all = failed + growth(before.committed, now.committed);
  if (all === 0) return { value: null, note: `no transaction ended in ${span(seconds)}` };
  return { value: (failed / all) * 100, note: `${failed} of ${all} transactions in ${span(seconds)}` };
}

function span(seconds: number): string {
  return seconds < 120 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`;
}

/** What only ever grows, as it stands now: readings tell by how much it grew between two of these. */
export async function readCounters(session: Session, metrics: readonly Metric[]): Promise<CountersDoc> {
  // What this session did itself is to be counted by now, and not within the next reading.
  await session.query("SELECT pg_stat_force_next_flush()");
  const [row] = await session.query<{ committed: string; rolledBack: string }>(
    `SELECT xact_commit::text AS committed, xact_rollback::text AS "rolledBack"
       FROM pg_stat_database WHERE datname = current_database()`,
  );
  const queries: Record<string, number> = {};
  for (const { name, source } of metrics)
    if (source.kind === "query" && source.counter)
      queries[name] = await numberOf(session, source.sql).catch(() => Number.NaN);
  return {
    committed: Number(row?.committed ?? 0),
    rolledBack: Number(row?.rolledBack ?? 0),
    // What could not be read has no number; reading it as a metric says why.
    queries: Object.fromEntries(Object.entries(queries).filter(([, value]) => !Number.isNaN(value))),
  };
}

/** The first column of the first row. */
async function numberOf(session: Session, sql: string): Promise<number> {
  const [row] = await spared(session, () => session.query(sql));
  const value = Number(Object.values(row ?? {})[0] ?? Number.NaN);
  if (Number.isNaN(value)) throw new Error("the query yields no number");
  return value;
}

/** A counter that is lower than before began anew. */
function growth(before: number, now: number): number {
  return now >= before ? now - before : now;
}

/**
 * Runs `work` in a transaction that cannot write, and is committed also when it throws: what the watch itself cannot read must not count
 * among the transactions that it tells people failed.
 */
async function spared<T>(session: Session, work: () => Promise<T>): Promise<T> {
  // Within the savepoint nothing can make it one that writes.
  await session.exec("BEGIN READ ONLY; SAVEPOINT reading");
  try {
    return await work();
  } catch (error) {
    await session.exec("ROLLBACK TO SAVEPOINT reading").catch(() => undefined);
    throw error;
  } finally {
    await session.exec("COMMIT").catch(() => undefined);
  }
}
