import type { Session } from "../shared/session.ts";
import type { Blocker, Wait } from "./ledger.ts";

/** What can be seen of a statement from another session. */
export interface Sight {
  /** How far it is, for people. */
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
  /** In the unit of the phase, whichever the server counts. */
  done: number;
  total: number;
  locks: string[];
  waiting: { relation: string | null; mode: string; seconds: number; at: string } | null;
  blockers: Blocker[];
}

// HNSW counts blocks and leaves the tuples at 0; a wait for older transactions counts those.
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

/** Looks at a session's statement from beside it; undefined where there is no such session any more. */
export async function look(session: Session, pid: number): Promise<Sight | undefined> {
  const [row] = await session.query<Row>(LOOK, [pid]);
  if (!row) return undefined;
  const wait: Wait | undefined = row.waiting
    ? {
        // The server notes the beginning of a wait a moment after it began.
        at: row.waiting.at ?? new Date().toISOString(),
        relation: row.waiting.relation,
        mode: row.waiting.relation === null ? null : row.waiting.mode,
        seconds: row.waiting.seconds,
        blockers: row.blockers.map((blocker) => ({ ...blocker, query: withoutValues(blocker.query) })),
      }
    : undefined;
  return { words: wordsFor(row, wait), wait, locks: row.locks };
}

/** Who is waited for, in words: `pid 12 of app (idle in transaction, 95 s: UPDATE t ...)`. */
export function blockersInWords(wait: Wait, now: Date = new Date()): string {
  if (wait.blockers.length === 0) return "somebody who cannot be seen";
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

/** The beginning of a query, with nothing in it that could be somebody's data. */
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
