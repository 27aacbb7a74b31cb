import { Doc, type StilledDoc } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import type { Ports } from "../shared/ports.ts";
import type { Session } from "../shared/session.ts";
import { activeJobs } from "./cron.ts";
import { enabledSubscriptions } from "./subscriptions.ts";

// Behind the fence nobody sees that a migration stops a job or a subscription: it is stopped already. Staging shows it.
// There none runs either, but each is marked as on production. What the plan stops stays so where its migrations stand.

/** Jobs by their ids, which a copy shares; subscriptions by name. */
interface Active {
  jobs: string[];
  subscriptions: string[];
}

/** Notes what is active on staging as restored. A copy of one database alone has none. */
export async function noteActiveBefore(session: Session, ports: Ports, evidence: RunEvidence): Promise<void> {
  await evidence.once<Active>(Doc.activeBefore, () => activeIn(session, ports));
}

/** Notes, once all migrations stand on staging, what they stopped or dropped. */
export async function noteStopped(session: Session, ports: Ports, evidence: RunEvidence): Promise<void> {
  const before = await evidence.read<Active>(Doc.activeBefore);
  if (!before || before.jobs.length + before.subscriptions.length === 0) return;
  await evidence.once<Active>(Doc.stoppedByPlan, async () => {
    const after = await activeIn(session, ports);
    return {
      jobs: before.jobs.filter((id) => !after.jobs.includes(id)),
      subscriptions: before.subscriptions.filter((name) => !after.subscriptions.includes(name)),
    };
  });
}

/** Whether the plan stops what the fence stopped. */
export async function stoppedByPlan(evidence: RunEvidence): Promise<(stilled: StilledDoc) => boolean> {
  const stopped = await evidence.read<Active>(Doc.stoppedByPlan);
  return (one) =>
    one.kind === "job"
      ? (stopped?.jobs.includes(one.job.id) ?? false)
      : (stopped?.subscriptions.includes(one.name) ?? false);
}

async function activeIn(session: Session, { settings }: Ports): Promise<Active> {
  // What may not be looked at could not be stopped by the plan either.
  const found = await activeJobs(session, settings.database).catch(() => undefined);
  return {
    jobs: (found?.jobs ?? []).map(({ id }) => id),
    subscriptions: (await enabledSubscriptions(session)).map(({ name }) => name),
  };
}
