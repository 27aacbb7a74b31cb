import { needRecord } from "../record/records.ts";
import { duration } from "../report/words.ts";
import {
  Doc,
  type PredictedDoc,
  type ProductionDoc,
  type StagingDoc,
  type StepsDoc,
  type WayBackDoc,
} from "../shared/documents.ts";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import type { Ports } from "../shared/ports.ts";

/**
 * Predicts both ways back from what the rehearsal measured, and refuses the run where rolling back would take longer
 * than the plan allows. A restore that would is for people to weigh: it is the second way back, and how long it takes
 * is the storage's doing more than the plan's.
 * @throws SluiceError RollbackTooSlow
 */
export async function predict(ports: Ports, evidence: RunEvidence): Promise<void> {
  const { sloSeconds, rollback } = await evidence.once<WayBackDoc>(Doc.wayBack, async () => ({
    at: ports.clock.now().toISOString(),
    sloSeconds: ports.plan.rollbackSloMinutes * 60,
    rollback: await predictRollback(ports, evidence),
    restore: await predictRestore(ports, evidence),
  }));
  ports.progress(`rolling back would take about ${duration(rollback.seconds)}`);
  if (rollback.seconds <= sloSeconds) return;
  const parts = rollback.parts.map(({ what, seconds }) => `${what} ${duration(seconds)}`).join(", ");
  throw new SluiceError(
    ErrorName.RollbackTooSlow,
    `By the rehearsal, rolling back would take ${duration(rollback.seconds)} (${parts}), and the plan allows ${duration(sloSeconds)}. ` +
      "Make the rollbacks faster, or raise `rollbackSloMinutes` in plan.yaml.",
  );
}

/** Every rollback as it took on staging, and one reading of all there is, to prove it. */
async function predictRollback({ plan }: Ports, evidence: RunEvidence): Promise<PredictedDoc> {
  const parts: PredictedDoc["parts"] = [];
  let proof = 0;
  for (const { version } of [...plan.migrations].reverse()) {
    const steps = await evidence.need<StepsDoc>(Doc.steps("staging", version, 1, "rollback"));
    parts.push({ what: `Roll back ${version}`, seconds: steps.seconds });
    const read = await needRecord(evidence, `after-staging-${version}`);
    proof = Math.max(proof, read.seconds);
  }
  return total([...parts, { what: "Prove it", seconds: proof }]);
}

/**
 * A restore of production does what staging's did: an instance from a snapshot, then the first reading of it, from
 * storage that is still being filled. The rename is not rehearsed: about what the fleet says. What else is not, is named.
 */
async function predictRestore({ fleet }: Ports, evidence: RunEvidence): Promise<PredictedDoc> {
  const production = await evidence.read<ProductionDoc>(Doc.production);
  const staging = await evidence.need<StagingDoc>(Doc.staging);
  const read = await needRecord(evidence, "staging");
  const leavesOut = production?.findings?.leavesOut ?? [];
  return {
    ...total([
      { what: "Move production aside", seconds: fleet.renameSeconds },
      { what: "Restore the snapshot", seconds: staging.seconds },
      { what: "Prove it", seconds: read.seconds },
    ]),
    ...(leavesOut.length > 0 ? { leavesOut } : {}),
  };
}

function total(parts: PredictedDoc["parts"]): PredictedDoc {
  return { seconds: parts.reduce((sum, { seconds }) => sum + seconds, 0), parts };
}
