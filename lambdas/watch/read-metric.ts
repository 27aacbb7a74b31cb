import { measure } from "../benchmark/measure.ts";
import type { CountersDoc, ReadingValue } from "../shared/documents.ts";
import { ErrorName, isPostgresError, messageOf, nameTransient, SluiceError } from "../shared/errors.ts";
import type { CompiledPlan, Metric } from "../shared/plan.ts";
import type { Session } from "../shared/session.ts";
import { runbookOf } from "./readings.ts";
import { standingOf, thresholdText } from "./thresholds.ts";

/** Enough for a p95 that one bad run does not decide, and done within seconds. */
const RUNS = 20;
/**
 * Limit for one benchmark without its warm-up: the reading must end within its worker's time even if all are slow.
 */
const LONGEST_MS = 20_000;
const GIB = 1024 ** 3;
const QUERY_CANCELED = "57014";

interface Surroundings {
  session: Session;
  plan: CompiledPlan;
  connections: Connections;
  /** Counters before and after the other metrics were read; growth is the difference. */
  counters: { before: CountersDoc; now: CountersDoc; seconds: number };
  freeBytes: number | null;
  timeoutMs: number;
}

type Measured = Pick<ReadingValue, "value" | "note" | "broken">;

/** Returns one metric's value and standing. An unmeasured metric has no value, and a note with the reason. */
export async function readMetric(metric: Metric, around: Surroundings): Promise<ReadingValue> {
  const { name, title, unit, target, alert } = metric;
  const { value, note, broken } = await measured(metric, around).catch((caught: unknown): Measured => {
    const error = nameTransient(caught);
    const name = error instanceof SluiceError ? error.name : undefined;
    // Without a session nothing more can be read, so the whole reading fails.
    if (name === ErrorName.ConnectionLost) throw error;
    const note = `cannot be read: ${messageOf(error)}`;
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
        ? { value: null, note: "this server does not report it" }
        : { value: freeBytes / GIB, note: null };
    case "query": {
      const { before, now, seconds } = counters;
      if (!source.counter) return { value: await numberOf(session, source.sql), note: null };
      const [was, is] = [before.queries[name], now.queries[name]];
      if (was === undefined || is === undefined)
        // Read again: its error shows the reason.
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
    return { value: timeoutMs, note: `canceled after ${timeoutMs} ms, the limit for a query here` };
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

/** Reads the current counters, which only grow: readings use the growth between two of these. */
export async function readCounters(session: Session, metrics: readonly Metric[]): Promise<CountersDoc> {
  // Flush what this session itself did, so that it does not count in the next reading.
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
    // An unreadable counter has no number; reading it as a metric shows the reason.
    queries: Object.fromEntries(Object.entries(queries).filter(([, value]) => !Number.isNaN(value))),
  };
}

/** The first column of the first row. */
async function numberOf(session: Session, sql: string): Promise<number> {
  const [row] = await spared(session, () => session.query(sql));
  const value = Number(Object.values(row ?? {})[0] ?? Number.NaN);
  if (Number.isNaN(value)) throw new Error("the query returns no number");
  return value;
}

/** A counter lower than before was reset. */
function growth(before: number, now: number): number {
  return now >= before ? now - before : now;
}

/**
 * Runs `work` in a transaction that cannot write. It commits even if `work` throws, so that the watch's own failures
 * do not count as rolled-back transactions.
 */
async function spared<T>(session: Session, work: () => Promise<T>): Promise<T> {
  // Inside the savepoint the transaction cannot be made writable.
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

export interface Connections {
  /** Sessions of clients on the whole server. */
  used: number;
  /** Those of the given roles. */
  usedByRoles: number;
  /** The limit for ordinary roles: connections reserved for superusers are left out. */
  most: number;
  /** Limits of the given roles that are lower than the server's or the database's. */
  limits: { role: string; most: number }[];
}

/**
 * Reads how many sessions clients have and may have on this database. Without pg_read_all_stats the server hides the
 * type of other roles' sessions: those on a database then count as clients.
 */
export async function readConnections(session: Session, roles: readonly string[]): Promise<Connections> {
  const [row] = await session.query<Connections>(
    `WITH client AS (
       SELECT usename FROM pg_stat_activity
        WHERE coalesce(backend_type, CASE WHEN datid IS NOT NULL THEN 'client backend' END) = 'client backend'),
     allowed AS (
       SELECT least(
                current_setting('max_connections')::int
                  - current_setting('superuser_reserved_connections')::int
                  - coalesce(current_setting('reserved_connections', true)::int, 0),
                nullif(d.datconnlimit, -1)) AS most
         FROM pg_database d WHERE d.datname = current_database())
     SELECT (SELECT count(*)::int FROM client) AS used,
            (SELECT count(*)::int FROM client WHERE usename = ANY ($1)) AS "usedByRoles",
            allowed.most,
            coalesce((SELECT json_agg(json_build_object('role', r.rolname, 'most', r.rolconnlimit) ORDER BY r.rolname)
                        FROM pg_roles r
                       WHERE r.rolname = ANY ($1) AND r.rolconnlimit BETWEEN 0 AND allowed.most - 1), '[]') AS limits
       FROM allowed`,
    [roles],
  );
  if (!row) throw new Error("The server did not report its connections");
  return row;
}

/** Share of the possible sessions, in percent. */
export function utilization({ used, most }: Pick<Connections, "used" | "most">): number {
  return most === 0 ? 100 : (used / most) * 100;
}
