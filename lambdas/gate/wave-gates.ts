import { Doc, type GateDecisionDoc, type GateDoc } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { RolloutDocs } from "../shared/rollout-documents.ts";
import { sha256 } from "../shared/sha256.ts";
import { storedDecision } from "./approvals.ts";
import { latestAttempt, withheldDoc } from "./attempts.ts";

/** Before a wave: does it start? Once its runs are held or have ended: do they stay? */
export type WaveGate = "start" | "keep";

export function waveGateName(gate: WaveGate, wave: number): string {
  return `${gate}-${wave}`;
}

/** The decision on the newest attempt at that gate; undefined where there is none, or a Go was withheld. */
export async function decisionOn(
  evidence: RunEvidence,
  gate: WaveGate,
  wave: number,
): Promise<GateDecisionDoc | undefined> {
  const name = waveGateName(gate, wave);
  const attempt = await latestAttempt(evidence, name);
  const doc = await evidence.read(Doc.gate(name, attempt));
  const decision = doc && (await storedDecision(evidence, doc));
  if (!decision) return undefined;
  const withheld = await evidence.read(withheldDoc(name, attempt));
  return withheld && decision.decision === "Go" ? undefined : decision;
}

/** What a decision on a wave is bound to: the plan, the wave with each of its databases, and the results that were shown. */
export async function basisOfWave(
  gate: WaveGate,
  wave: number,
  attempt: number,
  planChecksum: string,
  rollout: RunEvidence,
): Promise<GateDoc["basis"]> {
  const texts = await Promise.all(
    [
      `${RolloutDocs.wave(wave)}.json`,
      RolloutDocs.items(wave),
      `${RolloutDocs.results(waveGateName(gate, wave), attempt)}.json`,
    ].map((file) => rollout.readFile(file)),
  );
  return { fingerprint: null, planChecksum, report: sha256(JSON.stringify(texts)) };
}

/** Whether the run waits for its wave at its gate `keep`. One whose smoke tests failed asks people itself. */
export async function isHeld(run: RunEvidence): Promise<boolean> {
  const request = await run.read(Doc.request);
  const smoke = await run.read(Doc.hook("smoke"));
  return request?.rollout?.held === true && smoke?.results.every(({ passed }) => passed !== false) === true;
}

/** The gate `keep` of a run that waits there for its wave; undefined where it does not. */
export async function openKeep(run: RunEvidence): Promise<GateDoc | undefined> {
  if (!(await isHeld(run))) return undefined;
  const attempt = await latestAttempt(run, "keep");
  const doc = await run.read(Doc.gate("keep", attempt));
  return doc && (await storedDecision(run, doc)) === undefined ? doc : undefined;
}
