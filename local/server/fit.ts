import { Pooled } from "../../lambdas/shared/pg-session.ts";
import { nameInSql } from "../../lambdas/shared/text.ts";
import { type CopyHow, UsageError } from "../events.ts";
import type { Address } from "./address.ts";
import { withGuestAt, withSessionAt } from "./session.ts";

/** The database for sessions that must not be on one that is to be copied, renamed or dropped; never `database` itself. */
export const maintenanceFor = (database: string): string =>
  database === "postgres" ? "template1" : "postgres";

interface Row {
  me: string;
  owner: string;
  isStandby: boolean;
  isReadOnly: boolean;
  mayCreate: boolean;
  mayReplicate: boolean;
  mayBeOwner: boolean;
  freeByRole: number | null;
  freeByDatabase: number | null;
}

/** Sessions that a run needs at the same time: the lock's, the working one, and one that observes it. */
const SESSIONS = 3;

const ASK = `
  SELECT current_user AS me, pg_get_userbyid(d.datdba) AS owner, pg_is_in_recovery() AS "isStandby",
         current_setting('default_transaction_read_only')::boolean AS "isReadOnly",
         r.rolcreatedb OR r.rolsuper AS "mayCreate", r.rolreplication OR r.rolsuper AS "mayReplicate",
         pg_has_role(d.datdba, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)
           AND pg_has_role(d.datdba, 'USAGE') AS "mayBeOwner",
         CASE WHEN r.rolconnlimit >= 0 AND NOT r.rolsuper THEN r.rolconnlimit -
           (SELECT count(*)::int FROM pg_stat_activity WHERE usesysid = r.oid AND pid <> pg_backend_pid()) END AS "freeByRole",
         CASE WHEN d.datconnlimit >= 0 AND NOT r.rolsuper THEN d.datconnlimit -
           (SELECT count(*)::int FROM pg_stat_activity WHERE datid = d.oid AND pid <> pg_backend_pid()) END AS "freeByDatabase"
    FROM pg_database d, pg_roles r
   WHERE d.datname = current_database() AND r.rolname = current_user`;

/**
 * Checks that a run can work there: it makes copies, which needs rights and a writable server.
 * @throws UsageError with why the login fails, or with everything that is in the way, each with a remedy
 */
export async function refuseUnfit(
  address: Address,
  apply: boolean,
  copy: CopyHow = "template",
): Promise<void> {
  const { database } = address;
  const [row] = await withGuestAt(address, { application_name: "sluice" }, {}, (session, pooled) => {
    if (pooled) throw new UsageError(new Pooled(`${address.host}:${address.port}`).message);
    return session.query<Row>(ASK);
  });
  if (!row) throw new UsageError(`${database} has no row in pg_database.`);
  // Copies have no connection limit.
  const problems = problemsIn(apply ? row : { ...row, freeByDatabase: null }, database, copy);
  if (problems.length > 0)
    throw new UsageError(
      `A run on ${database} needs more than it has:\n${problems.map((line) => `- ${line}`).join("\n")}`,
    );
  if (copy === "physical") return;
  // Copies are made from this database, and sessions go there that must not be on a copied one.
  await withSessionAt({ ...address, database: maintenanceFor(database) }, {}, async () => undefined);
}

function problemsIn(row: Row, database: string, copy: CopyHow): string[] {
  const [me, owner] = [nameInSql(row.me), nameInSql(row.owner)];
  if (row.isStandby) return ["The server is a standby, which cannot be written to. Connect to its primary."];
  const problems: string[] = [];
  if (row.isReadOnly)
    problems.push(
      `Sessions of ${row.me} are read-only (default_transaction_read_only). Use a role that may write, or: ALTER ROLE ${me} RESET default_transaction_read_only, and the same for the database.`,
    );
  if (copy === "physical" && !row.mayReplicate)
    problems.push(
      `${row.me} may not copy the server's files, which --copy physical does. A superuser can allow it: ALTER ROLE ${me} REPLICATION.`,
    );
  if (copy !== "physical" && !row.mayCreate)
    problems.push(
      `${row.me} may not create databases, and copies of ${database} are databases. A superuser can allow it: ALTER ROLE ${me} CREATEDB.`,
    );
  if (!row.mayBeOwner)
    problems.push(
      `${row.me} is not a member of ${row.owner}, the owner of ${database}, who must also own the copies. Connect as ${row.owner}, or: GRANT ${owner} TO ${me}.`,
    );
  for (const [free, what, sql] of [
    [row.freeByRole, `the role ${row.me}`, `ALTER ROLE ${me}`],
    [row.freeByDatabase, `the database ${database}`, `ALTER DATABASE ${nameInSql(database)}`],
  ] as const)
    if (free !== null && free < SESSIONS)
      problems.push(
        `The connection limit of ${what} leaves ${Math.max(0, free)}, but a run needs ${SESSIONS} at once. Either ${sql} CONNECTION LIMIT -1, or end sessions.`,
      );
  return problems;
}
