import { hasLedger } from "../migrate/ledger.ts";
import type { Session } from "../shared/session.ts";
import { LEDGER_SCHEMA } from "../shared/user-objects.ts";

// One for a whole database. It is not waited for, and ends with its session.
const LOCK = "1399616873, 2";

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
  if (!lock?.taken) return { because: "another probe is at work" };
  try {
    const other = await runAtWork(session, run);
    return other === undefined ? { value: await work() } : { because: `run ${other} has this database` };
  } finally {
    await session.query(`SELECT pg_advisory_unlock(${LOCK})`);
  }
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
