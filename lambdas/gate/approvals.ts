import {
  Doc,
  docName,
  type GateApprovalDoc,
  type GateDecisionDoc,
  type GateDoc,
  type GateQuorum,
} from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { type GateKind, leadsToProduction } from "../shared/gates.ts";
import type { Ports } from "../shared/ports.ts";
import type { Publication } from "../shared/publications.ts";
import { isName, relationOf, samePerson } from "./names.ts";

/** Every Go given for what this attempt asks, one of each person, in the order in which they came. */
export async function approvalsSoFar(evidence: RunEvidence, doc: GateDoc): Promise<GateApprovalDoc[]> {
  return ofEachPerson([...(await earlierGoes(evidence, doc)), ...(await goesTo(evidence, doc, doc.attempt))]);
}

/**
 * Adds a Go, unless somebody of that name gave one or there are enough. Each takes the next number by a conditional
 * write, and so has seen all that came before it: nobody counts twice, however many answer at once.
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

/** The decision on the gate: the one that is stored, or the one that enough Goes have come to. */
export async function storedDecision(
  evidence: RunEvidence,
  doc: GateDoc,
): Promise<GateDecisionDoc | undefined> {
  const name = Doc.gateDecision(doc.gate, doc.attempt);
  const stored = await evidence.read(docName<GateDecisionDoc>(name));
  if (stored || !doc.quorum) return stored;
  const approvals = await approvalsSoFar(evidence, doc);
  // Whoever gave the last one may have died before writing it down.
  return isComplete(doc, approvals) ? await evidence.createOnce(name, joined(doc, approvals)) : undefined;
}

/** Those to the attempts before, where the very same was asked. */
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

/** The decision that several Goes make: whoever reads only its words must be told of all of them. */
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
 * How many Goes a gate needs; undefined where one is enough. Who started a run may not decide alone over production:
 * where nobody knows who that was, it takes two people, as one of any two did not start it.
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
 * The first of the attempts whose Goes count for this one: they stand as long as it is the very same that is asked
 * again, be it of the escalation contacts.
 */
export async function firstOfTheSame(
  { gate, attempt, basis }: Pick<GateDoc, "gate" | "attempt" | "basis">,
  evidence: RunEvidence,
): Promise<number> {
  const before = await evidence.read(Doc.gate(gate, attempt - 1));
  // A decision that was stored is a matter of its own: it took effect, or was withheld with all of its Goes.
  if (!before?.quorum || (await storedDecision(evidence, before))) return attempt;
  const same = (Object.keys(basis) as (keyof GateDoc["basis"])[]).every(
    (key) => basis[key] === before.basis[key],
  );
  return same ? before.quorum.since : attempt;
}

type Named = Pick<Publication, "by">;

/** Whoever published the plan and may be the one of that name. */
export function publisherNamed(published: readonly Named[], name: string): Named | undefined {
  return published.find(({ by }) => relationOf(by, name) !== "other");
}

/** Of those who gave an answer, the names of those who may also have published the plan. */
export function publishersAmong(
  published: readonly Named[],
  { by, approvals }: Pick<GateDecisionDoc, "by" | "approvals">,
): string[] {
  const names = [...new Set([by, ...(approvals ?? []).map((one) => one.by)])];
  return names.filter((name) => publisherNamed(published, name) !== undefined);
}
