import {
  type Decision,
  Doc,
  type GateDecisionDoc,
  type GateDoc,
  type WithheldDoc,
} from "../shared/documents.ts";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { endsWithWindow, type GateTime, requireTime, type TimedGate, timeLeft } from "../shared/gates.ts";
import type { Ports } from "../shared/ports.ts";
import { moment } from "../shared/text.ts";
import { approvalsSoFar, deliveredDoc, latestAttempt, storedDecision, withheldSoFar } from "./approvals.ts";
import { changesSince, type ReadCatalog, readProduction, takeBasis } from "./basis.ts";
import { starterWhoMayNotDecide } from "./decide.ts";
import { flawsOf } from "./flaws.ts";
import { SLUICE, samePerson } from "./names.ts";
import { announce, gateDecided } from "./notify.ts";
import { flawsOfByWave } from "./wave-answer.ts";

interface ConfirmGate extends TimedGate {
  heard: GateAnswer;
}

/** Where the gate leads. `Ask`: it opens again. `Escalate`: it opens for the escalation contacts. Both have their time. */
type Confirmed = { decision: Decision } | ({ decision: "Ask" | "Escalate" } & GateTime);

// A database that changes after every Go is too busy to migrate now.
const MOST_ASKED_AGAIN = 5;

/**
 * Lets a decision take effect. A Go takes effect only if the gate's own page took it and its basis is unchanged;
 * otherwise the gate opens again. If no answer reached the machine, a stored answer still counts. Without a stored
 * answer the gate escalates once, and then counts as a No-Go.
 * @throws SluiceError DecisionForged; WindowClosed if the gate must open again after the end of the maintenance window
 */
export async function confirmGate(
  event: ConfirmGate,
  ports: Ports,
  evidence: RunEvidence,
  readCatalog: ReadCatalog = readProduction,
): Promise<Confirmed> {
  const { gate, heard } = event;
  const doc = await evidence.read(Doc.gate(gate, await latestAttempt(evidence, gate)));
  // The gate never opened, so no person can have answered, whatever the machine received.
  if (!doc) return { decision: "NoGo" };
  const stored = await storedDecision(evidence, doc);
  const time = !stored && heard === "nothing" ? await timeLeft(event, ports, evidence) : undefined;
  if (time) return { decision: "Escalate", ...time };
  const decision = stored ?? (await closeGate(doc, heard, ports, evidence));
  await refuseForged(doc, decision, ports, evidence);
  // Written also where the call to the machine was lost: the machine has the answer now.
  await evidence.createOnce(deliveredDoc(gate, doc.attempt), { at: ports.clock.now().toISOString() });
  const withheld = await reasonToWithhold(event, doc, decision, ports, evidence, readCatalog);
  if (withheld) ports.progress(`The Go at ${gate} does not take effect: ${withheld.changed.join(" ")}`);
  await announce(gateDecided(doc, decision, withheld?.changed ?? [], evidence.run, ports), ports);
  const answer = withheld?.answer ?? decision.decision;
  return answer === "Ask"
    ? { decision: answer, ...(await requireTime(event, ports, evidence)) }
    : { decision: answer };
}

/** @throws SluiceError DecisionForged: the run must stop, and a person must find out who wrote the decision. */
async function refuseForged(
  doc: GateDoc,
  decision: GateDecisionDoc,
  ports: Ports,
  evidence: RunEvidence,
): Promise<void> {
  const flaws = decision.byWave
    ? await flawsOfByWave(doc, decision, ports, evidence)
    : await flawsOf(doc, decision, evidence, ports);
  const starter = await starterWhoMayNotDecide(doc, ports, evidence);
  if (starter !== undefined && decision.decision === "Go")
    for (const { by } of decision.approvals ?? [decision])
      if (samePerson(starter, by)) flaws.push(`${by} may be ${starter}, who started this run.`);
  if (flaws.length === 0) return;
  throw new SluiceError(
    ErrorName.DecisionForged,
    `The decision at gate ${doc.gate} (attempt ${doc.attempt}) did not come from the gate's page, so it does not count: ${flaws.join(" ")} ` +
      "Somebody wrote it into the run's evidence. Find out who can write there before you start another run.",
  );
}

async function reasonToWithhold(
  { heard, kind }: ConfirmGate,
  doc: GateDoc,
  { decision }: GateDecisionDoc,
  ports: Ports,
  evidence: RunEvidence,
  readCatalog: ReadCatalog,
): Promise<WithheldDoc | undefined> {
  if (decision === "NoGo") return undefined;
  const { gate, attempt } = doc;
  // Only what withholds is kept: after a crash a Go is looked at afresh, and an Ask stays one.
  const before = await evidence.read(Doc.gateWithheld(gate, attempt));
  if (before) return before;
  const withhold = (answer: WithheldDoc["answer"], changed: string[]) =>
    evidence.createOnce(Doc.gateWithheld(gate, attempt), {
      at: ports.clock.now().toISOString(),
      answer,
      changed,
    });
  if (heard === "NoGo") return withhold("NoGo", ["The run received a No-Go that nobody gave on the page."]);
  const changed = await changesSince(doc, await takeBasis(kind, ports, evidence, readCatalog), evidence);
  if (changed.length === 0) return undefined;
  const asked = (await withheldSoFar(evidence, gate)).length;
  return withhold(asked < MOST_ASKED_AGAIN ? "Ask" : "NoGo", changed);
}

/** What the machine received: an answer, or nothing from the approvers, or nothing from the escalation contacts either. */
export type GateAnswer = Decision | "nothing" | "nothing again";

/** Closes an undecided gate as No-Go. An answer given at the same moment either comes first and counts, or is too late. */
export async function closeGate(
  doc: GateDoc,
  heard: GateAnswer,
  ports: Ports,
  evidence: RunEvidence,
): Promise<GateDecisionDoc> {
  return await evidence.createOnce(Doc.gateDecision(doc.gate, doc.attempt), {
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

async function why(doc: GateDoc, heard: GateAnswer, evidence: RunEvidence): Promise<string> {
  if (heard === "Go" || heard === "NoGo")
    return `The run received a ${heard === "Go" ? "Go" : "No-Go"} that nobody gave on the gate's page.`;
  const given = await approvalsSoFar(evidence, doc);
  const said =
    given.length === 0
      ? "Nobody had answered"
      : `Only ${given.length} of ${doc.quorum?.approvals} Goes had been given (${given.map(({ by }) => by).join(", ")})`;
  return endsWithWindow(doc)
    ? `${said} when the maintenance window ended, at ${moment(doc.expiresAt)}.`
    : `${said} by ${moment(doc.expiresAt)}${doc.escalation ? ", the escalation contacts included" : ""}.`;
}
