import { Doc, type GateApprovalDoc, type GateDecisionDoc, type GateDoc } from "../shared/documents.ts";
import { evidenceOf } from "../shared/evidence.ts";
import type { GatePorts } from "../shared/ports.ts";
import { approvalsSoFar, storedDecision } from "./approvals.ts";
import { latestAttempt } from "./attempts.ts";
import type { GateAddress } from "./link.ts";

/** What has become of one attempt at a gate. */
export type GateState =
  | Closed
  /** With the Goes given so far, where it needs several. */
  | { state: "open"; doc: GateDoc; approvals: GateApprovalDoc[] }
  | { state: "decided"; doc: GateDoc; decision: GateDecisionDoc };

/** What can no longer be decided, and was not decided by this attempt. */
export type Closed =
  | { state: "unknown" }
  | { state: "expired"; doc: GateDoc }
  /** A newer link has been sent; a decision may have come before. */
  | { state: "superseded"; doc: GateDoc; decision: GateDecisionDoc | undefined };

/** @param opens whether who asks may know the gate at all; nothing else is looked at before */
export async function gateState(
  ports: GatePorts,
  { run, gate, attempt }: GateAddress,
  opens: (doc: GateDoc) => boolean = () => true,
): Promise<GateState> {
  const evidence = evidenceOf(ports.evidence, run);
  const doc = await evidence.read<GateDoc>(Doc.gate(gate, attempt));
  if (!doc || !opens(doc)) return { state: "unknown" };
  const decision = await storedDecision(evidence, doc);
  if ((await latestAttempt(evidence, gate)) > attempt) return { state: "superseded", doc, decision };
  if (decision) return { state: "decided", doc, decision };
  if (ports.clock.now().getTime() >= Date.parse(doc.expiresAt)) return { state: "expired", doc };
  return { state: "open", doc, approvals: await approvalsSoFar(evidence, doc) };
}
