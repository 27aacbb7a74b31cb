import { Doc, type GateDoc, type GateQuorum, type RequestDoc } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import type { Ports } from "../shared/ports.ts";
import { storedDecision } from "./approvals.ts";
import { type GateKind, leadsToProduction } from "./kinds.ts";
import { isName } from "./names.ts";

/**
 * How many Goes a gate needs; undefined where one is enough. Who started a run may not decide alone over production:
 * where nobody knows who that was, it takes two people, as one of any two did not start it.
 */
export async function quorumOf(
  kind: GateKind,
  ports: Ports,
  evidence: RunEvidence,
): Promise<Omit<GateQuorum, "since"> | undefined> {
  const { plan, settings } = ports;
  const planned = plan.gates[kind].approvals ?? 1;
  const separate = settings.separateApprover && leadsToProduction(kind, settings);
  const starterUnknown =
    separate && planned < 2 && !isName((await evidence.read<RequestDoc>(Doc.request))?.startedBy);
  const approvals = starterUnknown ? 2 : planned;
  return approvals > 1 ? { approvals, starterUnknown } : undefined;
}

/**
 * The first of the attempts whose Goes count for this one: they stand as long as it is the very same that is asked
 * again, be it of the escalation contacts.
 */
export async function firstOfTheSame(
  { gate, attempt, basis }: Pick<GateDoc, "gate" | "attempt" | "basis">,
  evidence: RunEvidence,
): Promise<number> {
  const before = await evidence.read<GateDoc>(Doc.gate(gate, attempt - 1));
  // A decision that was stored is a matter of its own: it took effect, or was withheld with all of its Goes.
  if (!before?.quorum || (await storedDecision(evidence, before))) return attempt;
  const same = (Object.keys(basis) as (keyof GateDoc["basis"])[]).every(
    (key) => basis[key] === before.basis[key],
  );
  return same ? before.quorum.since : attempt;
}
