import { deliveredDoc, latestAttempt, storedDecision } from "../gate/approvals.ts";
import { closeGate, type GateAnswer } from "../gate/confirm.ts";
import { starterWhoMayNotDecide } from "../gate/decide.ts";
import { flawsOf } from "../gate/flaws.ts";
import { gateLink, newKey } from "../gate/link.ts";
import { isName, samePerson } from "../gate/names.ts";
import { announce, gateDecided, gateNotice, gateOpened } from "../gate/notify.ts";
import { checklistOf } from "../gate/task.ts";
import { basisOfWave, type WaveGate, waveGateName } from "../gate/wave-answer.ts";
import type { WithheldDoc } from "../shared/documents.ts";
import { Doc, type GateDecisionDoc, type GateDoc } from "../shared/documents.ts";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { requireTime, timeLeft } from "../shared/gates.ts";
import type { CompiledPlan } from "../shared/plan.ts";
import type { Ports } from "../shared/ports.ts";
import { itemsOf, noteRan, type Results, RolloutDocs, type WaveDoc } from "../shared/rollout-documents.ts";
import { type Answer, DONE } from "../shared/task.ts";
import { resultsOf } from "./results.ts";

interface OfGate {
  gate: WaveGate;
  wave: number;
}

/** Asks people about a wave, as a run's gate asks about a database: each attempt has its own link. */
export async function openWaveGate(
  { gate, wave, token, escalation, until }: OfGate & { token: string; escalation: boolean; until: string },
  ports: Ports,
  evidence: RunEvidence,
): Promise<Answer> {
  const { plan, settings, clock } = ports;
  const name = waveGateName(gate, wave);
  const people = escalation ? settings.people?.escalation : settings.people?.approvers;
  const { key, hash } = newKey();
  const invited = people?.map((person) => ({ ...person, ...newKey() }));
  const of = await evidence.require(RolloutDocs.wave(wave));
  const results = await resultsOf(gate === "keep" ? wave : wave - 1, ports.evidence, evidence);
  const quorum = await quorumOfWave(gate, ports, evidence);
  const doc = await keepAsNext(name, evidence, async (attempt) => {
    await evidence.createOnce(RolloutDocs.results(name, attempt), results);
    return {
      gate: name,
      kind: "wave",
      version: null,
      attempt,
      escalation,
      ...(await textOf(gate, of, results, plan, evidence)),
      openedAt: clock.now().toISOString(),
      expiresAt: until,
      keyHash: hash,
      ...(invited ? { approvers: invited.map(({ name, hash }) => ({ name, keyHash: hash })) } : {}),
      basis: await basisOfWave(gate, wave, attempt, plan.checksum, evidence),
      changed: [],
      ...(quorum ? { quorum: { ...quorum, since: attempt } } : {}),
    };
  });
  await evidence.createOnce(Doc.gateToken(name, doc.attempt), { token });
  const address = { run: evidence.run, gate: name, attempt: doc.attempt };
  for (const to of invited ?? [{ key }])
    await ports.notifier.send(
      gateNotice(
        doc,
        evidence.run,
        plan.title,
        settings,
        gateLink(settings.gateUrl, address, to.key),
        "id" in to ? to : undefined,
      ),
    );
  await announce(gateOpened(doc, evidence.run, ports), ports);
  return DONE;
}

/** Takes the next free number, also when another worker opens the same gate at this moment. */
async function keepAsNext(
  name: string,
  evidence: RunEvidence,
  make: (attempt: number) => Promise<GateDoc>,
): Promise<GateDoc> {
  for (let attempt = (await latestAttempt(evidence, name)) + 1; ; attempt++) {
    const doc = await make(attempt);
    const kept = await evidence.createOnce(Doc.gate(name, attempt), doc);
    if (kept.keyHash === doc.keyHash) return kept;
  }
}

/** What is asked, and what the answers lead to. */
async function textOf(
  gate: WaveGate,
  { wave, databases, whyNotHeld }: WaveDoc,
  results: Results,
  plan: CompiledPlan,
  evidence: RunEvidence,
): Promise<Pick<GateDoc, "question" | "checklist" | "go" | "noGo" | "warnings">> {
  const failed = failedOf(results);
  const warnings = failed === 0 ? [] : [`${of(failed, "database")} of wave ${results.wave} did not succeed.`];
  if (gate === "keep")
    return {
      question: `does wave ${wave} stay?`,
      checklist: [...plan.gates.keep.checklist],
      go: `The ${of(results.ends.held ?? 0, "database")} of wave ${wave} that are held keep the new schema, and their runs end.`,
      noGo: `Wave ${wave} is rolled back: each of its databases that is held is fenced again, goes back by its own way, and is proven back. Databases that ended before stay as they are. No further wave starts. Without an answer nothing is rolled back, and no further wave starts.`,
      ...(warnings.length > 0 ? { warnings } : {}),
    };
  const names = (await itemsOf(evidence, wave)).map(({ database }) => database);
  const shown =
    names.length > 20 ? `${names.slice(0, 20).join(", ")} and ${names.length - 20} more` : names.join(", ");
  if (whyNotHeld !== undefined)
    warnings.push(
      `Wave ${wave} cannot be rolled back as a wave, as ${whyNotHeld}. Each run that succeeds ends at once.`,
    );
  return {
    question: `start wave ${wave}?`,
    checklist: checklistOfRuns(plan),
    go: `${of(databases, "run")} of wave ${wave} start: ${shown}. This Go also answers their own gates, where a database matches one that people approved before: in its catalog, what the rehearsal changed, its checks, benchmarks and warnings. Where one differs, its own gate asks.`,
    noGo: "No further wave starts. Databases that are done stay as they are.",
    ...(warnings.length > 0 ? { warnings } : {}),
  };
}

/** Every point that people would tick at the gates that a Go for a wave answers. */
function checklistOfRuns(plan: CompiledPlan): string[] {
  const kinds = ["readiness", "rehearsal", "open"] as const;
  return [...new Set(kinds.flatMap((kind) => checklistOf(plan, kind, null)))];
}

const of = (n: number, what: string) => `${n} ${what}${n === 1 ? "" : "s"}`;

export function failedOf({ ends }: Pick<Results, "ends">): number {
  const fine = ["Succeeded", "held", "left out", "under way"];
  return Object.entries(ends).reduce((sum, [end, n]) => sum + (fine.includes(end) ? 0 : n), 0);
}

/** A Go takes as many people as the strictest of the gates that it answers. */
async function quorumOfWave(
  gate: WaveGate,
  { plan, settings }: Ports,
  evidence: RunEvidence,
): Promise<Omit<NonNullable<GateDoc["quorum"]>, "since"> | undefined> {
  const { readiness, rehearsal, after, open, keep } = plan.gates;
  const answered = gate === "keep" ? [keep] : [readiness, rehearsal, after, open];
  const planned = Math.max(...answered.map(({ approvals }) => approvals ?? 1));
  const startedBy = (await evidence.read(Doc.request))?.startedBy;
  const starterUnknown = settings.separateApprover && planned < 2 && !isName(startedBy);
  const approvals = starterUnknown ? 2 : planned;
  return approvals > 1 ? { approvals, starterUnknown } : undefined;
}

/** What the machine passes on: the time that the gate had, and an answer or that none came. */
export type HeardAtGate = { escalation: string; decision?: "Go" | "NoGo" | undefined; unanswered: boolean };

/**
 * Lets a decision take effect, if people took it on the gate's page and what it was given for is still so. Without one
 * the gate is escalated once, and then closed.
 * @throws SluiceError DecisionForged
 */
export async function confirmWaveGate(
  { gate, wave, answer, execution }: OfGate & { answer: HeardAtGate; execution: string },
  ports: Ports,
  evidence: RunEvidence,
): Promise<Answer> {
  const name = waveGateName(gate, wave);
  const { minutes } = ports.plan.gates[gate === "keep" ? "keep" : "rehearsal"];
  const timed = { gate: name, kind: "keep", minutes } as const;
  const doc = await evidence.read(Doc.gate(name, await latestAttempt(evidence, name)));
  if (!doc) return { decision: "NoGo" };
  const stored = await storedDecision(evidence, doc);
  if (!stored && answer.unanswered && answer.escalation === "no") {
    const time = await timeLeft(timed, ports, evidence);
    if (time) return { decision: "Ask", escalation: "yes", ...time };
  }
  const heard: GateAnswer = answer.unanswered ? "nothing again" : (answer.decision ?? "NoGo");
  const decision = stored ?? (await closeGate(doc, heard, ports, evidence));
  await refuseForged(doc, decision, ports, evidence);
  await evidence.createOnce(deliveredDoc(name, doc.attempt), { at: ports.clock.now().toISOString() });
  const withheld = await withholdChanged({ gate, wave }, doc, decision, ports, evidence);
  await announce(gateDecided(doc, decision, withheld?.changed ?? [], evidence.run, ports), ports);
  if (!withheld) {
    // From here on the machine runs the wave.
    if (gate === "start" && decision.decision === "Go") await noteRan(wave, execution, ports, evidence);
    return { decision: decision.decision };
  }
  return { decision: "Ask", escalation: "no", ...(await requireTime(timed, ports, evidence)) };
}

async function refuseForged(
  doc: GateDoc,
  decision: GateDecisionDoc,
  ports: Ports,
  evidence: RunEvidence,
): Promise<void> {
  const flaws = await flawsOf(doc, decision, evidence, ports);
  const starter = await starterWhoMayNotDecide(doc, ports, evidence);
  if (starter !== undefined && decision.decision === "Go")
    for (const { by } of decision.approvals ?? [decision])
      if (samePerson(starter, by)) flaws.push(`${by} may be ${starter}, who started the rollout.`);
  if (flaws.length === 0) return;
  throw new SluiceError(
    ErrorName.DecisionForged,
    `The decision at gate ${doc.gate} (attempt ${doc.attempt}) cannot have been taken by its page, so it does not count: ${flaws.join(" ")} Somebody wrote it into the rollout's evidence. Find out who may write there before you start it again.`,
  );
}

async function withholdChanged(
  { gate, wave }: OfGate,
  doc: GateDoc,
  { decision }: GateDecisionDoc,
  ports: Ports,
  evidence: RunEvidence,
): Promise<WithheldDoc | undefined> {
  if (decision === "NoGo") return undefined;
  const now = await basisOfWave(gate, wave, doc.attempt, ports.plan.checksum, evidence);
  if (now.report === doc.basis.report && now.planChecksum === doc.basis.planChecksum) return undefined;
  return await evidence.createOnce(Doc.gateWithheld(doc.gate, doc.attempt), {
    at: ports.clock.now().toISOString(),
    answer: "Ask",
    changed: ["The list of the wave, or the results that the page showed, have changed."],
  });
}
