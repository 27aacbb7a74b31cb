import { type ConnectRightDoc, Doc, type StepsDoc } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import type { CompiledPlan } from "../shared/plan.ts";

// Behind the fence nobody sees that a migration revokes CONNECT: it is gone already. So the plan's statements tell.

export function revokedByPlan(rights: readonly ConnectRightDoc[], plan: CompiledPlan): ConnectRightDoc[] {
  const steps = plan.migrations.flatMap(({ migrate }) => migrate.steps);
  const revoked = new Set(steps.flatMap(({ revokesConnect }) => revokesConnect ?? []));
  return rights.map((right) => (revoked.has(right.grantee) ? { ...right, revokedByPlan: true } : right));
}

/** The run has migrated production, and nothing of that was rolled back or restored. */
export async function migrationsStand(evidence: RunEvidence): Promise<boolean> {
  if (await evidence.read(Doc.rollback)) return false;
  if (await evidence.read(Doc.restored)) return false;
  for (const name of await evidence.list("steps/production-"))
    if ((await evidence.read<StepsDoc>(name))?.direction === "migrate") return true;
  return false;
}
