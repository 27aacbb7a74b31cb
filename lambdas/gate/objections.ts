import { Doc, type GateObjectionDoc } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { nameProblem } from "./names.ts";

// Whoever has the link can send as many as they like; more than these say nothing new.
const MOST = 20;

/**
 * Keeps a No-Go that came after the Go, once, however often it is sent.
 * @returns what it lacks to be kept; undefined: it is kept
 */
export async function keepObjection(
  evidence: RunEvidence,
  objection: GateObjectionDoc,
): Promise<string | undefined> {
  const wrong =
    nameProblem(objection.by) ??
    (objection.comment === "" ? "Say why, for those who read the report." : undefined);
  if (wrong !== undefined) return wrong;
  for (let n = 1; n <= MOST; n++) {
    const name = Doc.gateObjection(objection.gate, objection.attempt, n);
    const kept = await evidence.keep<GateObjectionDoc>(name, objection);
    if (kept.by === objection.by && kept.comment === objection.comment) return undefined;
  }
  return `There are ${MOST} after the Go already.`;
}
