import { Doc, type GateDoc } from "../shared/documents.ts";
import { AnsweredByWave } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import type { Ports } from "../shared/ports.ts";
import { likenessDoc, likenessOf } from "./likeness.ts";
import { announce, gateOpened } from "./notify.ts";
import type { WaveAnswer } from "./wave-answer.ts";

/** What people approve here, should they: in the waves to come a database that is like this one need not ask. */
export async function keepLikeness(doc: GateDoc, evidence: RunEvidence): Promise<void> {
  if (doc.kind === "keep") return;
  await evidence.createOnce(likenessDoc(doc.gate, doc.attempt), await likenessOf(doc, evidence));
}

/**
 * Answers the gate as people decided on the wave. Nobody is sent a link; `confirm` looks at all of it once more.
 * @throws AnsweredByWave, by which the machine hears it: from inside the database's network no function may
 * reach Step Functions
 */
export async function answerByWave(
  answer: Extract<WaveAnswer, { decision: unknown }>,
  doc: GateDoc,
  ports: Ports,
  evidence: RunEvidence,
): Promise<never> {
  const { decision, by, comment, byWave } = answer;
  await evidence.createOnce(Doc.gateDecision(doc.gate, doc.attempt), {
    gate: doc.gate,
    attempt: doc.attempt,
    decision,
    by,
    comment,
    at: ports.clock.now().toISOString(),
    from: "",
    ticked: decision === "Go" ? [...doc.checklist] : [],
    shown: "",
    byWave,
  });
  await announce(gateOpened(doc, evidence.run, ports), ports);
  throw new AnsweredByWave(comment);
}

/** Reasons why the gate opens, although the wave got a Go. */
export function notByWave(why: readonly string[]): string[] {
  return why.map((line) => `The rollout does not answer this gate. ${line}`);
}
