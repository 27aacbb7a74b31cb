import { Doc } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import type { Ports } from "../shared/ports.ts";
import type { Session } from "../shared/session.ts";
import { activeJobs } from "./cron.ts";

// Behind the fence nobody sees that a migration stops a job: it is stopped already. So staging, where none runs either
// but all are marked as on production, tells: such a job is not set going again where the migrations stand.

/** Which jobs are active on staging as restored; of a database that holds no jobs, none. */
export async function noteJobsBefore(session: Session, ports: Ports, evidence: RunEvidence): Promise<void> {
  await evidence.once(`${Doc.stagingJobs}-before`, () => activeIn(session, ports));
}

/** Once all migrations stand on staging: which jobs they stopped or dropped. */
export async function noteJobsStopped(session: Session, ports: Ports, evidence: RunEvidence): Promise<void> {
  const before = await evidence.read<{ active: string[] }>(`${Doc.stagingJobs}-before`);
  if (!before || before.active.length === 0) return;
  await evidence.once(Doc.stagingJobs, async () => {
    const { active } = await activeIn(session, ports);
    return { stopped: before.active.filter((id) => !active.includes(id)) };
  });
}

async function activeIn(session: Session, { settings }: Ports): Promise<{ active: string[] }> {
  // What may not be looked at could not be stopped by the plan either.
  const found = await activeJobs(session, settings.database).catch(() => undefined);
  return { active: (found?.jobs ?? []).map(({ id }) => id) };
}
