import { type Decision, Doc, type GateDecisionDoc, type GateDoc } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import type { Ports } from "../shared/ports.ts";
import { latestAttempt, type WithheldDoc, withheldDoc, withheldSoFar } from "./attempts.ts";
import { changesSince, type ReadCatalog, readProduction, takeBasis } from "./basis.ts";

export interface ConfirmGate {
  gate: string;
  decision: Decision;
}

// A database that changes after every Go is not one to migrate now.
const MOST_ASKED_AGAIN = 5;

/**
 * Lets a decision take effect. A Go does only if it was given on the gate's own page, and if what it was given for is
 * still so; otherwise the gate is asked again.
 */
export async function confirmGate(
  { gate, decision }: ConfirmGate,
  ports: Ports,
  evidence: RunEvidence,
  readCatalog: ReadCatalog = readProduction,
): Promise<{ decision: Decision | "Ask" }> {
  if (decision === "NoGo") return { decision };
  const attempt = await latestAttempt(evidence, gate);
  // Only what withholds is kept: after a crash a Go is looked at afresh, and an Ask stays one.
  const withheld = await evidence.read<WithheldDoc>(withheldDoc(gate, attempt));
  if (withheld) return { decision: withheld.answer };

  const withhold = async (answer: WithheldDoc["answer"], changed: string[]) => {
    const at = ports.clock.now().toISOString();
    const kept = await evidence.keep<WithheldDoc>(withheldDoc(gate, attempt), { at, answer, changed });
    ports.progress(`The Go at ${gate} does not take effect: ${kept.changed.join(" ")}`);
    return { decision: kept.answer };
  };
  const doc = await evidence.read<GateDoc>(Doc.gate(gate, attempt));
  const stored = await evidence.read<GateDecisionDoc>(Doc.gateDecision(gate, attempt));
  if (!doc || stored?.decision !== "Go")
    return withhold("NoGo", ["A Go reached the run that nobody gave on the gate's page."]);

  const changed = await changesSince(doc, await takeBasis(doc.kind, ports, evidence, readCatalog), evidence);
  if (changed.length === 0) return { decision };
  const asked = (await withheldSoFar(evidence, gate)).length;
  return withhold(asked < MOST_ASKED_AGAIN ? "Ask" : "NoGo", changed);
}
