import { activeJobs, cronDatabase, jobText, mayStill } from "../fence/cron.ts";
import { messageOf } from "../shared/errors.ts";
import { nameInSql } from "../shared/name-in-sql.ts";
import type { Ports, PreflightCheck } from "../shared/ports.ts";
import type { Session } from "../shared/session.ts";
import { inspectMaintenance } from "./inspect-maintenance.ts";
import { inspected } from "./inspected.ts";
import { none, note, problem } from "./note.ts";

/** Another database of the instance. */
export type OnDatabase = <T>(database: string, work: (session: Session) => Promise<T>) => Promise<T>;

const NAME = "scheduled jobs";
const EXPECTED = "none active in this database";

/** What runs in this database by itself: jobs of pg_cron, and maintenance. */
export async function inspectJobs(
  session: Session,
  ports: Ports,
  onDatabase: OnDatabase,
): Promise<PreflightCheck[]> {
  return [
    ...(await inspected(NAME, () => jobs(session, ports, onDatabase))),
    ...(await inspected("maintenance", () => inspectMaintenance(session))),
  ];
}

async function jobs(session: Session, ports: Ports, onDatabase: OnDatabase): Promise<PreflightCheck> {
  const { settings } = ports;
  const database = await cronDatabase(session);
  if (database === undefined) return none(NAME, EXPECTED);
  const [{ me = "" } = {}] = await session.query<{ me: string }>("SELECT current_user AS me");
  try {
    return await onDatabase(database, async (cron) => {
      const found = await activeJobs(cron, settings.database);
      if (!found) return none(NAME, EXPECTED);
      const { jobs, all } = found;
      const fixed = [];
      for (const job of jobs) if (!(await mayStill(cron, job))) fixed.push(job);
      if (fixed.length > 0 && settings.fence === "connect")
        return problem(
          NAME,
          "none that the fence cannot keep still",
          fixed.map(jobText),
          `They would write behind the fence. On database ${database}, as a superuser (on RDS a member of rds_superuser): GRANT EXECUTE ON FUNCTION cron.alter_job TO ${nameInSql(me)}, and let it become the jobs' roles; or stop each for the window: SELECT cron.alter_job(${fixed[0]?.id}, active := false).`,
        );
      const hidden = all
        ? ""
        : ` pg_cron shows ${me} only its own jobs and those of roles that it may become: ask whoever administers pg_cron for others that write here, and have them stopped.`;
      const still =
        settings.fence === "connect"
          ? "The fence keeps them still and sets them going again. They do not run for as long as it is up: see what that means for them."
          : "With fence: none they go on.";
      if (jobs.length === 0)
        return all ? none(NAME, EXPECTED) : note(NAME, EXPECTED, ["none that can be seen"], hidden.trim());
      return note(NAME, EXPECTED, jobs.map(jobText), `${still} On staging none runs.${hidden}`);
    });
  } catch (error) {
    return note(
      NAME,
      EXPECTED,
      [`not known: the jobs in database ${database} cannot be looked at (${messageOf(error)})`],
      `The fence cannot keep them still. Let ${me} look: GRANT CONNECT ON DATABASE ${nameInSql(database)}, and there USAGE ON SCHEMA cron, TO ${nameInSql(me)}; or have those stopped for the window that write here. What they write behind the fence ends the run before anything is migrated.`,
    );
  }
}
