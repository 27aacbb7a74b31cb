import { flawsOf } from "../../lambdas/gate/flaws.ts";
import { flawsWithin } from "../../lambdas/gate/wave-answer.ts";
import { reportOf } from "../../lambdas/report/build.ts";
import { type Facts, gatherFacts } from "../../lambdas/report/facts.ts";
import type { Report } from "../../lambdas/report/schema.ts";
import { VERDICTS, verdictOf } from "../../lambdas/report/verdict.ts";
import { Doc } from "../../lambdas/shared/documents.ts";
import { messageOf } from "../../lambdas/shared/errors.ts";
import { evidenceWithin, type RunEvidence } from "../../lambdas/shared/evidence.ts";

export interface Verdict {
  end: Report["end"];
  title: string;
  met: number;
  criteria: number;
  /** Contradictions within the evidence, or with the report beside it, in lines. */
  findings: string[];
}

/** The verdict on a run, from those files of its evidence alone; null if they are not enough for one. */
export async function recomputeVerdict(
  evidence: RunEvidence,
  files: readonly string[],
  manifest: string | null,
): Promise<Verdict | null> {
  const within = evidenceWithin(evidence, files);
  let facts: Facts;
  let report: Report;
  try {
    facts = await gatherFacts(within);
    report = reportOf({ ...facts, manifest });
  } catch (error) {
    if (!files.includes(`${Doc.plan}.json`)) return null;
    const finding = `no verdict: the evidence cannot be read as that of a run (${messageOf(error)})`;
    return { end: "running", title: VERDICTS.running.title, met: 0, criteria: 0, findings: [finding] };
  }
  const met = metOf(report);
  return {
    end: report.end,
    title: verdictOf(report).title,
    met,
    criteria: report.criteria.length,
    findings: [
      ...contradictions(facts).map((line) => `verdict: the outcome is ${report.end}, but ${line}`),
      ...(await otherThanReport(evidence, report, met)),
      ...(await forgedDecisions(facts, within)),
    ],
  };
}

/** Contradictions between an end and the rest of the evidence. */
function contradictions({ outcome, proofs, rollback, restore, steps, gates }: Facts): string[] {
  const migrated = steps.some(({ target, direction }) => target === "production" && direction === "migrate");
  const proven = (name: string) => proofs.some((proof) => proof.name === name && proof.equal);
  const unequal = proofs.filter(({ name, equal }) => name.startsWith("production-") && !equal);
  const decisionAt = (gate: string) =>
    gates.findLast(({ request, decision }) => request.gate === gate && decision)?.decision?.decision;
  switch (outcome?.end) {
    case "Succeeded":
      return [
        ...(migrated ? [] : ["no step was run on production"]),
        ...(rollback ? ["production was rolled back"] : []),
        ...(restore ? ["production was restored"] : []),
        ...(decisionAt("open") === "Go" ? [] : ["nobody said Go for the opening"]),
        ...unequal.map(({ name }) => `the proof ${name} shows a difference`),
      ];
    case "RolledBack":
      return proven("production-rolled-back") ? [] : ["no proof shows that production is back"];
    case "Restored":
      return proven("production-restored") ? [] : ["no proof shows that production is back"];
    case "Refused":
      return [
        ...(migrated ? ["steps were run on production"] : []),
        ...(restore ? ["production was restored"] : []),
      ];
    case "NeedsOperator":
    case undefined:
      return [];
  }
}

async function otherThanReport(evidence: RunEvidence, made: Report, met: number): Promise<string[]> {
  const text = await evidence.readFile("report.json");
  if (text === undefined) return [];
  try {
    const kept = JSON.parse(text) as Report;
    if (kept.end !== made.end)
      return [`verdict: report.json has ${kept.end}, but the evidence leads to ${made.end}`];
    const keptMet = metOf(kept);
    return keptMet === met
      ? []
      : [`verdict: report.json has ${keptMet} criteria met, but by the evidence ${met} are`];
  } catch {
    return ["verdict: report.json cannot be read"];
  }
}

function metOf({ criteria }: Report): number {
  return criteria.filter(({ status }) => status === "met").length;
}

async function forgedDecisions({ gates }: Facts, evidence: RunEvidence): Promise<string[]> {
  const lines: string[] = [];
  for (const { request, decision } of gates) {
    if (!decision) continue;
    // Whether people decided so on the wave is in the rollout's evidence.
    const flaws = decision.byWave
      ? await flawsWithin(request, decision.byWave, evidence)
      : await flawsOf(request, decision, evidence);
    if (flaws.length > 0)
      lines.push(`forged: no page can have accepted ${decision.evidence}.json: ${flaws.join(" ")}`);
  }
  return lines;
}
