import { hasLedger } from "../ledger/ledger.ts";
import type { CountersDoc, Reading, ReadingValue } from "../shared/documents.ts";
import type { CompiledPlan } from "../shared/plan.ts";
import { inTransactions, type LocalSettings, type Session } from "../shared/session.ts";
import { LEDGER_SCHEMA } from "../shared/user-objects.ts";
import { readConnections, readCounters, readMetric } from "./read-metric.ts";

/** Longest time for one query of the watch, in milliseconds: the watch itself must never be the load. */
export const QUERY_TIMEOUT_MS = 5_000;

/** Do not wait for locks. Set in each transaction, because a pooler may give each transaction another session. */
export const GUARDS: LocalSettings = {
  statement_timeout: QUERY_TIMEOUT_MS,
  lock_timeout: 1000,
  idle_in_transaction_session_timeout: 15_000,
  client_min_messages: "error",
};

export interface ReadingWishes {
  plan: CompiledPlan;
  /** Roles that the application connects as. */
  roles: readonly string[];
  freeBytes: number | null;
  /** The reading before, from which growth is counted; without one, growth is counted during this reading. */
  before?: { at: string; counters: CountersDoc } | undefined;
  /** Called when everything except the counters is read. */
  untilCounted?: () => Promise<void>;
  progress?: (line: string) => void;
  now(): Date;
}

/** Measures every metric of the plan. It only reads: a plan's query that tries to write fails. */
export async function takeReading(given: Session, wishes: ReadingWishes): Promise<Reading> {
  const { plan, roles, freeBytes, before, progress = () => undefined, now } = wishes;
  const metrics = plan.watch?.metrics ?? [];
  const session = inTransactions(given, GUARDS);
  const began = now();
  const from = before ?? { at: began.toISOString(), counters: await readCounters(session, metrics) };
  const connections = await readConnections(session, roles);
  const around = { session, plan, connections, freeBytes, timeoutMs: QUERY_TIMEOUT_MS };
  const read = async (counts: boolean, counters: CountersDoc): Promise<ReadingValue[]> => {
    const seconds = (now().getTime() - Date.parse(from.at)) / 1000;
    const values: ReadingValue[] = [];
    for (const metric of metrics) {
      if (grows(metric) !== counts) continue;
      progress(metric.title);
      values.push(
        await readMetric(metric, { ...around, counters: { before: from.counters, now: counters, seconds } }),
      );
    }
    return values;
  };
  const others = await read(false, from.counters);
  await wishes.untilCounted?.();
  const counters = await readCounters(session, metrics);
  const values = [...others, ...(await read(true, counters))];
  const order = metrics.map(({ name }) => name);
  return {
    at: began.toISOString(),
    seconds: (now().getTime() - began.getTime()) / 1000,
    values: values.sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name)),
    connections: { used: connections.used, most: connections.most, minimum: plan.server.minimumConnections },
    counters,
  };
}

function grows({ source }: NonNullable<CompiledPlan["watch"]>["metrics"][number]): boolean {
  return source.kind === "rollbacks" || (source.kind === "query" && source.counter);
}

// One lock for the whole database. Taking it never waits; it ends with its session.
const LOCK = "1399616873, 2";

const BUSY = { because: "another probe is running" };

/**
 * Does the work unless another probe is running or another run has this database: its migrations must not be measured
 * or delayed.
 */
export async function alone<T>(
  session: Session,
  run: string,
  work: () => Promise<T>,
): Promise<{ value: T } | { because: string }> {
  const [lock] = await session.query<{ taken: boolean }>(`SELECT pg_try_advisory_lock(${LOCK}) AS taken`);
  if (!lock?.taken) return BUSY;
  try {
    return await unlessRunning(session, run, work);
  } finally {
    await session.query(`SELECT pg_advisory_unlock(${LOCK})`);
  }
}

/**
 * The same in a pooler's session. A session lock would pass to the connection's next user, and holding it would keep
 * a connection from the application. So a running probe is only detected at the start.
 */
export async function aloneAsGuest<T>(
  session: Session,
  work: () => Promise<T>,
): Promise<{ value: T } | { because: string }> {
  const [lock] = await session.query<{ taken: boolean }>(
    `SELECT pg_try_advisory_xact_lock(${LOCK}) AS taken`,
  );
  return lock?.taken ? await unlessRunning(session, "", work) : BUSY;
}

async function unlessRunning<T>(
  session: Session,
  run: string,
  work: () => Promise<T>,
): Promise<{ value: T } | { because: string }> {
  const other = await runAtWork(session, run);
  return other === undefined ? { value: await work() } : { because: `run ${other} has this database` };
}

async function runAtWork(session: Session, run: string): Promise<string | undefined> {
  if (!(await hasLedger(session))) return undefined;
  const [claim] = await session.query<{ run: string }>(
    `SELECT run FROM ${LEDGER_SCHEMA}.claim
      WHERE run <> $1 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    [run],
  );
  return claim?.run;
}
