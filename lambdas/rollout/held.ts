import { latestAttempt } from "../gate/approvals.ts";
import { tell } from "../gate/notify.ts";
import { decisionOn, openKeep, waveAnswer } from "../gate/wave-answer.ts";
import { Doc } from "../shared/documents.ts";
import { evidenceOf, type RunEvidence } from "../shared/evidence.ts";
import { requireTime } from "../shared/gates.ts";
import type { Ports } from "../shared/ports.ts";
import { endsOf, itemsOf, placesOf, RolloutDocs, rolloutRun, startOf } from "../shared/rollout-documents.ts";
import { ofItsDatabase } from "../shared/settings.ts";
import { type Answer, DONE, RUNNING } from "../shared/task.ts";

/** Whether each run of the wave is held or has ended, and whether people are to be asked about it. */
export async function look(
  { wave: number, execution }: { wave: number; execution: string },
  ports: Ports,
  evidence: RunEvidence,
): Promise<Answer> {
  const wave = await evidence.require(RolloutDocs.wave(number));
  const [ends, left] = [await endsOf(evidence, number), await placesOf(evidence, "left", number)];
  const open = (await itemsOf(evidence, number)).filter(({ index }) => !ends.has(index) && !left.has(index));
  const held = wave.held
    ? await Promise.all(
        open.map(({ index }) =>
          openKeep(evidenceOf(ports.evidence, rolloutRun(evidence.run, number, index))),
        ),
      )
    : [];
  const waits = wave.held ? held.some((gate) => gate === undefined) : open.length > 0;
  if (waits) return { ...RUNNING, ask: "no", waitSeconds: await pause(number, execution, ports, evidence) };
  if (open.length === 0) return { ...DONE, ask: "no" };
  // Of a start that was killed: people have decided, and some runs have not heard it.
  if (await decisionOn(evidence, "keep", number)) return { ...DONE, ask: "release" };
  const { minutes } = ports.plan.gates.keep;
  return {
    ...DONE,
    ask: "yes",
    escalation: "no",
    ...(await requireTime({ gate: "keep", kind: "keep", minutes }, ports, evidence)),
  };
}

/** Rarer the longer the wave takes: an execution has room for 25,000 events, and a wave may take weeks. In seconds. */
async function pause(wave: number, execution: string, ports: Ports, evidence: RunEvidence): Promise<number> {
  const { at } = await evidence.require(RolloutDocs.ran(await startOf(evidence, execution), wave));
  const seconds = (ports.clock.now().getTime() - Date.parse(at)) / 1000;
  return Math.round(Math.min(3600, Math.max(30, seconds / 20)));
}

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
