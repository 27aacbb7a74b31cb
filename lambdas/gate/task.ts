import * as z from "zod";
import { backedUpBy } from "../moments/look.ts";
import { Doc, type GateDoc, type GateQuorum } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { GATE_KINDS, type GateKind, gateName, requireTime, windowOfGate } from "../shared/gates.ts";
import type { CompiledPlan } from "../shared/plan.ts";
import type { Ports } from "../shared/ports.ts";
import { type Answer, DONE, runFields, type Task } from "../shared/task.ts";
import { firstOfTheSame, latestAttempt, quorumOf, withheldSoFar } from "./approvals.ts";
import { keepBasis, type ReadCatalog, readProduction, takeBasis } from "./basis.ts";
import { confirmGate, type GateAnswer } from "./confirm.ts";
import { consequences, since, waysBackFor } from "./consequences.ts";
import { gateLink, newKey } from "./link.ts";
import { announce, gateNotice, gateOpened } from "./notify.ts";
import { warningsFor } from "./warnings.ts";
import { answerByWave, isHeld, keepLikeness, notByWave, waveAnswer } from "./wave-answer.ts";

const gateFields = {
  ...runFields,
  kind: z.enum(GATE_KINDS),
};

// What the machine passes on: an answer, or the error it caught when none came. A caller with the token can send
// anything, so all that is no Go counts as a No-Go.
const answer = z
  .looseObject({ decision: z.enum(["Go", "NoGo"]).optional().catch(undefined) })
  .transform((said): GateAnswer => {
    if (said.decision) return said.decision;
    // What it was, and whether it holds, is in the evidence.
    if ("byWave" in said) return "Go";
    if ("unansweredAgain" in said) return "nothing again";
    return "unanswered" in said ? "nothing" : "NoGo";
  })
  .catch("NoGo");

const event = z.discriminatedUnion("action", [
  z.object({ ...gateFields, action: z.literal("time") }),
  z.object({
    ...gateFields,
    action: z.literal("open"),
    token: z.string().min(1),
    escalation: z.boolean(),
    until: z.iso.datetime(),
  }),
  z.object({ ...gateFields, action: z.literal("confirm"), answer }),
]);

/** A run that is held for its wave waits as long as people may take over the wave. */
async function minutesOf(kind: GateKind, { plan }: Ports, evidence: RunEvidence): Promise<number> {
  return kind === "keep" && (await isHeld(evidence)) ? HELD_MINUTES : plan.gates[kind].minutes;
}

/** Three weeks: no timer of Node waits for four. Then its own gate asks people. */
const HELD_MINUTES = 3 * 7 * 24 * 60;

export const gateTask: Task<z.infer<typeof event>> = {
  name: "gate",
  event,
  async run(event, ports, evidence) {
    const { kind, version } = event;
    const gate = gateName(kind, version);
    const minutes = await minutesOf(kind, ports, evidence);
    switch (event.action) {
      case "open":
        return openGate({ ...event, gate, version: version ?? null }, ports, evidence);
      case "confirm":
        return confirmGate({ gate, kind, minutes, heard: event.answer }, ports, evidence);
      case "time":
        return requireTime({ gate, kind, minutes }, ports, evidence);
    }
  },
};

export interface OpenGate {
  gate: string;
  kind: GateKind;
  version: string | null;
  token: string;
  escalation: boolean;
  /** When the time to answer ends; ISO 8601. */
  until: string;
}

/**
 * Opens the gate: stores the question and sends the links. Each call is a new attempt with a new link. Only the newest
 * attempt's link works, so a worker that died half-way never leaves two working links.
 */
export async function openGate(
  event: OpenGate,
  ports: Ports,
  evidence: RunEvidence,
  readCatalog: ReadCatalog = readProduction,
): Promise<Answer> {
  const { plan, settings } = ports;
  const { gate, kind, version } = event;
  const text = plan.gates[kind];
  const basis = await takeBasis(kind, ports, evidence, readCatalog);
  const withheld = await withheldSoFar(evidence, gate);
  const window = await windowOfGate(kind, evidence);
  const warnings = [
    ...(await waysBackFor(kind, plan, settings, evidence)),
    ...(await warningsFor(kind, evidence)),
  ];
  const people = event.escalation ? settings.people?.escalation : settings.people?.approvers;
  // Without a list of people, all get this one link. With a list, each person gets a link, and nobody gets this one.
  const { key, hash } = newKey();
  const invited = people?.map((person) => ({ ...person, ...newKey() }));
  const asked: Omit<GateDoc, "attempt" | "quorum"> = {
    gate,
    kind,
    version,
    escalation: event.escalation,
    question: text.question.replaceAll("{version}", version ?? ""),
    checklist: checklistOf(plan, kind, version),
    openedAt: ports.clock.now().toISOString(),
    expiresAt: event.until,
    keyHash: hash,
    ...(invited ? { approvers: invited.map(({ name, hash }) => ({ name, keyHash: hash })) } : {}),
    basis: basis.hashes,
    changed: withheld.flatMap((doc) => doc.changed),
    ...(warnings.length > 0 ? { warnings } : {}),
    ...(window ? { window } : {}),
    ...consequences(kind, version, plan, settings, await backedUpBy(evidence)),
  };
  const answer = await waveAnswer(asked, ports, evidence);
  if (answer && "why" in answer && !answer.asking && kind !== "keep")
    asked.warnings = [...warnings, ...notByWave(answer.why)];
  const doc = await keepAsNext(evidence, asked, await quorumOf(kind, ports, evidence));
  await keepBasis(evidence, gate, doc.attempt, basis);
  await evidence.createOnce(Doc.gateToken(gate, doc.attempt), { token: event.token });
  if (answer) await keepLikeness({ ...doc, warnings }, evidence);
  if (answer && "decision" in answer) return answerByWave(answer, doc, ports, evidence);
  // The wave's own gate asks people. This one does once its time is over and nobody has decided on the wave.
  if (kind === "keep" && !event.escalation && (await isHeld(evidence))) return DONE;
  const address = { run: evidence.run, gate, attempt: doc.attempt };
  for (const to of invited ?? [{ key }]) {
    const link = gateLink(settings.gateUrl, address, to.key);
    await ports.notifier.send(
      gateNotice(doc, evidence.run, plan.title, settings, link, "id" in to ? to : undefined),
    );
  }
  await announce(gateOpened(doc, evidence.run, ports), ports);
  return DONE;
}

/** Stores the gate under the next free number, also when another worker opens the same gate at this moment. */
async function keepAsNext(
  evidence: RunEvidence,
  asked: Omit<GateDoc, "attempt" | "quorum">,
  quorum: Omit<GateQuorum, "since"> | undefined,
): Promise<GateDoc> {
  for (let attempt = (await latestAttempt(evidence, asked.gate)) + 1; ; attempt++) {
    const since = await firstOfTheSame({ ...asked, attempt }, evidence);
    const doc = { ...asked, attempt, ...(quorum ? { quorum: { ...quorum, since } } : {}) };
    const kept = await evidence.createOnce(Doc.gate(asked.gate, attempt), doc);
    if (kept.keyHash === asked.keyHash) return kept;
  }
}

/** Returns the gate's own checklist, then those of the migrations that no earlier gate covered. */
export function checklistOf(
  { gates, migrations }: CompiledPlan,
  kind: GateKind,
  version: string | null,
): string[] {
  const about = kind === "after" || kind === "open" ? since(migrations, version) : [];
  return [
    ...gates[kind].checklist.map((item) => item.replaceAll("{version}", version ?? "")),
    ...about.flatMap((migration) =>
      migration.checklist.map((item) => item.replaceAll("{version}", migration.version)),
    ),
  ];
}
