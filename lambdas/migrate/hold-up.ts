import { setTimeout as sleep } from "node:timers/promises";
import type { ObjectName } from "../shared/plan.ts";
import type { Session } from "../shared/session.ts";
import { relationName } from "../shared/sql-text.ts";
import { mustLeave } from "../shared/task.ts";
import type { StepWork } from "./try-step.ts";
import { WORKER_MARGIN_MS } from "./watched.ts";

/** A replica further behind than this is given time, in seconds. */
const MOST_LAG = 10;

const POLL_MS = 1_000;

/** Readers of an Aurora cluster share its storage, and are no standbys: only this function knows them, and only Aurora has it. */
const AURORA = "pg_catalog.aurora_replica_status()";

const LAG = {
  standbys: "SELECT extract(epoch FROM max(replay_lag))::float8 FROM pg_stat_replication",
  // One that was deleted is listed for a while, and tells nothing new.
  readers: `SELECT (max(replica_lag_in_msec) / 1000)::float8 FROM ${AURORA}
             WHERE session_id <> 'MASTER_SESSION_ID' AND last_update_timestamp > now() - interval '1 minute'`,
};

// Others' figures are shown to roles in pg_read_all_stats; where they are not, nothing is held up.
const ask = (lag: string) => `
  SELECT (${lag}) AS lag,
         EXISTS (SELECT FROM pg_stat_progress_vacuum WHERE relid = to_regclass($1))
           OR EXISTS (SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid)
                       WHERE a.backend_type = 'autovacuum worker' AND NOT l.granted AND l.relation = to_regclass($1)) AS vacuum`;

/** How long batches may be held up yet. */
export interface Patience {
  leftMs: number;
}

/**
 * Waits while a replica lags, or while the table is vacuumed or waits to be: what is written meanwhile would make both
 * worse. Not for ever: a migration has a window to end in.
 * @returns false when this worker must leave
 */
export async function holdUp(work: StepWork, table: ObjectName, patience: Patience): Promise<boolean> {
  const { session, ports, step } = work;
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
    if (words !== told) ports.progress(`${step.name}: holding on, ${words}`);
    told = words;
    if (mustLeave(ports, WORKER_MARGIN_MS)) return false;
    await sleep(POLL_MS);
  }
  return true;
}

/** Asked once of each session: a batch must not wait for what never changes. */
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
