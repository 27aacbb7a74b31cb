import { hasLedger } from "../migrate/ledger.ts";
import type { Session } from "../shared/session.ts";
import { LEDGER_SCHEMA } from "../shared/user-objects.ts";

// One for a whole database. It is not waited for, and ends with its session.
const LOCK = "1399616873, 2";

const BUSY = { because: "another probe is at work" };

/**
 * Does the work unless another probe is at it, or another run has this database: its migrations are not to be measured,
 * nor held up.
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
 * The same in a pooler's session, where a lock that outlives its transaction would be left to whoever has the connection
 * next, and one that lasted would keep a connection from the application: whether another probe is at work is only seen
 * when it begins.
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
