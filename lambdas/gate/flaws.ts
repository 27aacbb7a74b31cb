import { Doc, type GateApprovalDoc, type GateDecisionDoc, type GateDoc } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { PAGE_SECONDS } from "../shared/gates.ts";
import { shownOn } from "./basis.ts";
import { isName, nameProblem, SLUICE, samePerson } from "./names.ts";

/**
 * Returns what shows that neither a page nor a terminal took this decision, so it was written into the evidence by
 * other means. Empty for a genuine decision, and for the No-Go of a gate that nobody answered.
 * @param pagesOnly no terminal can have taken the decision
 */
export async function flawsOf(
  doc: GateDoc,
  decision: GateDecisionDoc,
  evidence: RunEvidence,
  { pagesOnly = false }: { pagesOnly?: boolean | undefined } = {},
): Promise<string[]> {
  if (isClosing(decision)) return [];
  const given = decision.approvals ?? [decision];
  const flaws: string[] = [];
  if (decision.gate !== doc.gate || decision.attempt !== doc.attempt)
    flaws.push(`It belongs to ${decision.gate}, attempt ${decision.attempt}.`);
  if (decision.decision !== "Go" && decision.decision !== "NoGo")
    flaws.push("It is neither a Go nor a No-Go.");
  if (decision.decision === "Go") {
    const needed = doc.quorum?.approvals ?? 1;
    const people = given.filter((go, i) => !given.slice(0, i).some(({ by }) => samePerson(by, go.by)));
    if (people.length < needed) flaws.push(`It has Goes from ${people.length} people; it needs ${needed}.`);
  }
  for (const one of given) flaws.push(...(await flawsOfOne(doc, decision, one, evidence, pagesOnly)));
  return flaws;
}

/** Whether Sluice closed the gate because nobody had answered. */
function isClosing({ by, decision, from, shown, approvals }: GateDecisionDoc): boolean {
  return decision === "NoGo" && by === SLUICE && from === "" && shown === "" && approvals === undefined;
}

async function flawsOfOne(
  doc: GateDoc,
  { decision }: GateDecisionDoc,
  given: GateApprovalDoc,
  evidence: RunEvidence,
  pagesOnly: boolean,
): Promise<string[]> {
  const { gate } = doc;
  const { attempt, by, at, comment, ticked, shown } = given;
  const asked = attempt === doc.attempt ? doc : await evidence.read(Doc.gate(gate, attempt));
  const since = doc.quorum?.since ?? doc.attempt;
  if (!asked || attempt > doc.attempt || attempt < since)
    return [`${by} answered attempt ${attempt}, which does not count here.`];
  const flaws: string[] = [];
  const on = await shownOn(evidence, asked, shown);
  if (!on || (on === "terminal" && pagesOnly)) flaws.push(`No page was shown to ${by || "its author"}.`);
  const moment = Date.parse(at);
  // A page may still be handling an answer when the gate's time ends.
  const latest = Date.parse(asked.expiresAt) + PAGE_SECONDS * 1000;
  if (!(moment >= Date.parse(asked.openedAt) && moment <= latest))
    flaws.push(`It was given at ${at}, but the gate was open from ${asked.openedAt} to ${asked.expiresAt}.`);
  const wrongName = on === "page" ? nameProblem(by) : isName(by) ? undefined : "It has no name.";
  if (wrongName !== undefined) flaws.push(`No page accepts the name ${JSON.stringify(by)}.`);
  const unticked = asked.checklist.filter((item) => !ticked.includes(item));
  if (decision === "Go" && on !== "terminal" && unticked.length > 0)
    flaws.push(`Not ticked: ${unticked.join("; ")}.`);
  if (decision === "NoGo" && comment.trim() === "") flaws.push("The No-Go has no reason.");
  if (asked.approvers && !asked.approvers.some(({ name }) => name === by))
    flaws.push(`${by} is not on the list of approvers for this gate.`);
  return flaws;
}
