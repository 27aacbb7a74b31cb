import { Doc, type GateApprovalDoc, type GateDecisionDoc, type GateDoc } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { samePerson } from "./names.ts";

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
    const kept = await evidence.keep(Doc.gateApproval(doc.gate, doc.attempt, own.length + 1), approval);
    if (kept === approval) return;
  }
}

/** The decision on the gate: the one that is stored, or the one that enough Goes have come to. */
export async function storedDecision(
  evidence: RunEvidence,
  doc: GateDoc,
): Promise<GateDecisionDoc | undefined> {
  const name = Doc.gateDecision(doc.gate, doc.attempt);
  const stored = await evidence.read<GateDecisionDoc>(name);
  if (stored || !doc.quorum) return stored;
  const approvals = await approvalsSoFar(evidence, doc);
  // Whoever gave the last one may have died before writing it down.
  return isComplete(doc, approvals) ? await evidence.keep(name, joined(doc, approvals)) : undefined;
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
    const next = await evidence.read<GateApprovalDoc>(Doc.gateApproval(gate, attempt, goes.length + 1));
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
