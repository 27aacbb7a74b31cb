import {
  type Active,
  type CronJob,
  Doc,
  type DocumentName,
  docName,
  type FenceSet,
  type StilledDoc,
  type TimeDoc,
} from "../shared/documents.ts";
import { messageOf } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { withNeighbour, withTarget } from "../shared/places.ts";
import type { Ports } from "../shared/ports.ts";
import type { Session } from "../shared/session.ts";
import { identifier } from "../shared/sql-text.ts";
import { migrationsStand } from "./access.ts";
import { activeJobs, cronDatabase, jobText, setActive } from "./cron.ts";

// pg_cron's jobs and subscriptions write to the database without a session that the fence could end, so the fence stops
// them while it is up. Each is noted in its own document before it is stopped. So exactly these start again, whatever
// happens in between.

/** How long running jobs and subscriptions may take to end. */
const PATIENCE_MS = 15_000;
const LOOK_EVERY_MS = 250;
/** pg_cron's launcher reads its jobs every second, so a job may still begin this long after it was stopped. */
const SETTLE_MS = 2_000;

/**
 * Stops all active subscriptions and jobs. A second call also stops those that became active since.
 * @throws Error naming what cannot be stopped or does not end
 */
export async function keepStill(
  session: Session,
  ports: Ports,
  evidence: RunEvidence,
  set: FenceSet,
): Promise<void> {
  const at = ports.clock.now().toISOString();
  const subscriptions = await enabledSubscriptions(session);
  for (const subscription of subscriptions) {
    const { oid, name } = subscription;
    await evidence.createOnce(Doc.stilled(set, "subscription", oid), {
      at,
      kind: "subscription",
      name,
    });
    await setEnabled(session, subscription, false);
  }
  const jobs = await stopJobs(session, ports, evidence, set);
  if (subscriptions.length > 0)
    ports.progress(`stopped: subscription ${subscriptions.map(({ name }) => name).join(", ")}`);
  if (jobs.length > 0) ports.progress(`stopped: ${jobs.map(jobText).join(", ")}`);
  if (subscriptions.length + jobs.length > 0) await untilStill(session, ports, jobs.length > 0);
}

async function stopJobs(
  session: Session,
  ports: Ports,
  evidence: RunEvidence,
  set: FenceSet,
): Promise<CronJob[]> {
  const database = await cronDatabase(session);
  if (database === undefined) return [];
  return await onCron(ports, evidence, database, async (cron) => {
    const found = await activeJobs(cron, ports.settings.database).catch((error: unknown) => {
      // Preflight has reported this, and the run looks for writes behind the fence before it migrates anything.
      ports.progress(`pg_cron's jobs cannot be read: ${messageOf(error)}`);
      return undefined;
    });
    const at = ports.clock.now().toISOString();
    for (const job of found?.jobs ?? []) {
      await evidence.createOnce(Doc.stilled(set, "job", job.id), { at, kind: "job", database, job });
      await setActive(cron, job, false);
    }
    return found?.jobs ?? [];
  });
}

/** Runs the work on pg_cron's database. Returns an empty list if that database cannot be reached: nothing was stopped. */
async function onCron<T>(
  ports: Ports,
  evidence: RunEvidence,
  database: string,
  work: (session: Session) => Promise<T[]>,
): Promise<T[]> {
  let reached = false;
  try {
    return await withNeighbour(ports, evidence, "production", database, async (cron) => {
      reached = true;
      return await work(cron);
    });
  } catch (error) {
    if (reached) throw error;
    ports.progress(`pg_cron's database ${database} cannot be reached: ${messageOf(error)}`);
    return [];
  }
}

/** Ends running jobs and subscriptions, and waits until they have ended. */
async function untilStill(session: Session, ports: Ports, jobs: boolean): Promise<void> {
  const began = ports.clock.now().getTime();
  for (;;) {
    const running = await session.query<{ pid: number; what: string }>(
      `SELECT pid, CASE WHEN application_name LIKE 'pg_cron%' OR backend_type LIKE 'pg_cron%' THEN 'job of pg_cron' ELSE 'subscription' END AS what
         FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
          AND (((application_name LIKE 'pg_cron%' OR backend_type LIKE 'pg_cron%')
                AND application_name <> 'pg_cron scheduler' AND coalesce(backend_type, '') NOT LIKE '%launcher%')
               OR pid IN (SELECT pid FROM pg_stat_subscription s JOIN pg_subscription p ON p.oid = s.subid
                           WHERE NOT p.subenabled AND pid IS NOT NULL))`,
    );
    const waited = ports.clock.now().getTime() - began;
    if (running.length === 0 && (!jobs || waited >= SETTLE_MS)) return;
    if (waited > PATIENCE_MS)
      throw new Error(
        `These still run after they were stopped: ${running.map(({ pid, what }) => `${what}, pid ${pid}`).join("; ")}. Wait until it has ended, or end it: SELECT pg_terminate_backend(pid).`,
      );
    // This role may not end a superuser's process, so it is only waited for.
    for (const { pid } of running)
      await session.query("SELECT pg_terminate_backend($1)", [pid]).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/**
 * Starts again exactly what this run's fences stopped. Skips what was dropped meanwhile, and what the plan itself stops
 * while its migrations are on production.
 * @throws Error naming what could not be started again
 */
export async function setGoing(ports: Ports, evidence: RunEvidence): Promise<void> {
  const restored = (await evidence.read(Doc.restored)) !== undefined;
  // A restored production is as the first fence left it, whatever was started again before.
  const sets: readonly (readonly [FenceSet, DocumentName<TimeDoc>])[] = restored
    ? [["first", Doc.stilledBack("restored")]]
    : [
        ["again", Doc.stilledBack("again")],
        ["first", Doc.stilledBack("first")],
      ];
  for (const [set, back] of sets) {
    const names = await evidence.list(`stilled/${set}-`);
    if (names.length === 0 || (await evidence.read(back))) continue;
    const stopped: StilledDoc[] = [];
    for (const name of names) stopped.push(await evidence.require(docName<StilledDoc>(name)));
    const isMeant = (await migrationsStand(evidence)) ? await stoppedByPlan(evidence) : () => false;
    await giveBack(
      stopped.filter((one) => !isMeant(one)),
      ports,
      evidence,
    );
    await evidence.createOnce(back, { at: ports.clock.now().toISOString() });
  }
}

async function giveBack(stopped: readonly StilledDoc[], ports: Ports, evidence: RunEvidence): Promise<void> {
  const failed: string[] = [];
  const attempt = (work: Promise<void>) =>
    work.catch((error: unknown) => {
      failed.push(messageOf(error));
    });
  await withTarget(ports, evidence, "production", async (session) => {
    for (const one of stopped) if (one.kind === "subscription") await attempt(setEnabled(session, one, true));
  });
  const jobs = stopped.filter((one) => one.kind === "job");
  for (const database of new Set(jobs.map((job) => job.database)))
    await attempt(
      withNeighbour(ports, evidence, "production", database, async (cron) => {
        for (const { job } of jobs.filter((one) => one.database === database))
          await attempt(setActive(cron, job, true));
      }),
    );
  if (failed.length > 0) throw new Error(`Not started again: ${failed.join("; ")}`);
}

/** An enabled subscription of this database. */
interface Subscription {
  oid: string;
  name: string;
  owner: string;
  publications: string[];
  /** Whether this role has the right to disable it. */
  may: boolean;
}

export async function enabledSubscriptions(session: Session): Promise<Subscription[]> {
  return await session.query<Subscription>(
    `SELECT oid::text, subname AS name, pg_get_userbyid(subowner) AS owner, subpublications AS publications,
            pg_has_role(current_user, subowner, 'USAGE') AS may
       FROM pg_subscription
      WHERE subenabled AND subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
      ORDER BY subname`,
  );
}

/** Does nothing if the subscription is already so, or gone. */
async function setEnabled(
  session: Session,
  { name }: Pick<Subscription, "name">,
  enabled: boolean,
): Promise<void> {
  const there = await session.query(
    `SELECT FROM pg_subscription
      WHERE subname = $1 AND subenabled <> $2
        AND subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    [name, enabled],
  );
  if (there.length > 0)
    await session.exec(`ALTER SUBSCRIPTION ${identifier(name)} ${enabled ? "ENABLE" : "DISABLE"}`);
}

/** Notes what is active on staging right after the restore. A copy of a single database has nothing active. */
export async function noteActiveBefore(session: Session, ports: Ports, evidence: RunEvidence): Promise<void> {
  await evidence.getOrCreate(Doc.activeBefore, () => activeIn(session, ports));
}

/** Notes what the migrations stopped or dropped on staging, after all are applied there. */
export async function noteStopped(session: Session, ports: Ports, evidence: RunEvidence): Promise<void> {
  const before = await evidence.read(Doc.activeBefore);
  if (!before || before.jobs.length + before.subscriptions.length === 0) return;
  await evidence.getOrCreate(Doc.stoppedByPlan, async () => {
    const after = await activeIn(session, ports);
    return {
      jobs: before.jobs.filter((id) => !after.jobs.includes(id)),
      subscriptions: before.subscriptions.filter((name) => !after.subscriptions.includes(name)),
    };
  });
}

/** Returns a test: whether the plan itself stops what the fence stopped. */
async function stoppedByPlan(evidence: RunEvidence): Promise<(stilled: StilledDoc) => boolean> {
  const stopped = await evidence.read(Doc.stoppedByPlan);
  return (one) =>
    one.kind === "job"
      ? (stopped?.jobs.includes(one.job.id) ?? false)
      : (stopped?.subscriptions.includes(one.name) ?? false);
}

async function activeIn(session: Session, { settings }: Ports): Promise<Active> {
  // Jobs that cannot be read could not be stopped by the plan either.
  const found = await activeJobs(session, settings.database).catch(() => undefined);
  return {
    jobs: (found?.jobs ?? []).map(({ id }) => id),
    subscriptions: (await enabledSubscriptions(session)).map(({ name }) => name),
  };
}
