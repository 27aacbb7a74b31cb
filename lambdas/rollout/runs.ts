import { latestAttempt } from "../gate/attempts.ts";
import { buildReport } from "../report/build.ts";
import { Doc, docName, type GateDecisionDoc } from "../shared/documents.ts";
import { evidenceOf } from "../shared/evidence.ts";
import type { EvidenceStore } from "../shared/ports.ts";
import type { Item, RunSummary } from "../shared/rollout-documents.ts";
import { rolloutRun } from "../shared/rollout-name.ts";
import { lockText } from "../shared/text.ts";

/** The execution of a run, as Step Functions names it. */
export function executionOf(runs: string, run: string): string {
  return `${runs.replace(":stateMachine:", ":execution:")}:${run}`;
}

/** What people want to know of a run at a glance, as far as it has come. */
export async function summaryOf(
  store: EvidenceStore,
  rollout: string,
  wave: number,
  { index, database }: Item,
): Promise<RunSummary> {
  const run = rolloutRun(rollout, wave, index);
  const evidence = evidenceOf(store, run);
  const outcome = await evidence.read(Doc.outcome);
  const rehearsal = await evidence.read(Doc.gate("rehearsal", await latestAttempt(evidence, "rehearsal")));
  // A run that was refused at once has evidence of little.
  const report = await buildReport(evidence).catch(() => undefined);
  const longest = report?.locks?.longest;
  const decided = (await evidence.list("gates/")).filter((name) => name.endsWith("/decision"));
  const decisions = await Promise.all(
    decided.map((name) => evidence.require(docName<GateDecisionDoc>(name))),
  );
  const byWave = decisions.filter((decision) => decision.byWave).length;
  return {
    index,
    database,
    run,
    cause: outcome?.cause ?? "",
    fingerprint: rehearsal?.basis.fingerprint ?? null,
    downtime: report?.downtime.seconds ?? null,
    predictedDowntime: rehearsal ? (report?.downtime.predictedSeconds ?? null) : null,
    worstLock: longest ? { seconds: longest.seconds, text: lockText(longest) } : null,
    gates: { byWave, byPeople: decisions.length - byWave },
  };
}
