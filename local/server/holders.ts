import type { Session } from "../../lambdas/shared/session.ts";
import { literal } from "../../lambdas/shared/sql-text.ts";
import { nameInSql } from "../../lambdas/shared/text.ts";

/** What keeps a database from being copied, renamed or dropped, and what to do about it. */
export interface Holder {
  what: string;
  helps: string;
}

interface Row {
  kind: "session" | "launcher" | "worker" | "sender" | "prepared" | "subscription";
  pid: number | null;
  role: string | null;
  name: string | null;
  mayEnd: boolean;
}

const MOST = 10;

/**
 * $1: a database. Autovacuum workers are left out, as the server ends them itself. The type of another role's session is
 * hidden (`backend_type` is null then); its application's name, the slot it reads and the subscription it applies are
 * visible.
 */
const HOLDERS = `
WITH workers AS (
  SELECT a.pid, s.subname FROM pg_stat_subscription s JOIN pg_stat_activity a ON a.pid = s.pid
)
SELECT CASE WHEN a.application_name = 'pg_cron scheduler' OR a.backend_type = 'pg_cron launcher' THEN 'launcher'
            WHEN w.subname IS NOT NULL THEN 'worker' WHEN r.slot_name IS NOT NULL OR a.backend_type = 'walsender' THEN 'sender'
            ELSE 'session' END AS kind,
       a.pid, a.usename::text AS role,
       coalesce(w.subname::text, r.slot_name::text, nullif(a.application_name, ''),
                nullif(nullif(a.backend_type, 'client backend'), '')) AS name,
       coalesce(me.rolsuper OR (pg_has_role(a.usesysid, 'USAGE') AND NOT u.rolsuper)
                OR (pg_has_role('pg_signal_backend', 'USAGE') AND NOT u.rolsuper), false) AS "mayEnd"
  FROM pg_stat_activity a
  JOIN pg_roles me ON me.rolname = current_user
  LEFT JOIN pg_roles u ON u.oid = a.usesysid
  LEFT JOIN workers w ON w.pid = a.pid
  LEFT JOIN pg_replication_slots r ON r.active_pid = a.pid
 WHERE a.datname = $1 AND a.pid <> pg_backend_pid() AND a.backend_type IS DISTINCT FROM 'autovacuum worker'
UNION ALL
SELECT 'prepared', NULL, owner::text, gid, me.rolsuper OR owner = current_user
  FROM pg_prepared_xacts, pg_roles me WHERE database = $1 AND me.rolname = current_user
UNION ALL
SELECT 'subscription', NULL, pg_get_userbyid(s.subowner)::text, s.subname::text, pg_has_role(s.subowner, 'USAGE')
  FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
 WHERE d.datname = $1 AND s.subenabled AND NOT EXISTS (SELECT FROM workers w WHERE w.subname = s.subname)
 ORDER BY 1, 2`;

/** What holds that database now, asked from a session on another database. */
export async function holdersOf(session: Session, database: string): Promise<Holder[]> {
  const rows = await session.query<Row>(HOLDERS, [database]);
  const shown = rows.slice(0, MOST).map((row) => holderIn(row, database));
  return rows.length > MOST
    ? [...shown, { what: `${rows.length - MOST} more`, helps: "see pg_stat_activity" }]
    : shown;
}

function holderIn({ kind, pid, role, name, mayEnd }: Row, database: string): Holder {
  const of = role === null ? "the server" : role;
  switch (kind) {
    case "launcher":
      return {
        what: `pg_cron's launcher (pid ${pid}, of ${of})`,
        helps: `it works in the database of cron.database_name, and when ended it is back within a second. Set cron.database_name to another database, or remove pg_cron from shared_preload_libraries, and restart the server${limited(mayEnd, "change that")}`,
      };
    case "worker":
      return {
        what: `subscription ${name} (worker pid ${pid}, of ${of})`,
        helps: disable(name, database, mayEnd),
      };
    case "subscription":
      return {
        what: `subscription ${name}, which is enabled (of ${of})`,
        helps: disable(name, database, mayEnd),
      };
    case "sender":
      return {
        what: `a reader of its changes (pid ${pid}, of ${of}${name === null ? "" : `, ${name}`})`,
        helps: `stop the subscriber or the change data capture that reads it; when ended here, it connects again${limited(mayEnd, "end it")}`,
      };
    case "prepared":
      return {
        what: `prepared transaction ${literal(name ?? "")} (of ${of})`,
        helps: `its application must end it. If that is gone, in ${database}: COMMIT PREPARED ${literal(name ?? "")}, or ROLLBACK PREPARED ${literal(name ?? "")}${limited(mayEnd, "do that")}`,
      };
    case "session":
      return {
        what: `a session (pid ${pid}, of ${of}${name === null ? "" : `, ${name}`})`,
        helps: `stop the program, or: SELECT pg_terminate_backend(${pid})${limited(mayEnd, "end it")}`,
      };
  }
}

const disable = (name: string | null, database: string, mayEnd: boolean): string =>
  `when ended, its worker is back within a second. In ${database}: ALTER SUBSCRIPTION ${nameInSql(name ?? "")} DISABLE, and ENABLE after the run${limited(mayEnd, "do that")}`;

/** Added if this role lacks the right for the remedy. */
const limited = (may: boolean, what: string): string =>
  may ? "" : ` (this run's role may not ${what}; ask the server's administrator)`;
