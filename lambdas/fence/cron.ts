import type { CronJob } from "../shared/documents.ts";
import { messageOf } from "../shared/errors.ts";
import { requireRow, type Session, withTransaction } from "../shared/session.ts";
import { identifier } from "../shared/sql-text.ts";

export interface CronJobs {
  /** Active jobs that run in the given database. */
  jobs: CronJob[];
  /** False: other roles' jobs are hidden from this role. */
  all: boolean;
}

/**
 * Returns the database that holds pg_cron's jobs on this server; undefined: pg_cron is not loaded. Few roles can read the
 * setting, but all can see where the launcher is connected.
 */
export async function cronDatabase(session: Session): Promise<string | undefined> {
  const [row] = await session.query<{ database: string }>(
    `SELECT coalesce((SELECT setting FROM pg_settings WHERE name = 'cron.database_name'),
                     (SELECT datname FROM pg_stat_activity WHERE application_name = 'pg_cron scheduler' LIMIT 1)) AS database`,
  );
  return row?.database ?? undefined;
}

/**
 * Returns the active jobs that run in `database`, as visible to this role and the roles that it can become.
 * @param session on the database that holds pg_cron's jobs
 * @returns undefined if the extension is not installed there
 * @throws Error if this role cannot read the jobs at all
 */
export async function activeJobs(session: Session, database: string): Promise<CronJobs | undefined> {
  const [there] = await session.query("SELECT FROM pg_extension WHERE extname = 'pg_cron'");
  if (!there) return undefined;
  const { all } = await requireRow<{ all: boolean }>(
    session,
    "SELECT NOT row_security_active('cron.job') AS all",
  );
  const roles = all ? [null] : await rolesWithJobs(session);
  const found = new Map<string, CronJob>();
  for (const role of roles)
    for (const job of await as(session, role, () =>
      session.query<CronJob>(
        `SELECT jobid::text AS id, to_jsonb(j) ->> 'jobname' AS name, schedule, username AS role
           FROM cron.job j WHERE active AND database = $1 ORDER BY jobid`,
        [database],
      ),
    ))
      found.set(job.id, job);
  return { jobs: [...found.values()], all };
}

/** Roles that can show jobs: this one (null) and those that it can become. */
async function rolesWithJobs(session: Session): Promise<(string | null)[]> {
  const rows = await session.query<{ role: string }>(
    `SELECT rolname AS role FROM pg_roles r
      WHERE r.rolname <> current_user AND NOT r.rolsuper
        AND pg_has_role(current_user, r.oid, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)
        AND has_schema_privilege(r.oid, 'cron', 'USAGE') AND has_table_privilege(r.oid, 'cron.job', 'SELECT')
      ORDER BY 1`,
  );
  return [null, ...rows.map(({ role }) => role)];
}

/** Returns whether this session can stop the job, without stopping it. */
export async function mayStill(session: Session, { role }: CronJob): Promise<boolean> {
  const { may } = await requireRow<{ may: boolean }>(
    session,
    `SELECT (has_table_privilege('cron.job', 'UPDATE') AND NOT row_security_active('cron.job'))
            OR EXISTS (SELECT FROM pg_roles r
                        WHERE r.rolname = $1 AND pg_has_role(current_user, r.oid, 'MEMBER')
                          AND EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace = 'cron'::regnamespace
                                       AND p.proname = 'alter_job' AND has_function_privilege(r.oid, p.oid, 'EXECUTE'))) AS may`,
    [role],
  );
  return may;
}

/**
 * Activates or deactivates a job. Does nothing if the job is already so, or gone.
 * @throws Error naming the job and the statement to run, if this role has no right to do it
 */
export async function setActive(session: Session, job: CronJob, active: boolean): Promise<void> {
  const ways: (() => Promise<unknown>)[] = [
    () =>
      as(session, null, () =>
        session.query("UPDATE cron.job SET active = $2 WHERE jobid = $1::bigint AND active <> $2", [
          job.id,
          active,
        ]),
      ),
    ...[null, job.role].map(
      (role) => () =>
        as(session, role, () =>
          session.query("SELECT cron.alter_job(job_id := $1::bigint, active := $2)", [job.id, active]),
        ),
    ),
  ];
  let refused: unknown;
  for (const way of ways) {
    const is = await isActive(session, job);
    if (is === undefined || is === active) return;
    try {
      await way();
    } catch (error) {
      refused = error;
    }
  }
  const is = await isActive(session, job);
  if (is === undefined || is === active) return;
  throw new Error(
    `pg_cron's ${jobText(job)} cannot be ${active ? "started again" : "stopped"}${refused === undefined ? "" : `: ${messageOf(refused)}`}. As ${job.role}: SELECT cron.alter_job(${job.id}, active := ${active}).`,
  );
}

/** Undefined: the job does not exist, or cannot be seen. */
async function isActive(session: Session, { id, role }: CronJob): Promise<boolean | undefined> {
  const look = () =>
    session.query<{ active: boolean }>("SELECT active FROM cron.job WHERE jobid = $1::bigint", [id]);
  const [own] = await look();
  if (own) return own.active;
  const [other] = await as(session, role, look).catch(() => []);
  return other?.active;
}

/** Runs the work in its own transaction as that role; null: as the session's role. */
async function as<T>(session: Session, role: string | null, work: () => Promise<T>): Promise<T> {
  return await withTransaction(session, async () => {
    if (role !== null) await session.exec(`SET LOCAL ROLE ${identifier(role)}`);
    return await work();
  });
}

export function jobText({ id, name, schedule, role }: CronJob): string {
  return `job ${id}${name === null ? "" : ` "${name}"`} of ${role} (${schedule})`;
}
