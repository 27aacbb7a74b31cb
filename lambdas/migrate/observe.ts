import { setTimeout as sleep } from "node:timers/promises";
import type { Blocker, Wait } from "../ledger/ledger.ts";
import type { ObjectName, Step } from "../shared/plan.ts";
import type { Ports } from "../shared/ports.ts";
import type { OpenSession, Session } from "../shared/session.ts";
import { relationName } from "../shared/sql-text.ts";
import { mustLeave } from "../shared/task.ts";
import type { RunningStep } from "./running-step.ts";

/** A worker that only waits needs little time to answer and to close its session. */
export const WORKER_MARGIN_MS = 5_000;

const LONGEST_PAUSE_MS = 2_000;

interface Watch {
  ports: Ports;
  /** The session that runs the statement. */
  pid: number;
  /** Opens another session on the same database; undefined if only one is possible. */
  beside: OpenSession | undefined;
  /** Milliseconds until the first observation. A statement that ends earlier is not observed. */
  firstLookMs: number;
  onSight(sight: Sight, cancel: () => Promise<void>): void | Promise<void>;
}

/**
 * Waits for a running statement and observes it from another session. Near the worker's end it leaves the statement:
 * the server finishes it, and its session cannot be used again.
 * @returns "left", or the statement's result
 */
export async function watched<T>(sent: Promise<T>, watch: Watch): Promise<T | "left"> {
  let ended = false;
  const end = sent.then(
    () => {
      ended = true;
    },
    () => {
      ended = true;
    },
  );
  const isEnded = () => ended;
  await within(end, watch.firstLookMs);
  // If it cannot be observed, just wait for it.
  if (!isEnded()) await lookOn(end, isEnded, watch);
  while (!isEnded()) {
    if (mustLeave(watch.ports, WORKER_MARGIN_MS)) return "left";
    await within(end, 250);
  }
  return await sent;
}

/** Observes repeatedly until the statement has ended, the worker must leave, or observing fails. */
async function lookOn(end: Promise<void>, isEnded: () => boolean, watch: Watch): Promise<void> {
  const { ports, pid, beside, firstLookMs, onSight } = watch;
  await beside?.(async (session) => {
    for (let pause = firstLookMs; !isEnded(); pause = Math.min(LONGEST_PAUSE_MS, pause * 1.5)) {
      const sight = await look(session, pid);
      if (sight && !isEnded())
        await onSight(sight, async () => {
          await session.query("SELECT pg_cancel_backend($1)", [pid]);
        });
      if (mustLeave(ports, WORKER_MARGIN_MS)) return;
      await within(end, pause);
    }
    // If observing fails, ignore it: the statement is unaffected.
  }).catch(() => undefined);
}

/** Resolves with `end` or after this time, whichever comes first. */
async function within(end: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([end, late]);
  clearTimeout(timer);
}

/** What another session can observe of a statement. */
export interface Sight {
  /** Its progress in words. */
  words: string;
  /** What it waits for at this moment. */
  wait: Wait | undefined;
  /** Locks on relations that it holds and others would wait for, each as `relation mode`. */
  locks: string[];
}

interface Row {
  seconds: number;
  waitsOn: string | null;
  phase: string | null;
  /** In the unit that the server counts in this phase. */
  done: number;
  total: number;
  locks: string[];
  waiting: { relation: string | null; mode: string; seconds: number; at: string } | null;
  blockers: Blocker[];
}

// HNSW counts blocks and leaves tuples at 0; a wait for older transactions counts lockers.
const PROGRESS = `
  SELECT pid, phase,
         CASE WHEN lockers_total > 0 THEN lockers_done WHEN blocks_total > 0 THEN blocks_done ELSE tuples_done END AS done,
         CASE WHEN lockers_total > 0 THEN lockers_total WHEN blocks_total > 0 THEN blocks_total ELSE tuples_total END AS total
    FROM pg_stat_progress_create_index
  UNION ALL SELECT pid, phase, heap_blks_scanned, heap_blks_total FROM pg_stat_progress_vacuum
  UNION ALL SELECT pid, phase, heap_blks_scanned, heap_blks_total FROM pg_stat_progress_cluster
  UNION ALL SELECT pid, phase, sample_blks_scanned, sample_blks_total FROM pg_stat_progress_analyze`;

const LOOK = `
  SELECT extract(epoch FROM clock_timestamp() - a.query_start)::float8 AS seconds,
         a.wait_event_type || ': ' || a.wait_event AS "waitsOn", p.phase,
         coalesce(p.done, 0)::float8 AS done, coalesce(p.total, 0)::float8 AS total,
         (SELECT coalesce(json_agg(c.oid::regclass || ' ' || l.mode), '[]')
            FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
           WHERE l.pid = a.pid AND l.granted AND c.relkind IN ('r', 'p', 'm', 'f')
             AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
             AND l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')) AS locks,
         (SELECT json_build_object('relation', l.relation::regclass::text, 'mode', l.mode, 'at', l.waitstart,
                                   'seconds', coalesce(extract(epoch FROM clock_timestamp() - l.waitstart), 0)::float8)
            FROM pg_locks l WHERE l.pid = a.pid AND NOT l.granted LIMIT 1) AS waiting,
         (SELECT coalesce(json_agg(json_build_object('pid', b.pid, 'user', b.usename, 'application', b.application_name,
                   'state', b.state, 'queryStart', b.query_start, 'query', b.query)), '[]')
            FROM pg_stat_activity b WHERE b.pid = ANY (pg_blocking_pids(a.pid))) AS blockers
    FROM pg_stat_activity a LEFT JOIN (${PROGRESS}) AS p USING (pid)
   WHERE a.pid = $1`;

/** Observes a session's statement from another session; undefined if that session no longer exists. */
export async function look(session: Session, pid: number): Promise<Sight | undefined> {
  const [row] = await session.query<Row>(LOOK, [pid]);
  if (!row) return undefined;
  const wait: Wait | undefined = row.waiting
    ? {
        // The server records the start of a wait a moment after it began.
        at: row.waiting.at ?? new Date().toISOString(),
        relation: row.waiting.relation,
        mode: row.waiting.relation === null ? null : row.waiting.mode,
        seconds: row.waiting.seconds,
        blockers: row.blockers.map((blocker) => ({ ...blocker, query: withoutValues(blocker.query) })),
      }
    : undefined;
  return { words: wordsFor(row, wait), wait, locks: row.locks };
}

/** The sessions that it waits for, in words: `pid 12 of app (idle in transaction, 95 s: UPDATE t ...)`. */
export function blockersInWords(wait: Wait, now: Date = new Date()): string {
  if (wait.blockers.length === 0) return "a session that cannot be seen";
  return wait.blockers
    .map(({ pid, user, state, queryStart, query }) => {
      const age = queryStart === null ? "" : `, ${seconds((now.getTime() - Date.parse(queryStart)) / 1000)}`;
      return `pid ${pid} of ${user ?? "an unknown user"} (${state ?? "unknown state"}${age}${query ? `: ${query}` : ""})`;
    })
    .join(", ");
}

function wordsFor({ seconds: age, waitsOn, phase, done, total }: Row, wait: Wait | undefined): string {
  const words = [seconds(age)];
  if (phase !== null)
    words.push(total > 0 ? `${phase}, ${Math.floor((100 * done) / total)} % (${done} of ${total})` : phase);
  if (wait)
    words.push(
      `waiting ${seconds(wait.seconds)} for ${wait.relation === null ? "older transactions" : `${wait.mode} on ${wait.relation}`}, held up by ${blockersInWords(wait)}`,
    );
  else if (phase === null && waitsOn !== null) words.push(waitsOn);
  return words.join("; ");
}

const seconds = (value: number): string => `${value < 10 ? value.toFixed(1) : Math.round(value)} s`;

/** The start of a query without any values, which could be user data. */
export function withoutValues(query: string | null): string | null {
  if (query === null) return null;
  const short = query
    .replace(/'(?:[^']|'')*'?/g, "'?'")
    .replace(/\$(\w*)\$[\s\S]*?(?:\$\1\$|$)/g, "'?'")
    .replace(/\b\d[\d.]*\b/g, "?")
    .replace(/\s+/g, " ")
    .trim();
  return short.length > 100 ? `${short.slice(0, 100)} ...` : short;
}

/** A replica further behind than this, in seconds, is given time. */
const MOST_LAG = 10;

const POLL_MS = 1_000;

/**
 * Readers of an Aurora cluster share its storage and are not standbys: only this function lists them, and only Aurora
 * has it.
 */
const AURORA = "pg_catalog.aurora_replica_status()";

const LAG = {
  standbys: "SELECT extract(epoch FROM max(replay_lag))::float8 FROM pg_stat_replication",
  // A deleted reader stays listed for a while without new values.
  readers: `SELECT (max(replica_lag_in_msec) / 1000)::float8 FROM ${AURORA}
             WHERE session_id <> 'MASTER_SESSION_ID' AND last_update_timestamp > now() - interval '1 minute'`,
};

// Without pg_read_all_stats the server hides these figures; then batches do not pause.
const ask = (lag: string) => `
  SELECT (${lag}) AS lag,
         EXISTS (SELECT FROM pg_stat_progress_vacuum WHERE relid = to_regclass($1))
           OR EXISTS (SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid)
                       WHERE a.backend_type = 'autovacuum worker' AND NOT l.granted AND l.relation = to_regclass($1)) AS vacuum`;

/** How much longer batches may be paused. */
interface Patience {
  leftMs: number;
}

/**
 * Pauses while a replica lags, or while the table is vacuumed or waits for vacuum, because writing would make both
 * worse. The total pause is limited, because a migration must end in its window.
 * @returns false if this worker must leave
 */
export async function holdUp(
  { session, ports, step }: Pick<RunningStep, "session" | "ports"> & { step: Pick<Step, "name"> },
  table: ObjectName,
  patience: Patience,
): Promise<boolean> {
  const lag = LAG[await lagsBy(session)];
  for (let told = ""; patience.leftMs > 0; patience.leftMs -= POLL_MS) {
    const [row] = await session.query<{ lag: number | null; vacuum: boolean }>(ask(lag), [
      relationName(table),
    ]);
    const lags = (row?.lag ?? 0) > MOST_LAG;
    if (!lags && !row?.vacuum) return true;
    const words = lags
      ? `a replica is ${Math.round(row?.lag ?? 0)} s behind`
      : `${table.name} is being vacuumed`;
    if (words !== told) ports.progress(`${step.name}: paused, ${words}`);
    told = words;
    if (mustLeave(ports, WORKER_MARGIN_MS)) return false;
    await sleep(POLL_MS);
  }
  return true;
}

/** Looked up once per session: it never changes, and batches should not wait for it. */
const KNOWN = new WeakMap<Session, keyof typeof LAG>();

async function lagsBy(session: Session): Promise<keyof typeof LAG> {
  const known = KNOWN.get(session);
  if (known) return known;
  const [row] = await session.query<{ aurora: boolean }>("SELECT to_regprocedure($1) IS NOT NULL AS aurora", [
    AURORA,
  ]);
  const by = row?.aurora ? "readers" : "standbys";
  KNOWN.set(session, by);
  return by;
}
