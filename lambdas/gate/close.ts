import { moment } from "../report/words.ts";
import { type Decision, Doc, type GateDecisionDoc, type GateDoc } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import type { Ports } from "../shared/ports.ts";
import { approvalsSoFar } from "./approvals.ts";
import { SLUICE } from "./names.ts";
import { endsWithWindow } from "./time.ts";

/** What the machine heard at a gate: an answer, or nothing, first from the approvers and then from the escalation. */
export type Heard = Decision | "nothing" | "nothing again";

/** Closes a gate that nobody has decided as No-Go. Whoever decides it at this very moment is first, or comes too late. */
export async function closeGate(
  doc: GateDoc,
  heard: Heard,
  ports: Ports,
  evidence: RunEvidence,
): Promise<GateDecisionDoc> {
  return await evidence.keep<GateDecisionDoc>(Doc.gateDecision(doc.gate, doc.attempt), {
    gate: doc.gate,
    attempt: doc.attempt,
    decision: "NoGo",
    by: SLUICE,
    comment: await why(doc, heard, evidence),
    at: ports.clock.now().toISOString(),
    from: "",
    ticked: [],
    shown: "",
  });
}

async function why(doc: GateDoc, heard: Heard, evidence: RunEvidence): Promise<string> {
  if (heard === "Go" || heard === "NoGo")
    return `A ${heard === "Go" ? "Go" : "No-Go"} reached the run that nobody gave on the gate's page.`;
  const given = await approvalsSoFar(evidence, doc);
  const said =
    given.length === 0
      ? "Nobody had answered"
      : `Of ${doc.quorum?.approvals} Goes only ${given.length} had been given (${given.map(({ by }) => by).join(", ")})`;
  return endsWithWindow(doc)
    ? `${said} when the maintenance window ended, at ${moment(doc.expiresAt)}.`
    : `${said} until ${moment(doc.expiresAt)}${doc.escalation ? ", the escalation contacts included" : ""}.`;
}
