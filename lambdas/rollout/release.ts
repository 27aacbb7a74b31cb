import { latestAttempt } from "../gate/attempts.ts";
import { tell } from "../gate/notify.ts";
import { waveAnswer } from "../gate/wave-answer.ts";
import { openKeep } from "../gate/wave-gates.ts";
import { Doc } from "../shared/documents.ts";
import { evidenceOf, type RunEvidence } from "../shared/evidence.ts";
import type { Ports } from "../shared/ports.ts";
import { endsOf, itemsOf } from "../shared/rollout-documents.ts";
import { rolloutRun } from "../shared/rollout-name.ts";
import { ofItsDatabase } from "../shared/settings.ts";
import { type Answer, DONE } from "../shared/task.ts";

/** Answers the gate `keep` of each held run of the wave as people decided. A second call answers the runs still waiting. */
export async function release(
  { wave }: { wave: number },
  ports: Ports,
  evidence: RunEvidence,
): Promise<Answer> {
  const ends = await endsOf(evidence, wave);
  const unanswered: string[] = [];
  for (const { index } of await itemsOf(evidence, wave)) {
    if (ends.has(index)) continue;
    const name = rolloutRun(evidence.run, wave, index);
    if (!(await answerKeep(name, ports))) unanswered.push(name);
  }
  if (unanswered.length > 0)
    throw new Error(`These runs did not receive the decision on their wave: ${unanswered.join(", ")}`);
  return DONE;
}

/** @returns false if the run waits and did not receive the decision */
async function answerKeep(name: string, ports: Ports): Promise<boolean> {
  const run = evidenceOf(ports.evidence, name);
  const doc = await openKeep(run);
  if (doc) {
    const own = ofItsDatabase(ports, await run.read(Doc.request));
    const answer = await waveAnswer(doc, own, run);
    // Then its own gate stays open, and asks people once its time is over.
    if (!answer || "why" in answer) {
      ports.progress(
        `${name} is not answered by its wave: ${answer?.why.join(" ") ?? "it is of no rollout"}`,
      );
      return true;
    }
    await run.createOnce(Doc.gateDecision(doc.gate, doc.attempt), {
      gate: doc.gate,
      attempt: doc.attempt,
      decision: answer.decision,
      by: answer.by,
      comment: answer.comment,
      at: ports.clock.now().toISOString(),
      from: "",
      ticked: answer.decision === "Go" ? [...doc.checklist] : [],
      shown: "",
      byWave: answer.byWave,
    });
  }
  const attempt = await latestAttempt(run, "keep");
  const decision = await run.read(Doc.gateDecision("keep", attempt));
  return decision === undefined || (await tell(ports, name, decision)) !== "failed";
}
