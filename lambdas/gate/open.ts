import { Doc, type GateDoc } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { type CompiledPlan, type GateText, migrationOf } from "../shared/plan.ts";
import type { Ports } from "../shared/ports.ts";
import type { Answer } from "../shared/task.ts";
import { DONE } from "../shared/task.ts";
import { latestAttempt, withheldSoFar } from "./attempts.ts";
import { type GateKind, keepBasis, type ReadCatalog, readProduction, takeBasis } from "./basis.ts";
import { consequences } from "./consequences.ts";
import { newKey } from "./key.ts";
import { gateLink } from "./link.ts";
import { gateNotice } from "./message.ts";

export interface OpenGate {
  gate: string;
  kind: GateKind;
  version: string | null;
  token: string;
  escalation: boolean;
}

/** The gate's token, apart from everything that people read. */
export interface GateTokenDoc {
  token: string;
}

/**
 * Asks for a decision. Each call is an attempt of its own, with its own link: a worker that died half-way never
 * leaves two good ones, as only the newest attempt's counts.
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
  const { key, hash } = newKey();
  const now = ports.clock.now();
  const doc = await keepAsNext(evidence, {
    gate,
    kind,
    version,
    attempt: (await latestAttempt(evidence, gate)) + 1,
    escalation: event.escalation,
    question: text.question.replaceAll("{version}", version ?? ""),
    checklist: checklist(plan, text, kind, version),
    openedAt: now.toISOString(),
    expiresAt: new Date(now.getTime() + text.minutes * 60_000).toISOString(),
    keyHash: hash,
    basis: basis.hashes,
    changed: withheld.flatMap((doc) => doc.changed),
    ...consequences(kind, version, plan, settings),
  });
  await keepBasis(evidence, gate, doc.attempt, basis);
  await evidence.keep<GateTokenDoc>(Doc.gateToken(gate, doc.attempt), { token: event.token });
  const link = gateLink(settings.gateUrl, { run: evidence.run, gate, attempt: doc.attempt }, key);
  await ports.notifier.send(gateNotice(doc, evidence.run, plan.title, settings, link));
  return DONE;
}

/** Takes the next free number, also when another worker opens the same gate at this moment. */
async function keepAsNext(evidence: RunEvidence, doc: GateDoc): Promise<GateDoc> {
  const kept = await evidence.keep(Doc.gate(doc.gate, doc.attempt), doc);
  return kept.keyHash === doc.keyHash ? kept : keepAsNext(evidence, { ...doc, attempt: doc.attempt + 1 });
}

function checklist(plan: CompiledPlan, text: GateText, kind: GateKind, version: string | null): string[] {
  const own = kind === "after" && version ? migrationOf(plan, version).checklist : [];
  return [...text.checklist, ...own].map((item) => item.replaceAll("{version}", version ?? ""));
}
