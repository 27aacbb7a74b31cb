import { Doc, type GateDecisionDoc } from "../shared/documents.ts";
import { evidenceOf, type RunEvidence } from "../shared/evidence.ts";
import type { GatePorts } from "../shared/ports.ts";
import { type ToldDoc, toldDoc } from "./attempts.ts";
import type { GateTokenDoc } from "./open.ts";

const LOOKS = 15;
const PAUSE_MS = 100;

/** What the machine said to the decision. */
export type Told = "yes" | "nobody waits" | "failed";

/** Tells the machine the stored decision, unless it is known to have heard. */
export async function tell(ports: GatePorts, run: string, decision: GateDecisionDoc): Promise<Told> {
  const { gate, attempt } = decision;
  const evidence = evidenceOf(ports.evidence, run);
  if (await evidence.read<ToldDoc>(toldDoc(gate, attempt))) return "yes";
  const kept = await evidence.read<GateTokenDoc>(Doc.gateToken(gate, attempt));
  if (!kept) return "nobody waits";
  try {
    if (!(await ports.callbacks.succeed(kept.token, { decision: decision.decision })))
      return (await heardMeanwhile(evidence, decision)) ? "yes" : "nobody waits";
  } catch (error) {
    // Its message may quote the call, and the call holds the token. The page says that it can be tried again.
    ports.progress(`The run could not be told of ${gate}: ${error instanceof Error ? error.name : "error"}`);
    return "failed";
  }
  await evidence.keep<ToldDoc>(toldDoc(gate, attempt), { at: ports.clock.now().toISOString() });
  return "yes";
}

/**
 * Whoever answers at the same moment, or sends a form twice, tells the machine too: one of them is the first, and notes
 * it a moment later. So does the machine when it goes on.
 */
async function heardMeanwhile(
  evidence: RunEvidence,
  { gate, attempt }: Pick<GateDecisionDoc, "gate" | "attempt">,
): Promise<boolean> {
  for (let looks = 0; looks < LOOKS; looks++) {
    if (await evidence.read<ToldDoc>(toldDoc(gate, attempt))) return true;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return false;
}
