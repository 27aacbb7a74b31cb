import {
  type ByWave,
  type Decision,
  Doc,
  type GateDecisionDoc,
  type GateDoc,
  type OfRollout,
  type RequestDoc,
} from "../shared/documents.ts";
import { AnsweredByWave } from "../shared/errors.ts";
import { evidenceOf, type RunEvidence } from "../shared/evidence.ts";
import type { Ports } from "../shared/ports.ts";
import { itemsOf, RolloutDocs, rolloutRun } from "../shared/rollout-documents.ts";
import { fullName } from "../shared/settings.ts";
import { sha256 } from "../shared/sha256.ts";
import { latestAttempt, storedDecision } from "./approvals.ts";
import { starterWhoMayNotDecide } from "./decide.ts";
import { flawsOf } from "./flaws.ts";
import { likenessDoc, likenessOf } from "./likeness.ts";
import { SLUICE, samePerson } from "./names.ts";
import { announce, gateOpened } from "./notify.ts";

// A run's own gate may be answered by what people decided on its wave, and by nothing else. Whether it is, is found out
// twice: as the gate opens, and once more, from the evidence alone, before the answer takes effect.

/** What people decided on the wave, for this gate of this run; or why it decides nothing here. */
type WaveAnswer =
  | { decision: Decision; by: string; comment: string; byWave: ByWave }
  /** Asking: nothing is amiss, as the runs of a first wave ask people. */
  | { why: string[]; asking?: true };

/** The answer of the wave to a gate of a run that a rollout started; undefined for every other run. */
export async function waveAnswer(
  doc: Pick<GateDoc, "gate" | "kind" | "basis" | "warnings">,
  ports: Ports,
  run: RunEvidence,
): Promise<WaveAnswer | undefined> {
  const request = await run.read(Doc.request);
  const of = request?.rollout;
  // What a restore loses is asked of people, each time.
  if (!request || !of || doc.kind === "restore") return undefined;
  const gate: WaveGate = doc.kind === "keep" ? "keep" : "start";
  if (gate === "keep" && !(await isHeld(run))) return { why: ["The run is not held for its wave."] };
  const rollout = evidenceOf(ports.evidence, of.name);
  const why = await strangers(request, of, ports, rollout);
  if (why.length > 0) return { why };
  const decision = await decisionOn(rollout, gate, of.wave);
  if (!decision && gate === "start" && of.wave === 1)
    return { why: [`The runs of the first wave of rollout ${of.name} ask people themselves.`], asking: true };
  if (!decision) return { why: [noDecision(gate, of)] };
  const flaws = await flawsOfWave(gate, of.wave, decision, ports, rollout);
  if (flaws.length > 0) return { why: flaws };
  const byWave = {
    rollout: of.name,
    wave: of.wave,
    gate: waveGateName(gate, of.wave),
    attempt: decision.attempt,
  };
  if (gate === "keep") return kept(decision, byWave, of);
  if (decision.decision !== "Go") return { why: [`People did not say Go to wave ${of.wave}.`] };
  const { references } = await rollout.require(RolloutDocs.wave(of.wave));
  const { digest } = await likenessOf(doc, run);
  if (!references[doc.gate]?.includes(digest))
    return {
      why: [
        "This database differs from every one that people approved at this gate in an earlier wave: in its catalog, what the rehearsal changed, its checks, its benchmarks or what is to be read first.",
      ],
    };
  return {
    decision: "Go",
    by: decision.by,
    comment: `Answered by the Go for wave ${of.wave} of rollout ${of.name} (gate ${byWave.gate}, attempt ${byWave.attempt}): catalog, changes, checks, benchmarks and warnings match a run that people approved (${digest.slice(0, 12)}).`,
    byWave: { ...byWave, likeness: digest },
  };
}

/** At `keep` a person's No-Go takes the wave back. Without a person's word nothing is: the runs have passed their tests. */
function kept(decision: GateDecisionDoc, byWave: Omit<ByWave, "likeness">, of: OfRollout): WaveAnswer {
  const isNoGo = decision.decision === "NoGo" && decision.by !== SLUICE;
  return {
    decision: isNoGo ? "NoGo" : "Go",
    by: decision.by,
    comment: isNoGo
      ? `Wave ${of.wave} of rollout ${of.name} is rolled back (gate ${byWave.gate}): ${decision.comment}`
      : decision.decision === "Go"
        ? `Wave ${of.wave} of rollout ${of.name} stays (gate ${byWave.gate}).`
        : `Nobody decided on wave ${of.wave} of rollout ${of.name} (gate ${byWave.gate}): it stays, as nothing is rolled back without a person's word.`,
    byWave: { ...byWave, likeness: null },
  };
}

/** Why this is not the run that the rollout started for this database in this wave, of this plan. Empty where it is. */
async function strangers(
  request: RequestDoc,
  of: OfRollout,
  ports: Ports,
  rollout: RunEvidence,
): Promise<string[]> {
  const its = await rollout.read(Doc.request);
  const wave = await rollout.read(RolloutDocs.wave(of.wave));
  const begun = await rollout.read(RolloutDocs.begun(of.wave, of.index));
  if (!its || !wave || !begun)
    return [`Rollout ${of.name} has begun no run for database ${of.index} in wave ${of.wave}.`];
  const why: string[] = [];
  const name = rolloutRun(of.name, of.wave, of.index);
  if (request.run !== name || begun.run !== name || begun.execution !== request.execution)
    why.push(`Rollout ${of.name} began ${begun.execution}, and this run is ${request.execution}.`);
  for (const checksum of [its.plan.checksum, wave.planChecksum, ports.plan.checksum])
    if (checksum !== request.plan.checksum)
      why.push(
        `This run is of plan ${request.plan.checksum.slice(0, 12)}, and the wave of ${checksum.slice(0, 12)}.`,
      );
  const text = await rollout.readFile(RolloutDocs.items(of.wave));
  const item = (await itemsOf(rollout, of.wave)).find(({ index }) => index === of.index);
  if (sha256(text ?? "") !== wave.items) why.push(`The list of wave ${of.wave} was changed.`);
  if (item?.database !== fullName(request))
    why.push(
      `Wave ${of.wave} has ${item?.database ?? "nothing"} in that place, and this run is of ${fullName(request)}.`,
    );
  if (of.held !== wave.held) why.push(`Whether the run is held differs from its wave.`);
  return why;
}

function noDecision(gate: WaveGate, { wave, name }: OfRollout): string {
  return gate === "keep"
    ? `People have not decided on wave ${wave} of rollout ${name} yet.`
    : `People did not say Go to wave ${wave} of rollout ${name}.`;
}

/** Why that decision on the wave cannot have been taken by people on its page, or is about something else. */
async function flawsOfWave(
  gate: WaveGate,
  wave: number,
  decision: GateDecisionDoc,
  ports: Ports,
  rollout: RunEvidence,
): Promise<string[]> {
  const name = waveGateName(gate, wave);
  const doc = await rollout.require(Doc.gate(name, await latestAttempt(rollout, name)));
  const flaws = await flawsOf(doc, decision, rollout, ports);
  const starter = await starterWhoMayNotDecide(doc, ports, rollout);
  if (starter !== undefined && decision.decision === "Go")
    for (const { by } of decision.approvals ?? [decision])
      if (samePerson(starter, by)) flaws.push(`${by} may be ${starter}, who started the rollout.`);
  const { report } = await basisOfWave(gate, wave, doc.attempt, ports.plan.checksum, rollout);
  if (report !== doc.basis.report) flaws.push(`What gate ${name} was about was changed since.`);
  return flaws;
}

/** Reasons why the wave cannot have taken a decision that names it. Empty if the wave took it. */
export async function flawsOfByWave(
  doc: GateDoc,
  decision: GateDecisionDoc,
  ports: Ports,
  run: RunEvidence,
): Promise<string[]> {
  const answer = await waveAnswer(doc, ports, run);
  if (!answer) return ["No rollout started this run."];
  if ("why" in answer) return answer.why;
  const is = JSON.stringify([answer.decision, answer.by, answer.byWave]);
  return is === JSON.stringify([decision.decision, decision.by, decision.byWave])
    ? []
    : [`It is not what people decided on the wave: ${answer.decision}, by ${answer.by}.`];
}

/** What of such a decision the run's own evidence contradicts. */
export async function flawsWithin(
  { gate, attempt, kind }: Pick<GateDoc, "gate" | "attempt" | "kind">,
  byWave: ByWave,
  run: RunEvidence,
): Promise<string[]> {
  const of = (await run.read(Doc.request))?.rollout;
  const likeness = await run.read(likenessDoc(gate, attempt));
  return [
    ...(of?.name === byWave.rollout && of.wave === byWave.wave
      ? []
      : [`This run is not of wave ${byWave.wave} of rollout ${byWave.rollout}.`]),
    ...(kind === "keep" || likeness?.digest === byWave.likeness
      ? []
      : ["What it was compared with is not what the gate was about."]),
  ];
}

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
  const withheld = await evidence.read(Doc.gateWithheld(name, attempt));
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
