import { Doc, type GateDecisionDoc } from "../shared/documents.ts";
import { evidenceOf } from "../shared/evidence.ts";
import type { GatePorts } from "../shared/ports.ts";
import { type ToldDoc, toldDoc } from "./attempts.ts";
import type { GateTokenDoc } from "./open.ts";

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
