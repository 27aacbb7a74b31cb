import {
  type Decision,
  Doc,
  type GateDecisionDoc,
  type GateDoc,
  type RequestDoc,
} from "../shared/documents.ts";
import { evidenceOf, type RunEvidence } from "../shared/evidence.ts";
import type { Ports } from "../shared/ports.ts";
import { latestAttempt, type ToldDoc, toldDoc } from "./attempts.ts";
import type { GateKind } from "./basis.ts";
import type { GateAddress } from "./link.ts";
import { samePerson } from "./names.ts";
import type { GateTokenDoc } from "./open.ts";

/** Gates whose Go leads to a change of production. */
export const ON_PRODUCTION: readonly GateKind[] = ["rehearsal", "after", "open", "restore"];

/** What has become of one attempt at a gate. */
export type GateState =
  | Closed
  | { state: "open"; doc: GateDoc }
  | { state: "decided"; doc: GateDoc; decision: GateDecisionDoc };

/** What can no longer be decided, and was not decided by this attempt. */
type Closed =
  | { state: "unknown" }
  | { state: "expired"; doc: GateDoc }
  /** A newer link has been sent; a decision may have come before. */
  | { state: "superseded"; doc: GateDoc; decision: GateDecisionDoc | undefined };

export async function gateState(ports: Ports, { run, gate, attempt }: GateAddress): Promise<GateState> {
  const evidence = evidenceOf(ports.evidence, run);
  const doc = await evidence.read<GateDoc>(Doc.gate(gate, attempt));
  if (!doc) return { state: "unknown" };
  const decision = await evidence.read<GateDecisionDoc>(Doc.gateDecision(gate, attempt));
  if ((await latestAttempt(evidence, gate)) > attempt) return { state: "superseded", doc, decision };
  if (decision) return { state: "decided", doc, decision };
  const expired = ports.clock.now().getTime() >= Date.parse(doc.expiresAt);
  return { state: expired ? "expired" : "open", doc };
}

export interface Answered extends GateAddress {
  decision: Decision;
  by: string;
  comment: string;
  /** Address the answer came from. */
  from: string;
  ticked?: readonly string[];
  /** SHA-256 of the page; empty when it was answered without one, at the prompt. */
  shown?: string;
}

export interface Problem {
  field: "by" | "comment" | "instance" | "ticked" | "page";
  message: string;
}

/** What the machine said to the decision. */
export type Told = "yes" | "nobody waits" | "failed";

export type Decided =
  | Closed
  | { state: "incomplete"; doc: GateDoc; problems: Problem[] }
  /** `first`: this answer is the one that counts; otherwise another one came before it. */
  | { state: "decided"; doc: GateDoc; decision: GateDecisionDoc; first: boolean; told: Told };

/**
 * Decides a gate, once: whichever answer is stored first counts, for ever. It is stored before the machine is told, so
 * that a lost call can be made again.
 */
export async function decide(ports: Ports, answered: Answered): Promise<Decided> {
  const { run, gate, attempt } = answered;
  const now = await gateState(ports, answered);
  if (now.state === "decided") return settled(ports, answered, now.doc, now.decision);
  if (now.state !== "open") return now;
  const { doc } = now;
  const evidence = evidenceOf(ports.evidence, run);
  const problems = await problemsWith(answered, doc, ports, evidence);
  if (problems.length > 0) return { state: "incomplete", doc, problems };
  const decision = await evidence.keep<GateDecisionDoc>(Doc.gateDecision(gate, attempt), {
    gate,
    attempt,
    decision: answered.decision,
    by: answered.by.trim(),
    comment: answered.comment.trim(),
    at: ports.clock.now().toISOString(),
    from: answered.from,
    ticked: [...(answered.ticked ?? [])],
    shown: answered.shown ?? "",
  });
  return settled(ports, answered, doc, decision);
}

async function settled(
  ports: Ports,
  answered: Answered,
  doc: GateDoc,
  decision: GateDecisionDoc,
): Promise<Decided> {
  // A form sent twice is the same answer, and hears the same.
  const first =
    decision.decision === answered.decision &&
    decision.by === answered.by.trim() &&
    decision.comment === answered.comment.trim();
  return { state: "decided", doc, decision, first, told: await tell(ports, answered.run, decision) };
}

/** Tells the machine the stored decision, unless it is known to have heard. */
export async function tell(ports: Ports, run: string, decision: GateDecisionDoc): Promise<Told> {
  const { gate, attempt } = decision;
  const evidence = evidenceOf(ports.evidence, run);
  if (await evidence.read<ToldDoc>(toldDoc(gate, attempt))) return "yes";
  const kept = await evidence.read<GateTokenDoc>(Doc.gateToken(gate, attempt));
  if (!kept) return "nobody waits";
  try {
    if (!(await ports.callbacks.succeed(kept.token, { decision: decision.decision })))
      // The other half of a double click may have told it at this moment.
      return (await evidence.read<ToldDoc>(toldDoc(gate, attempt))) ? "yes" : "nobody waits";
  } catch (error) {
    // Its message may quote the call, and the call holds the token. The page says that it can be tried again.
    ports.progress(`The run could not be told of ${gate}: ${error instanceof Error ? error.name : "error"}`);
    return "failed";
  }
  await evidence.keep<ToldDoc>(toldDoc(gate, attempt), { at: ports.clock.now().toISOString() });
  return "yes";
}

async function problemsWith(
  answered: Answered,
  doc: GateDoc,
  ports: Ports,
  evidence: RunEvidence,
): Promise<Problem[]> {
  const problems: Problem[] = [];
  if (answered.by.trim() === "") problems.push({ field: "by", message: "Type your name." });
  if (answered.decision === "NoGo") {
    if (answered.comment.trim() === "")
      problems.push({ field: "comment", message: "Say why, for those who read the report." });
    return problems;
  }
  if (ports.plan.checksum !== doc.basis.planChecksum)
    problems.push({
      field: "page",
      message: "Another plan has been deployed since this run was started: a Go would not take effect.",
    });
  if (ports.settings.separateApprover && ON_PRODUCTION.includes(doc.kind)) {
    const request = await evidence.read<RequestDoc>(Doc.request);
    if (request?.startedBy && samePerson(request.startedBy, answered.by))
      problems.push({
        field: "by",
        message: `${request.startedBy} started this run. Somebody else must give the Go for production.`,
      });
  }
  return problems;
}
