import { isPostgresError } from "../../lambdas/shared/errors.ts";
import type { Session } from "../../lambdas/shared/session.ts";

// Dropping a database waits for a checkpoint and deletes its files one by one. On some file systems making files is slow
// soon afterwards. Staging is dropped right before the downtime, which begins with a copy. So a small copy is only
// renamed, and dropped when the run is over, or by the next run if this one was killed.

/** The renamed copies together take at most this much; a larger copy is dropped at once. */
export const LET_GO_UP_TO_BYTES = 1024 ** 3;

const OBJECT_IN_USE = "55006";
const UNDEFINED_DATABASE = "3D000";
const PREFIX = "sluice-let-go-";
const IS_LET_GO = `datname ~ '^${PREFIX}\\d+$' AND pg_has_role(datdba, 'USAGE')`;

/** Gives a database a name that marks it for dropping. Returns false if there is no room for it, or a session is in it. */
export async function letGo(session: Session, database: string, upToBytes: number): Promise<boolean> {
  try {
    const [row] = await session.query<{ sql: string }>(
      `SELECT format('ALTER DATABASE %I RENAME TO %I', $1::text, '${PREFIX}' || max(oid) FILTER (WHERE datname = $1)) AS sql
         FROM pg_database
        WHERE (datname = $1 OR ${IS_LET_GO}) AND has_database_privilege(oid, 'CONNECT')
       HAVING bool_or(datname = $1) AND sum(pg_database_size(oid)) <= $2`,
      [database, upToBytes],
    );
    if (!row) return false;
    await session.exec(row.sql);
  } catch (error) {
    // Another run may drop databases marked by it or by this run while their size is read.
    if (isPostgresError(error) && [OBJECT_IN_USE, UNDEFINED_DATABASE].includes(error.code ?? ""))
      return false;
    throw error;
  }
  await writeOut(session);
  return true;
}

/**
 * Makes a checkpoint before the downtime. Otherwise the copy in the downtime writes out all that the rehearsal wrote: with 2
 * million rows that took 1.7 s, and the rehearsal's own copy 0.07 s. A role without the right skips it; then the copy does
 * the checkpoint.
 */
async function writeOut(session: Session): Promise<void> {
  await session.exec("CHECKPOINT").catch((error: unknown) => {
    if (!isPostgresError(error)) throw error;
  });
}

/** Drops marked databases of all runs. No other database has a name with the mark. */
export async function dropLetGo(session: Session): Promise<void> {
  const found = await session.query<{ name: string }>(
    `SELECT datname AS name FROM pg_database WHERE ${IS_LET_GO}`,
  );
  for (const { name } of found) await dropDatabase(session, name);
}

/** Drops a database and ends its sessions. It may be gone already. */
export async function dropDatabase(session: Session, database: string): Promise<void> {
  const [row] = await session.query<{ sql: string }>(
    "SELECT format('DROP DATABASE IF EXISTS %I WITH (FORCE)', $1::text) AS sql",
    [database],
  );
  if (row) await session.exec(row.sql);
}
