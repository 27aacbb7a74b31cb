import { Doc, type GateDecisionDoc } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
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
