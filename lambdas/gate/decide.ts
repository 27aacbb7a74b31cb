import * as z from "zod";
import {
  type Decision,
  Doc,
  docName,
  type GateApprovalDoc,
  type GateDecisionDoc,
  type GateDoc,
  type GateObjectionDoc,
} from "../shared/documents.ts";
import { evidenceOf, type RunEvidence } from "../shared/evidence.ts";
import { leadsToProduction } from "../shared/gates.ts";
import type { GatePorts } from "../shared/ports.ts";
import { approvalsSoFar, approve, storedDecision } from "./approvals.ts";
import { latestAttempt } from "./attempts.ts";
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
  /** SHA-256 of the page, which is kept; absent when it was answered at a terminal, without one. */
  shown?: string;
}

export interface Problem {
  field: "by" | "comment" | "instance" | "ticked" | "page";
  message: string;
}

export type Decided =
  | Closed
  | { state: "incomplete"; doc: GateDoc; problems: Problem[] }
  /** A Go of several that are needed. `first`: it is this answer; otherwise somebody of that name gave one before. */
  | { state: "counted"; doc: GateDoc; approvals: GateApprovalDoc[]; first: boolean }
  /** `first`: this answer is the one that counts, or one of them; otherwise another one came before it. */
  | {
      state: "decided";
      doc: GateDoc;
      decision: GateDecisionDoc;
      first: boolean;
      told: Delivery;
      /** It is a No-Go after a Go. */
      tooLate?: TooLate;
    };

/** A No-Go after a Go: whether it is kept, or what it lacks; and the execution that it does not stop. */
export interface TooLate {
  lacks: string | undefined;
  /** Of Step Functions; undefined where the run goes on in a terminal. */
  execution: string | undefined;
}

/**
 * Decides a gate, once: whichever answer is stored first counts, for ever. It is stored before the machine is told, so
 * that a lost call can be made again. A gate that needs several Goes is decided by the last of them, or by any No-Go.
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
  // A newer attempt that did not see this Go goes on without it, and who gave it must know.
  if ((await latestAttempt(evidence, doc.gate)) > doc.attempt)
    return { state: "superseded", doc, decision: undefined };
  const approvals = await approvalsSoFar(evidence, doc);
  return { state: "counted", doc, approvals, first: approvals.some((given) => isSame(given, answered)) };
}

/** What an answer comes to where there is a decision: the decision's words are told the machine once more if need be. */
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

/** A form sent twice is the same answer, and hears the same. */
function isSame(given: { by: string; comment: string }, answered: Answered): boolean {
  return given.by === answered.by.trim() && given.comment === answered.comment.trim();
}

/** What an answer lacks, wherever it is given. */
export async function problemsWith(answered: Answered, doc: GateDoc, ports: GatePorts): Promise<Problem[]> {
  const problems: Problem[] = [];
  if (!isName(answered.by)) problems.push({ field: "by", message: "Type your name." });
  if (answered.decision === "NoGo") {
    if (answered.comment.trim() === "")
      problems.push({ field: "comment", message: "Say why, for those who read the report." });
    return problems;
  }
  const evidence = evidenceOf(ports.evidence, answered.run);
  const starter = await starterWhoMayNotDecide(doc, ports, evidence);
  if (starter !== undefined) {
    const relation = relationOf(starter, answered.by);
    // Who is known by a link has no other name to give.
    if (relation === "same" || (relation === "unclear" && doc.approvers))
      problems.push({
        field: "by",
        message: `${starter} started this run. Somebody else must give the Go for production.`,
      });
    else if (relation === "unclear")
      problems.push({
        field: "by",
        message: `That could be ${starter}, who started this run and may not give the Go for production. If it is not you, ${IN_FULL}`,
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
      message: `That could be ${alike.by}, who has said Go already. If it is not you, ${IN_FULL}`,
    });
  return problems;
}

const IN_FULL = "say in full who you are: your given name and your surname.";

/** Who started the run, where that person may not give this gate's Go. */
export async function starterWhoMayNotDecide(
  doc: GateDoc,
  { settings }: Pick<GatePorts, "settings">,
  evidence: RunEvidence,
): Promise<string | undefined> {
  if (!settings.separateApprover || !leadsToProduction(doc.kind, settings)) return undefined;
  const startedBy = (await evidence.read(Doc.request))?.startedBy;
  return isName(startedBy) ? startedBy : undefined;
}

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
  const doc = await evidence.read(Doc.gate(gate, attempt));
  if (!doc || !opens(doc)) return { state: "unknown" };
  const decision = await storedDecision(evidence, doc);
  if ((await latestAttempt(evidence, gate)) > attempt) return { state: "superseded", doc, decision };
  if (decision) return { state: "decided", doc, decision };
  if (ports.clock.now().getTime() >= Date.parse(doc.expiresAt)) return { state: "expired", doc };
  return { state: "open", doc, approvals: await approvalsSoFar(evidence, doc) };
}

/**
 * A line that a person typed: no control characters, line ends among them; none that have no meaning or half of one; and
 * none that cannot be seen or that turn the direction of text, which could make one name look like another in the report.
 * Two that join letters cannot be seen either: some scripts need them.
 */
export const line = (most: number) =>
  z
    .string()
    .max(most)
    .regex(
      /^(?:[^\p{Cc}\p{Cs}\p{Cn}\p{Co}\p{Zl}\p{Zp}\p{DI}\p{Bidi_Control}]|\u200c|\u200d)*$/u,
      "one line, without characters that cannot be seen",
    );

/** Lines that a person typed. A browser counts the end of a line as one character, and sends two. */
export const text = (most: number) =>
  z
    .string()
    .transform((value) => value.replace(/\r\n?/g, "\n"))
    .pipe(
      z
        .string()
        .max(most)
        .regex(
          /^(?:[^\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]|\n|\t)*$/u,
          "without control characters, and without marks that turn the direction of text",
        ),
    );

// Whoever has the link can send as many as they like; more than these say nothing new.
const MOST = 20;

/**
 * Keeps a No-Go that came after the Go, once, however often it is sent.
 * @returns what it lacks to be kept; undefined: it is kept
 */
async function keepObjection(
  evidence: RunEvidence,
  objection: GateObjectionDoc,
): Promise<string | undefined> {
  const wrong =
    nameProblem(objection.by) ??
    (objection.comment === "" ? "Say why, for those who read the report." : undefined);
  if (wrong !== undefined) return wrong;
  for (let n = 1; n <= MOST; n++) {
    const name = Doc.gateObjection(objection.gate, objection.attempt, n);
    const kept = await evidence.createOnce(docName<GateObjectionDoc>(name), objection);
    if (kept.by === objection.by && kept.comment === objection.comment) return undefined;
  }
  return `There are ${MOST} after the Go already.`;
}
