import { backupKind, RESTORES, replayedBytes, replayText } from "../moments/restore-cost.ts";
import { requireRecord } from "../proof/stored-record.ts";
import { Doc, type PredictedDoc } from "../shared/documents.ts";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { isRestoreOnly, restoreIsWayBack, restoreOnlyFrom } from "../shared/plan.ts";
import type { Ports } from "../shared/ports.ts";
import { duration } from "../shared/text.ts";

/**
 * Predicts both ways back from the rehearsal's measurements, and refuses the run if going back would take longer than
 * the plan allows. If each migration has a rollback, a slow restore is left to the approvers: it is the second way
 * back, and its time depends more on the storage than on the plan.
 * @throws SluiceError RollbackTooSlow
 */
export async function predict(ports: Ports, evidence: RunEvidence): Promise<void> {
  const restoreFrom = restoreOnlyFrom(ports.plan)?.version;
  const { sloSeconds, rollback, restore } = await evidence.getOrCreate(Doc.wayBack, async () => ({
    at: ports.clock.now().toISOString(),
    sloSeconds: ports.plan.rollbackSloMinutes * 60,
    rollback: await predictRollback(ports, evidence),
    restore: await predictRestore(ports, evidence),
    ...(restoreFrom === undefined ? {} : { restoreFrom }),
  }));
  const tooSlow = (what: string, { seconds, parts }: PredictedDoc, mend: string) =>
    new SluiceError(
      ErrorName.RollbackTooSlow,
      `By the rehearsal, ${what} would take ${duration(seconds)} (${parts.map(({ what, seconds }) => `${what} ${duration(seconds)}`).join(", ")}), but the plan allows ${duration(sloSeconds)}. ${mend}, or raise \`rollbackSloMinutes\` in plan.yaml.`,
    );
  if (rollback.parts.length > 0)
    ports.progress(`rolling back would take about ${duration(rollback.seconds)}`);
  if (rollback.seconds > sloSeconds) throw tooSlow("rolling back", rollback, "Make the rollbacks faster");
  if (!restoreIsWayBack(ports.plan, ports.settings)) return;
  ports.progress(`from ${restoreFrom} on, the restore would take about ${duration(restore.seconds)}`);
  if (restore.seconds > sloSeconds)
    throw tooSlow(
      `the restore, which is the way back from ${restoreFrom} on,`,
      restore,
      `Give ${restoreFrom} a rollback of its own, for example by keeping what it drops (docs/plan-format.md, "Keep what you drop")`,
    );
}

/**
 * Sums every rollback that leads back, as measured on staging, and one full reading to prove it. From the first
 * restore-only migration on, no rollback leads back.
 */
async function predictRollback({ plan }: Ports, evidence: RunEvidence): Promise<PredictedDoc> {
  const first = plan.migrations.findIndex(isRestoreOnly);
  const lead = first < 0 ? plan.migrations : plan.migrations.slice(0, first);
  if (lead.length === 0) return { seconds: 0, parts: [] };
  const parts: PredictedDoc["parts"] = [];
  let proof = 0;
  for (const { version } of lead.toReversed()) {
    const steps = await evidence.require(Doc.steps("staging", version, 1, "rollback"));
    parts.push({ what: `Roll back ${version}`, seconds: steps.seconds });
    const read = await requireRecord(evidence, `after-staging-${version}`);
    proof = Math.max(proof, read.seconds);
  }
  return total([...parts, { what: "Prove it", seconds: proof }]);
}

/**
 * A restore of production repeats staging's last restore: an instance from a snapshot, then its first reading, from
 * storage that is still filling. The rename is not rehearsed: the instances adapter estimates it. `leavesOut` names
 * the other unrehearsed parts.
 */
async function predictRestore(
  { instances, clock, settings }: Ports,
  evidence: RunEvidence,
): Promise<PredictedDoc> {
  const production = await evidence.read(Doc.production);
  const again = await evidence.read(Doc.stagingAgain);
  const staging = again ?? (await evidence.require(Doc.staging));
  const read = await requireRecord(evidence, again ? "after-restore-rehearsed" : "staging");
  const backup = await evidence.read(Doc.backup);
  const kind = backupKind(backup, settings);
  const cloned = !again && (await evidence.read(Doc.snapshot("rehearsal")))?.clone === true;
  // A copy rehearsed to a moment replayed the same WAL as production would, except for what is written until then.
  const counted = (await evidence.read(Doc.moment("rehearsal"))) !== undefined;
  const replay = backup?.replay && {
    baseAt: backup.replay.baseAt,
    bytes: replayedBytes(backup.replay, clock.now().toISOString()),
    counted,
  };
  const leavesOut = [...(production?.findings?.leavesOut ?? []), ...(replay ? priceOf(replay) : [])];
  return {
    ...total([
      { what: "Move production aside", seconds: instances.renameSeconds },
      // With a clone only the instance's time was measured: `leavesOut` names the copy of the volume.
      { what: cloned && kind !== "clone" ? "Create its writer" : RESTORES[kind], seconds: staging.seconds },
      { what: "Prove it", seconds: read.seconds },
    ]),
    ...(leavesOut.length > 0 ? { leavesOut } : {}),
    ...(replay ? { replay } : {}),
  };
}

/** Returns the extra cost of a restore to a moment, one sentence each. */
function priceOf(replay: NonNullable<PredictedDoc["replay"]>): string[] {
  return [
    replay.counted
      ? `The rehearsal restored production to a moment, and so replayed its WAL: ${replayText(replay)} by now.`
      : `A restore to a moment replays the WAL: ${replayText(replay)}. The rehearsal restored a snapshot, which replays none.`,
    "It starts once the archived WAL has reached the moment, about five minutes later.",
  ];
}

function total(parts: PredictedDoc["parts"]): PredictedDoc {
  return { seconds: parts.reduce((sum, { seconds }) => sum + seconds, 0), parts };
}
