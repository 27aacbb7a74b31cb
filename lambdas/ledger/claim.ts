import { ErrorName, SluiceError } from "../shared/errors.ts";
import type { Session } from "../shared/session.ts";
import { LEDGER_SCHEMA } from "../shared/user-objects.ts";
import { ensureLedger, hasLedger } from "./ledger.ts";

/**
 * The run that may change this database, noted in the database itself. It also holds against runs of another
 * deployment, which cannot see this one's lease. A dead run's claim needs no cleanup: within a deployment the lease
 * shows that the run is dead, and in a copy of the database the claim does not count.
 */
export interface Claim {
  run: string;
  execution: string;
  since: Date;
}

const HERE = "(SELECT oid FROM pg_database WHERE datname = current_database())";

/**
 * Returns the claim of another deployment's run that may still be at work; undefined if there is none. The caller
 * holds its own deployment's lease.
 */
export async function othersClaim(
  session: Session,
  run: string,
  execution: string,
): Promise<Claim | undefined> {
  if (!(await hasLedger(session))) return undefined;
  const [claim] = await session.query<Claim>(
    `SELECT run, execution, since FROM ${LEDGER_SCHEMA}.claim WHERE run <> $1 AND database = ${HERE}`,
    [run],
  );
  return claim && deploymentOf(claim.execution) !== deploymentOf(execution) ? claim : undefined;
}

/**
 * Notes that this run is the one that may change this database.
 * @throws SluiceError RunLocked if a run of another deployment has the claim
 */
export async function takeClaim(session: Session, run: string, execution: string): Promise<void> {
  await ensureLedger(session);
  const other = await othersClaim(session, run, execution);
  if (other) throw new SluiceError(ErrorName.RunLocked, claimInWords(other));
  // The noted run has ended, or this is a copy, unless another run took the claim a moment ago.
  const taken = await session.query(
    `INSERT INTO ${LEDGER_SCHEMA}.claim AS c (run, execution, database) VALUES ($1, $2, ${HERE})
     ON CONFLICT (single) DO UPDATE SET run = excluded.run, execution = excluded.execution, database = excluded.database, since = now()
       WHERE c.database <> excluded.database OR starts_with(c.execution, $3)
     RETURNING run`,
    [run, execution, deploymentOf(execution)],
  );
  if (taken.length === 0)
    throw new SluiceError(ErrorName.RunLocked, "Another run took this database at the same moment.");
}

/** Gives the claim back, and drops the ledger if no run ever migrated anything in this database. */
export async function releaseClaim(session: Session, run: string): Promise<void> {
  if (!(await hasLedger(session))) return;
  await session.query(`DELETE FROM ${LEDGER_SCHEMA}.claim WHERE run = $1`, [run]);
  const used = await session.query(
    `SELECT FROM ${LEDGER_SCHEMA}.migration UNION ALL SELECT FROM ${LEDGER_SCHEMA}.step UNION ALL SELECT FROM ${LEDGER_SCHEMA}.claim LIMIT 1`,
  );
  if (used.length === 0) await session.exec(`DROP SCHEMA ${LEDGER_SCHEMA} CASCADE`);
}

export function claimInWords({ run, execution, since }: Claim): string {
  return (
    `Run ${run} of another deployment (${execution}) has this database since ${since.toISOString()}. ` +
    `Wait until it has ended. If you know that it has, and its deployment is gone: DELETE FROM ${LEDGER_SCHEMA}.claim;`
  );
}

/** The common part of executions of one state machine, or of local runs on one server. */
function deploymentOf(execution: string): string {
  return execution.startsWith("local:") ? "local:" : execution.slice(0, execution.lastIndexOf(":") + 1);
}
