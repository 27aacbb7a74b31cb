import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import type { Ports } from "../shared/ports.ts";
import type { Session } from "../shared/session.ts";
import { mustLeave } from "../shared/task.ts";
import type { LedgerKey, Wait } from "./ledger.ts";
import { look } from "./sight.ts";
import { WORKER_MARGIN_MS } from "./watched.ts";

// One lock for a whole database, whatever the run: nobody's steps run beside another's. It belongs to the session, so
// that it is held for exactly as long as a statement of it may still be at work.
const LOCK = "1399616873, 1";

const FIRST_POLL_MS = 50;
const LONGEST_POLL_MS = 1_000;

/** The lock, for as long as its session lives. */
export interface StepLock {
  /** Of the session that has it. */
  pid: number;
  /** What a former worker's statement waited for, too long, so that it was ended. */
  overdue: Wait | undefined;
}

interface Holder {
  pid: number;
  application: string;
}

/** Names a session after what it does, as pg_stat_activity shows it; it takes 63 bytes. */
function nameFor({ run, version, direction }: LedgerKey): string {
  return `sluice ${direction} ${version} ${runDigest(run)}`.slice(0, 63);
}

function runDigest(run: string): string {
  return createHash("sha256").update(run).digest("hex").slice(0, 12);
}

/** False for a worker of another run. */
function isOf(run: string, { application }: Holder): boolean {
  return application.startsWith("sluice ") && application.endsWith(runDigest(run));
}

/**
 * Takes the lock of this database's steps. It is polled, never waited for: a session that waits holds a snapshot, which
 * an index build of the holder would wait for in turn. While a former worker's statement still runs, its progress is told.
 * A statement of a step that is being rolled back is ended.
 * @returns undefined when this worker must leave before the lock is free; call again
 * @throws SluiceError RunLocked where another run's worker holds it
 */
export async function takeStepLock(
  session: Session,
  ports: Ports,
  key: LedgerKey,
): Promise<StepLock | undefined> {
  const name = nameFor(key);
  await session.query("SELECT set_config('application_name', $1, false)", [name]);
  let overdue: Wait | undefined;
  const pid = await poll(session, ports, key.run, async (holder) => {
    if (holder.application !== name) return await end(session, ports, holder);
    const sight = await look(session, holder.pid);
    if (!sight) return;
    ports.progress(`A former worker's statement still runs: ${sight.words}`);
    if (!sight.wait || sight.wait.seconds * 1000 < ports.settings.concurrentWaitMs) return;
    overdue = sight.wait;
    await session.query("SELECT pg_cancel_backend($1)", [holder.pid]);
  });
  return pid === undefined ? undefined : { pid, overdue };
}

/**
 * Ends whatever former workers of this run left running, so that the ledger tells all there is to tell.
 * @returns false when this worker must leave first; call again
 */
export async function endFormerWorkers(session: Session, ports: Ports, run: string): Promise<boolean> {
  const pid = await poll(session, ports, run, (holder) => end(session, ports, holder));
  if (pid !== undefined) await releaseStepLock(session);
  return pid !== undefined;
}

async function end(session: Session, ports: Ports, { pid, application }: Holder): Promise<void> {
  ports.progress(`Ending pid ${pid} (${application}), whose work nobody wants any more`);
  await session.query("SELECT pg_terminate_backend($1)", [pid]);
}

export async function releaseStepLock(session: Session): Promise<void> {
  await session.query(`SELECT pg_advisory_unlock(${LOCK})`);
}

/**
 * Tries for the lock until it has it, and tells `onHeld` who has it meanwhile.
 * @returns the session's pid; undefined when this worker must leave
 * @throws SluiceError RunLocked where another run's worker has it
 */
async function poll(
  session: Session,
  ports: Ports,
  run: string,
  onHeld: (holder: Holder) => Promise<void>,
): Promise<number | undefined> {
  for (let pause = FIRST_POLL_MS; ; pause = Math.min(LONGEST_POLL_MS, pause * 1.5)) {
    const [row] = await session.query<{ taken: boolean; pid: number }>(
      `SELECT pg_try_advisory_lock(${LOCK}) AS taken, pg_backend_pid() AS pid`,
    );
    if (row?.taken) return row.pid;
    const [holder] = await session.query<Holder>(
      `SELECT a.pid, a.application_name AS application
         FROM pg_locks l JOIN pg_stat_activity a USING (pid)
        WHERE l.locktype = 'advisory' AND l.granted AND (l.classid, l.objid, l.objsubid) = (${LOCK}, 2)
          AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    );
    if (holder && !isOf(run, holder))
      throw new SluiceError(
        ErrorName.RunLocked,
        `Another run is at work on this database: pid ${holder.pid} (${holder.application}). Wait until it has ended.`,
      );
    if (holder) await onHeld(holder);
    if (mustLeave(ports, WORKER_MARGIN_MS)) return undefined;
    await sleep(pause);
  }
}
