import { hasLedger, LEDGER_SCHEMA } from "../migrate/ledger.ts";
import { type Session, withTransaction } from "../shared/session.ts";

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
 * The same where sessions may be a pooler's. The lock is a transaction's: it ends with it, whoever has the connection
 * next. The transaction has read nothing and holds nothing else up.
 * @param holder a session that does nothing else
 */
export async function aloneAsGuest<T>(
  holder: Session,
  session: Session,
  work: () => Promise<T>,
): Promise<{ value: T } | { because: string }> {
  return await withTransaction(holder, async () => {
    const [lock] = await holder.query<{ taken: boolean }>(
      `SELECT pg_try_advisory_xact_lock(${LOCK}) AS taken`,
    );
    return lock?.taken ? await unlessRunning(session, "", work) : BUSY;
  });
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
