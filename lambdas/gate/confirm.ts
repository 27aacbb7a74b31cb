import { type Decision, Doc, type GateDecisionDoc, type GateDoc } from "../shared/documents.ts";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import type { Ports } from "../shared/ports.ts";
import { announce, gateDecided } from "./announce.ts";
import { storedDecision } from "./approvals.ts";
import {
  latestAttempt,
  type ToldDoc,
  toldDoc,
  type WithheldDoc,
  withheldDoc,
  withheldSoFar,
} from "./attempts.ts";
import { changesSince, type ReadCatalog, readProduction, takeBasis } from "./basis.ts";
import { closeGate, type Heard } from "./close.ts";
import { starterWhoMayNotDecide } from "./decide.ts";
import { flawsOf } from "./flaws.ts";
import { samePerson } from "./names.ts";
import { type GateTime, needTime, type TimedGate, timeLeft } from "./time.ts";

export interface ConfirmGate extends TimedGate {
  heard: Heard;
}

/** Where the gate leads. `Ask`: it is asked again; `Escalate`: the escalation contacts are asked. Both with their time. */
export type Confirmed = { decision: Decision } | ({ decision: "Ask" | "Escalate" } & GateTime);

// A database that changes after every Go is not one to migrate now.
const MOST_ASKED_AGAIN = 5;

/**
 * Lets a decision take effect. A Go does only if it was given on the gate's own page, and if what it was given for is
 * still so; otherwise the gate is asked again. Where nothing was heard, an answer that is stored counts all the same;
 * without one the gate is escalated once, and then is a No-Go.
 * @throws SluiceError DecisionForged; WindowClosed where it is to be asked again after the maintenance window's end
 */
export async function confirmGate(
  event: ConfirmGate,
  ports: Ports,
  evidence: RunEvidence,
  readCatalog: ReadCatalog = readProduction,
): Promise<Confirmed> {
  const { gate, heard } = event;
  const doc = await evidence.read<GateDoc>(Doc.gate(gate, await latestAttempt(evidence, gate)));
  // Nobody can have been asked, whatever the machine was told.
  if (!doc) return { decision: "NoGo" };
  const stored = await storedDecision(evidence, doc);
  const time = !stored && heard === "nothing" ? await timeLeft(event, ports, evidence) : undefined;
  if (time) return { decision: "Escalate", ...time };
  const decision = stored ?? (await closeGate(doc, heard, ports, evidence));
  await refuseForged(doc, decision, ports, evidence);
  // Also where the call that should have told it was lost: nobody needs to tell it any more.
  await evidence.keep<ToldDoc>(toldDoc(gate, doc.attempt), { at: ports.clock.now().toISOString() });
  const withheld = await reasonToWithhold(heard, doc, decision, ports, evidence, readCatalog);
  if (withheld) ports.progress(`The Go at ${gate} does not take effect: ${withheld.changed.join(" ")}`);
  await announce(gateDecided(doc, decision, withheld?.changed ?? [], evidence.run, ports), ports);
  const answer = withheld?.answer ?? decision.decision;
  return answer === "Ask"
    ? { decision: answer, ...(await needTime(event, ports, evidence)) }
    : { decision: answer };
}

/** @throws SluiceError DecisionForged: the run must not go on, and somebody must look who wrote that. */
async function refuseForged(
  doc: GateDoc,
  decision: GateDecisionDoc,
  ports: Ports,
  evidence: RunEvidence,
): Promise<void> {
  const flaws = await flawsOf(doc, decision, evidence, ports);
  const starter = await starterWhoMayNotDecide(doc, ports, evidence);
  if (starter !== undefined && decision.decision === "Go")
    for (const { by } of decision.approvals ?? [decision])
      if (samePerson(starter, by)) flaws.push(`${by} may be ${starter}, who started the run.`);
  if (flaws.length === 0) return;
  throw new SluiceError(
    ErrorName.DecisionForged,
    `The decision at gate ${doc.gate} (attempt ${doc.attempt}) cannot have been taken by its page, so it does not count: ${flaws.join(" ")} ` +
      "Somebody wrote it into the run's evidence. Find out who may write there before you start another run.",
  );
}

async function reasonToWithhold(
  heard: Heard,
  doc: GateDoc,
  { decision }: GateDecisionDoc,
  ports: Ports,
  evidence: RunEvidence,
  readCatalog: ReadCatalog,
): Promise<WithheldDoc | undefined> {
  if (decision === "NoGo") return undefined;
  const { gate, attempt, kind } = doc;
  // Only what withholds is kept: after a crash a Go is looked at afresh, and an Ask stays one.
  const before = await evidence.read<WithheldDoc>(withheldDoc(gate, attempt));
  if (before) return before;
  const withhold = (answer: WithheldDoc["answer"], changed: string[]) =>
    evidence.keep<WithheldDoc>(withheldDoc(gate, attempt), {
      at: ports.clock.now().toISOString(),
      answer,
      changed,
    });
  if (heard === "NoGo") return withhold("NoGo", ["The run was told a No-Go that nobody gave on the page."]);
  const changed = await changesSince(doc, await takeBasis(kind, ports, evidence, readCatalog), evidence);
  if (changed.length === 0) return undefined;
  const asked = (await withheldSoFar(evidence, gate)).length;
  return withhold(asked < MOST_ASKED_AGAIN ? "Ask" : "NoGo", changed);
}
