import { activeJobs, cronDatabase, jobText, mayStill } from "../fence/cron.ts";
import { enabledSubscriptions } from "../fence/stilled.ts";
import { messageOf } from "../shared/errors.ts";
import { applicationRoles } from "../shared/places.ts";
import type { CompiledPlan } from "../shared/plan.ts";
import type { Ports, PreflightCheck } from "../shared/ports.ts";
import type { Session } from "../shared/session.ts";
import { nameInSql } from "../shared/text.ts";
import { type Connections, readConnections, utilization } from "../watch/read-metric.ts";
import { quantity, standingOf, thresholdText } from "../watch/thresholds.ts";
import { inspectMaintenance } from "./inspect-deployment.ts";
import { inspected, none, note, problem } from "./inspected.ts";

/** Checks whether the application's pool has room, and how full the server is before the run. */
export async function inspectConnections(session: Session, ports: Ports): Promise<PreflightCheck[]> {
  const { plan } = ports;
  const found = await readConnections(session, applicationRoles(ports));
  return [room(found, plan.server.minimumConnections), ...fullness(found, plan)];
}

/** Connections that others use are not available to the application's pool. */
function room({ used, usedByRoles, most, limits }: Connections, minimum: number): PreflightCheck {
  const left = most - (used - usedByRoles);
  const narrow = limits.filter((limit) => limit.most < minimum);
  return {
    name: "connections",
    passed: left >= minimum && narrow.length === 0,
    expected: `at least ${minimum} for the application`,
    seen: [
      `${left} of ${most} (${used} in use, ${usedByRoles} of them by the application)`,
      ...narrow.map((limit) => `role ${limit.role} may have ${limit.most}`),
    ].join("; "),
    mend:
      narrow.length > 0
        ? `Remove the limit: ALTER ROLE ${narrow.map(({ role }) => nameInSql(role)).join(", ")} CONNECTION LIMIT -1, one role at a time.`
        : "Raise max_connections in the parameter group, lift the database's CONNECTION LIMIT, or end other sessions.",
  };
}

/** Uses the plan's own thresholds; empty if the plan has no connections metric. */
function fullness(found: Connections, plan: CompiledPlan): PreflightCheck[] {
  const metric = plan.watch?.metrics.find(({ source }) => source.kind === "connections");
  if (!metric) return [];
  const value = utilization(found);
  const standing = standingOf(metric, value);
  return [
    {
      name: "connection utilization",
      passed: standing === "between" ? null : standing === "target",
      expected: `${thresholdText(metric.target, metric.unit)}, and not ${thresholdText(metric.alert, metric.unit)}`,
      seen: `${quantity(value, metric.unit)} (${found.used} of ${found.most})`,
      mend: "End sessions that are idle, or make the pools smaller: the run needs a few sessions of its own.",
    },
  ];
}

/** Runs work in a session on another database of the same instance. */
type OnDatabase = <T>(database: string, work: (session: Session) => Promise<T>) => Promise<T>;

const NAME = "scheduled jobs";
const EXPECTED = "none active in this database";

/** Finds what runs in this database by itself: jobs of pg_cron, and maintenance. */
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
          "only jobs that the fence can pause",
          fixed.map(jobText),
          `They would write behind the fence. On database ${database}, as a superuser (on RDS a member of rds_superuser): GRANT EXECUTE ON FUNCTION cron.alter_job TO ${nameInSql(me)}, and grant ${me} the jobs' roles; or stop each job for the window: SELECT cron.alter_job(${fixed[0]?.id}, active := false).`,
        );
      const hidden = all
        ? ""
        : ` pg_cron shows ${me} only its own jobs and those of roles that it may become: ask pg_cron's administrator for other jobs that write here, and have them stopped.`;
      const still =
        settings.fence === "connect"
          ? "The fence pauses them and resumes them afterwards. They do not run while it is up: check what that means for them."
          : "With fence: none they keep running.";
      if (jobs.length === 0)
        return all ? none(NAME, EXPECTED) : note(NAME, EXPECTED, ["none visible"], hidden.trim());
      return note(NAME, EXPECTED, jobs.map(jobText), `${still} They do not run on staging.${hidden}`);
    });
  } catch (error) {
    return note(
      NAME,
      EXPECTED,
      [`unknown: the jobs in database ${database} cannot be read (${messageOf(error)})`],
      `The fence cannot pause them. Allow ${me} to read them: GRANT CONNECT ON DATABASE ${nameInSql(database)}, and there USAGE ON SCHEMA cron, TO ${nameInSql(me)}; or have the jobs that write here stopped for the window. If they write behind the fence, the run ends before it migrates anything.`,
    );
  }
}

/** Finds replication into this database and out of it. */
export async function inspectReplication(session: Session, ports: Ports): Promise<PreflightCheck[]> {
  return [
    ...(await inspected("subscriptions", () => subscriptions(session, ports))),
    ...(await inspected("replication slots", () => slots(session))),
    ...(await inspected("publications", () => publications(session))),
  ];
}

async function subscriptions(session: Session, { settings }: Ports): Promise<PreflightCheck> {
  const name = "subscriptions";
  const here = await enabledSubscriptions(session);
  const elsewhere = await session.query<{ text: string }>(
    `SELECT format('%s in database %s', quote_ident(subname), quote_ident(datname)) AS text
       FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
      WHERE subenabled AND datname <> current_database() ORDER BY 1`,
  );
  const named = here.map(
    ({ name: sub, owner, publications: of }) => `${nameInSql(sub)} of ${owner}, to ${of.join(", ")}`,
  );
  const pglogical = await replicatedByExtension(session);
  const all = [...named, ...elsewhere.map(({ text }) => text), ...pglogical];
  if (all.length === 0) return none(name, "none enabled");
  const fixed = here.filter(({ may }) => !may);
  if (fixed.length > 0 && settings.fence === "connect")
    return problem(
      name,
      "only subscriptions that the fence can disable",
      fixed.map(({ name: sub, owner }) => `${nameInSql(sub)} of ${owner}`),
      `They would write behind the fence. After a restore the publisher would not send the changes since the snapshot again. ${fixed
        .map(
          ({ name: sub, owner }) =>
            `As ${owner}: ALTER SUBSCRIPTION ${nameInSql(sub)} DISABLE; after the run: ENABLE.`,
        )
        .join(" ")}`,
    );
  const fenced =
    here.length === 0
      ? ""
      : settings.fence === "connect"
        ? "The fence disables those of this database and enables them again; meanwhile the publisher keeps new changes on its disk. "
        : "With fence: none they keep running, and a restore loses what they applied since the snapshot. ";
  const others =
    elsewhere.length === 0
      ? ""
      : "Those of other databases keep running: a restore takes them back to the snapshot too, and their publishers do not send later changes again. Disable them for the window. ";
  const byExtension =
    pglogical.length === 0
      ? ""
      : "The fence does not stop the replication of an extension: disable it for the window, for example with pglogical.alter_subscription_disable. ";
  return note(name, "none enabled", all, `${fenced}${others}${byExtension}None of them works on staging.`);
}

/** Extensions that replicate with workers of their own. */
async function replicatedByExtension(session: Session): Promise<string[]> {
  const rows = await session.query<{ name: string }>(
    `SELECT extname AS name FROM pg_extension WHERE extname IN ('pglogical', 'spock', 'pgactive', 'bdr') ORDER BY 1`,
  );
  return rows.map(({ name }) => `replication by ${name}`);
}

async function slots(session: Session): Promise<PreflightCheck> {
  const rows = await session.query<{ text: string }>(
    `SELECT format('%s (%s, %s)', slot_name, plugin, CASE WHEN active THEN 'read now' ELSE 'not read now' END) AS text
       FROM pg_replication_slots WHERE slot_type = 'logical' AND database = current_database() ORDER BY slot_name`,
  );
  if (rows.length === 0) return none("replication slots");
  return note(
    "replication slots",
    "none",
    rows.map(({ text }) => text),
    "A consumer reads every change of this database (CDC, AWS DMS, a blue/green deployment, a subscriber). It receives the rows that the migrations write, but no DDL. Agree with its owners what to do. A restore does not bring a slot back: the consumer must then start again.",
  );
}

async function publications(session: Session): Promise<PreflightCheck> {
  const rows = await session.query<{ text: string }>(
    `SELECT format('%s (%s)', quote_ident(pubname), CASE WHEN puballtables THEN 'all tables'
              ELSE (SELECT count(*) FROM pg_publication_tables t WHERE t.pubname = p.pubname) || ' tables' END) AS text
       FROM pg_publication p ORDER BY pubname`,
  );
  if (rows.length === 0) return none("publications");
  return note(
    "publications",
    "none",
    rows.map(({ text }) => text),
    "Subscribers receive rows but no DDL: a subscriber whose tables lack a new column stops with an error. Change the subscribers' tables first, and change them back after a rollback.",
  );
}
