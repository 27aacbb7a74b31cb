import {
  type Decision,
  Doc,
  type GateApprovalDoc,
  type GateDecisionDoc,
  type GateDoc,
  type GateObjectionDoc,
} from "../shared/documents.ts";
import { evidenceOf, type RunEvidence } from "../shared/evidence.ts";
import { leadsToProduction } from "../shared/gates.ts";
import type { GatePorts } from "../shared/ports.ts";
import { approvalsSoFar, approve, latestAttempt, storedDecision } from "./approvals.ts";
import { keepShown, terminalText } from "./basis.ts";
import type { GateAddress } from "./link.ts";
import { isName, nameProblem, relationOf } from "./names.ts";
import { type Delivery, tell } from "./notify.ts";

export interface Answered extends GateAddress {
  decision: Decision;
  by: string;
  comment: string;
  /** Address the answer came from. */
  from: string;
  ticked?: readonly string[];
  /** SHA-256 of the stored page; absent for an answer at a terminal. */
  shown?: string;
}

export interface Problem {
  field: "by" | "comment" | "instance" | "ticked" | "page";
  message: string;
}

export type Decided =
  | Closed
  | { state: "incomplete"; doc: GateDoc; problems: Problem[] }
  /** One Go of several needed. `first`: this answer counts; otherwise a person of that name gave one before. */
  | { state: "counted"; doc: GateDoc; approvals: GateApprovalDoc[]; first: boolean }
  /** `first`: this answer counts, alone or with others; otherwise another answer was earlier. */
  | {
      state: "decided";
      doc: GateDoc;
      decision: GateDecisionDoc;
      first: boolean;
      told: Delivery;
      /** Present for a No-Go after a Go. */
      tooLate?: TooLate;
    };

/** A No-Go after a Go: what it lacks, and the execution that it does not stop. */
export interface TooLate {
  /** Why it is not stored, for its author; undefined: it is stored. */
  lacks: string | undefined;
  /** ARN in Step Functions; undefined where the run continues in a terminal. */
  execution: string | undefined;
}

/**
 * Decides a gate once: the first stored answer counts for good. It is stored before the call to the machine, so that a
 * lost call can be repeated. The last needed Go, or any No-Go, decides a gate that needs several Goes.
 */
export async function decide(ports: GatePorts, answered: Answered): Promise<Decided> {
  const { run, gate, attempt } = answered;
  const now = await gateState(ports, answered);
  if (now.state === "decided") return settled(ports, answered, now.doc, now.decision);
  if (now.state !== "open") return now;
  const { doc } = now;
  const evidence = evidenceOf(ports.evidence, run);
  const problems = await problemsWith(answered, doc, ports);
  if (problems.length > 0) return { state: "incomplete", doc, problems };
  const answer = {
    attempt,
    by: answered.by.trim(),
    comment: answered.comment.trim(),
    at: ports.clock.now().toISOString(),
    from: answered.from,
    ticked: [...(answered.ticked ?? [])],
    shown: answered.shown ?? (await keepShown(evidence, doc, terminalText(doc), "terminal")),
  };
  if (doc.quorum && answered.decision === "Go") {
    await approve(evidence, doc, answer);
    const decision = await storedDecision(evidence, doc);
    return decision ? settled(ports, answered, doc, decision) : counted(answered, doc, evidence);
  }
  const decision = await evidence.createOnce(Doc.gateDecision(gate, attempt), {
    gate,
    decision: answered.decision,
    ...answer,
  });
  return settled(ports, answered, doc, decision);
}

async function counted(answered: Answered, doc: GateDoc, evidence: RunEvidence): Promise<Decided> {
  // A newer attempt that did not see this Go continues without it, and its approver must learn that.
  if ((await latestAttempt(evidence, doc.gate)) > doc.attempt)
    return { state: "superseded", doc, decision: undefined };
  const approvals = await approvalsSoFar(evidence, doc);
  return { state: "counted", doc, approvals, first: approvals.some((given) => isSame(given, answered)) };
}

/** Returns what an answer to a decided gate results in. Sends the decision to the machine again if that failed before. */
export async function settled(
  ports: GatePorts,
  answered: Answered,
  doc: GateDoc,
  decision: GateDecisionDoc,
): Promise<Extract<Decided, { state: "decided" }>> {
  const counting = decision.approvals ?? [decision];
  const first = decision.decision === answered.decision && counting.some((given) => isSame(given, answered));
  const told = await tell(ports, answered.run, decision);
  if (answered.decision === "Go" || decision.decision === "NoGo")
    return { state: "decided", doc, decision, first, told };
  return { state: "decided", doc, decision, first, told, tooLate: await tooLate(ports, answered, doc) };
}

async function tooLate(ports: GatePorts, answered: Answered, doc: GateDoc): Promise<TooLate> {
  const evidence = evidenceOf(ports.evidence, answered.run);
  const lacks = await keepObjection(evidence, {
    gate: doc.gate,
    attempt: doc.attempt,
    by: answered.by.trim(),
    comment: answered.comment.trim(),
    at: ports.clock.now().toISOString(),
    from: answered.from,
  });
  const execution = (await evidence.read(Doc.request))?.execution;
  return { lacks, execution: execution?.startsWith("arn:") ? execution : undefined };
}

/** A form sent twice is the same answer and gets the same reply. */
function isSame(given: { by: string; comment: string }, answered: Answered): boolean {
  return given.by === answered.by.trim() && given.comment === answered.comment.trim();
}

/** Returns what an answer lacks, on the page and at a terminal alike. */
export async function problemsWith(answered: Answered, doc: GateDoc, ports: GatePorts): Promise<Problem[]> {
  const problems: Problem[] = [];
  if (!isName(answered.by)) problems.push({ field: "by", message: "Type your name." });
  if (answered.decision === "NoGo") {
    if (answered.comment.trim() === "")
      problems.push({ field: "comment", message: "Give the reason. The report shows it." });
    return problems;
  }
  const evidence = evidenceOf(ports.evidence, answered.run);
  const starter = await starterWhoMayNotDecide(doc, ports, evidence);
  if (starter !== undefined) {
    const relation = relationOf(starter, answered.by);
    // An approver with a personal link cannot give another name.
    if (relation === "same" || (relation === "unclear" && doc.approvers))
      problems.push({
        field: "by",
        message: `${starter} started this run. Another person must give the Go for production.`,
      });
    else if (relation === "unclear")
      problems.push({
        field: "by",
        message: `This name could be ${starter}, who started this run and may not give the Go for production. If you are someone else, ${IN_FULL}`,
      });
  }
  const alike =
    doc.quorum && !doc.approvers
      ? (await approvalsSoFar(evidence, doc)).find(
          (given) => relationOf(given.by, answered.by) === "unclear" && !isSame(given, answered),
        )
      : undefined;
  if (alike)
    problems.push({
      field: "by",
      message: `This name could be ${alike.by}, who has already given a Go. If you are someone else, ${IN_FULL}`,
    });
  return problems;
}

const IN_FULL = "type your full name: given name and surname.";

/** Returns the name of the person who started the run, if that person may not give this gate's Go. */
export async function starterWhoMayNotDecide(
  doc: GateDoc,
  { settings }: Pick<GatePorts, "settings">,
  evidence: RunEvidence,
): Promise<string | undefined> {
  if (!settings.separateApprover || !leadsToProduction(doc.kind, settings)) return undefined;
  const startedBy = (await evidence.read(Doc.request))?.startedBy;
  return isName(startedBy) ? startedBy : undefined;
}

/** State of one attempt at a gate. */
export type GateState =
  | Closed
  /** With the Goes given so far, if the gate needs several. */
  | { state: "open"; doc: GateDoc; approvals: GateApprovalDoc[] }
  | { state: "decided"; doc: GateDoc; decision: GateDecisionDoc };

/** An attempt that can no longer be decided and was not decided. */
export type Closed =
  | { state: "unknown" }
  | { state: "expired"; doc: GateDoc }
  /** A newer link has been sent. `decision`: one that was stored before, if any. */
  | { state: "superseded"; doc: GateDoc; decision: GateDecisionDoc | undefined };

/** Returns the state of an attempt. @param opens whether the requester may see the gate at all; checked first */
export async function gateState(
  ports: GatePorts,
  { run, gate, attempt }: GateAddress,
  opens: (doc: GateDoc) => boolean = () => true,
): Promise<GateState> {
  const evidence = evidenceOf(ports.evidence, run);
  const doc = await evidence.read(Doc.gate(gate, attempt));
  if (!doc || !opens(doc)) return { state: "unknown" };
  const decision = await storedDecision(evidence, doc);
  if ((await latestAttempt(evidence, gate)) > attempt) return { state: "superseded", doc, decision };
  if (decision) return { state: "decided", doc, decision };
  if (ports.clock.now().getTime() >= Date.parse(doc.expiresAt)) return { state: "expired", doc };
  return { state: "open", doc, approvals: await approvalsSoFar(evidence, doc) };
}

// A person with the link can send any number; more than these show nothing new.
const MOST = 20;

/**
 * Stores a No-Go that came after the Go, once, however often it is sent.
 * @returns why it cannot be stored; undefined: it is stored
 */
async function keepObjection(
  evidence: RunEvidence,
  objection: GateObjectionDoc,
): Promise<string | undefined> {
  const wrong =
    nameProblem(objection.by) ??
    (objection.comment === "" ? "Give the reason. The report shows it." : undefined);
  if (wrong !== undefined) return wrong;
  for (let n = 1; n <= MOST; n++) {
    const name = Doc.gateObjection(objection.gate, objection.attempt, n);
    const kept = await evidence.createOnce(name, objection);
    if (kept.by === objection.by && kept.comment === objection.comment) return undefined;
  }
  return `${MOST} No-Goes after the Go are stored already.`;
}
