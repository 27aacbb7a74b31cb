import {
  type DeliveredDoc,
  Doc,
  docName,
  type GateApprovalDoc,
  type GateDecisionDoc,
  type GateDoc,
  type GateQuorum,
  type ShownDocuments,
  type WithheldDoc,
} from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { type GateKind, leadsToProduction } from "../shared/gates.ts";
import type { Ports } from "../shared/ports.ts";
import type { Publication } from "../shared/publications.ts";
import { isName, relationOf, samePerson } from "./names.ts";

export const deliveredDoc = (gate: string, attempt: number) =>
  docName<DeliveredDoc>(`gates/${gate}-${attempt}/told`);

export const shownDocumentsDoc = (gate: string, attempt: number) =>
  docName<ShownDocuments>(`gates/${gate}-${attempt}/documents`);

/** Returns the number of the newest attempt at the gate, the only one whose link works. 0: never opened. */
export async function latestAttempt(evidence: RunEvidence, gate: string): Promise<number> {
  const names = new Set(await evidence.list(`gates/${gate}-`));
  let latest = 0;
  while (names.has(Doc.gate(gate, latest + 1))) latest += 1;
  return latest;
}

/** Returns each Go withheld so far at this gate with its reasons, oldest attempt first. */
export async function withheldSoFar(evidence: RunEvidence, gate: string): Promise<WithheldDoc[]> {
  const latest = await latestAttempt(evidence, gate);
  const numbers = Array.from({ length: latest }, (_, i) => i + 1);
  const found = await Promise.all(numbers.map((n) => evidence.read(Doc.gateWithheld(gate, n))));
  return found.filter((doc) => doc !== undefined);
}

/** Returns every Go that counts for this attempt, oldest first, one per person. */
export async function approvalsSoFar(evidence: RunEvidence, doc: GateDoc): Promise<GateApprovalDoc[]> {
  return ofEachPerson([...(await earlierGoes(evidence, doc)), ...(await goesTo(evidence, doc, doc.attempt))]);
}

/**
 * Adds a Go, unless that person already gave one or the quorum is complete. Each Go takes the next number by a
 * conditional write, so it has seen all earlier ones: nobody counts twice, even with many answers at once.
 */
export async function approve(evidence: RunEvidence, doc: GateDoc, approval: GateApprovalDoc): Promise<void> {
  const earlier = await earlierGoes(evidence, doc);
  for (;;) {
    const own = await goesTo(evidence, doc, doc.attempt);
    const before = ofEachPerson([...earlier, ...own]);
    if (isComplete(doc, before) || before.some(({ by }) => samePerson(by, approval.by))) return;
    const kept = await evidence.createOnce(Doc.gateApproval(doc.gate, doc.attempt, own.length + 1), approval);
    if (kept === approval) return;
  }
}

/** Returns the gate's decision: the stored one, or the one that a complete quorum of Goes makes. */
export async function storedDecision(
  evidence: RunEvidence,
  doc: GateDoc,
): Promise<GateDecisionDoc | undefined> {
  const name = Doc.gateDecision(doc.gate, doc.attempt);
  const stored = await evidence.read(name);
  if (stored || !doc.quorum) return stored;
  const approvals = await approvalsSoFar(evidence, doc);
  // The worker that stored the last Go may have died before it stored the decision.
  return isComplete(doc, approvals) ? await evidence.createOnce(name, joined(doc, approvals)) : undefined;
}

/** The Goes given to earlier attempts with the same question and basis. */
async function earlierGoes(evidence: RunEvidence, doc: GateDoc): Promise<GateApprovalDoc[]> {
  const goes: GateApprovalDoc[] = [];
  for (let attempt = doc.quorum?.since ?? doc.attempt; attempt < doc.attempt; attempt++)
    goes.push(...(await goesTo(evidence, doc, attempt)));
  return goes;
}

async function goesTo(
  evidence: RunEvidence,
  { gate, quorum }: GateDoc,
  attempt: number,
): Promise<GateApprovalDoc[]> {
  const goes: GateApprovalDoc[] = [];
  while (quorum) {
    const next = await evidence.read(Doc.gateApproval(gate, attempt, goes.length + 1));
    if (!next) break;
    goes.push(next);
  }
  return goes;
}

function ofEachPerson(goes: readonly GateApprovalDoc[]): GateApprovalDoc[] {
  return goes.filter((go, i) => !goes.slice(0, i).some(({ by }) => samePerson(by, go.by)));
}

function isComplete({ quorum }: GateDoc, approvals: readonly GateApprovalDoc[]): boolean {
  return approvals.length >= (quorum?.approvals ?? 1);
}

/** The decision that several Goes make. Its name and comment list all approvers, for readers of only these two. */
function joined(
  { gate, attempt, checklist }: GateDoc,
  approvals: readonly GateApprovalDoc[],
): GateDecisionDoc {
  const last = approvals.at(-1);
  const names = approvals.map(({ by }) => by);
  return {
    gate,
    attempt,
    decision: "Go",
    by: `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`,
    comment: approvals
      .filter(({ comment }) => comment !== "")
      .map(({ by, comment }) => `${by}: ${comment}`)
      .join("\n"),
    at: last?.at ?? "",
    from: [...new Set(approvals.map(({ from }) => from))].join(", "),
    ticked: checklist.filter((item) => approvals.every(({ ticked }) => ticked.includes(item))),
    shown: last?.shown ?? "",
    approvals: [...approvals],
  };
}

/**
 * Returns how many Goes a gate needs; undefined where one is enough. The person who started a run may not decide alone
 * about production. If the starter is unknown, the gate needs two people: one of any two did not start the run.
 */
export async function quorumOf(
  kind: GateKind,
  ports: Ports,
  evidence: RunEvidence,
): Promise<Omit<GateQuorum, "since"> | undefined> {
  const { plan, settings } = ports;
  const planned = plan.gates[kind].approvals ?? 1;
  const separate = settings.separateApprover && leadsToProduction(kind, settings);
  const starterUnknown = separate && planned < 2 && !isName((await evidence.read(Doc.request))?.startedBy);
  const approvals = starterUnknown ? 2 : planned;
  return approvals > 1 ? { approvals, starterUnknown } : undefined;
}

/**
 * Returns the first attempt whose Goes count for this one. Goes carry over while the basis is the same, also when the
 * gate escalates.
 */
export async function firstOfTheSame(
  { gate, attempt, basis }: Pick<GateDoc, "gate" | "attempt" | "basis">,
  evidence: RunEvidence,
): Promise<number> {
  const before = await evidence.read(Doc.gate(gate, attempt - 1));
  // A stored decision ends the series: it took effect, or was withheld with all its Goes.
  if (!before?.quorum || (await storedDecision(evidence, before))) return attempt;
  const same = (Object.keys(basis) as (keyof GateDoc["basis"])[]).every(
    (key) => basis[key] === before.basis[key],
  );
  return same ? before.quorum.since : attempt;
}

type Named = Pick<Publication, "by">;

/** Returns the publisher of the plan who may be the person of this name. */
export function publisherNamed(published: readonly Named[], name: string): Named | undefined {
  return published.find(({ by }) => relationOf(by, name) !== "other");
}

/** Returns the names of the people who answered and may also have published the plan. */
export function publishersAmong(
  published: readonly Named[],
  { by, approvals }: Pick<GateDecisionDoc, "by" | "approvals">,
): string[] {
  const names = [...new Set([by, ...(approvals ?? []).map((one) => one.by)])];
  return names.filter((name) => publisherNamed(published, name) !== undefined);
}
