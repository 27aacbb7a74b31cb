import { hasLedger, versionsLeft } from "../ledger/ledger.ts";
import { endFormerWorkers } from "../migrate/step-lock.ts";
import { Doc, type DocumentName, type ProofName } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { withTarget } from "../shared/places.ts";
import type { Ports } from "../shared/ports.ts";
import { slug } from "../shared/task.ts";

/**
 * Where a stopped run was. `untouched`: nothing was migrated on production, or nothing of it is left; `changed`:
 * something may be; `opened`: all of it is, and the application is in, or may be; `reopened`: the way back from there had
 * begun; `restoring`: the snapshot was taking production's place. The others had come to their end and were giving back
 * what the run held: proven `rolled back`, proven `restored`, or `given up`, for an operator to see to.
 */
export type Milestone =
  | "untouched"
  | "changed"
  | "opened"
  | "reopened"
  | "restoring"
  | "rolled back"
  | "restored"
  | "given up";

/** The first state after people said that the application may come in. */
export const OPENING_BEGINS = "Lift the fence";

/** The first state of every way out: from then on the application may be in, whatever the end is. */
export const CLOSING_BEGINS = "Leave no fence";

/**
 * Whatever the run left running on production is ended first, so that the ledger tells all there is to tell.
 * @returns undefined where that takes longer than this worker has; call again
 */
export async function howFar(ports: Ports, evidence: RunEvidence): Promise<Milestone | undefined> {
  const has = async (name: DocumentName<unknown>) => (await evidence.read(name)) !== undefined;
  const entered = (state: string) => has(Doc.stateEntered(slug(state)));
  const closing = await entered(CLOSING_BEGINS);
  if (closing && (await isProven("production-restored", evidence))) return "restored";
  if (await has(Doc.restore)) return closing ? "given up" : "restoring";
  if (closing && (await isProven("production-rolled-back", evidence))) return "rolled back";
  // Nothing is changed on production before there is a fence, or a note that there is to be none.
  if (!(await has(Doc.fence))) return "untouched";
  const left = await leftOnProduction(ports, evidence);
  if (left === undefined) return undefined;
  if (left === 0 && !(await has(Doc.rollback))) return "untouched";
  const reopened = (await has(Doc.hookSent("stop-again"))) || (await has(Doc.fenceAgain));
  const opened = !reopened && (await entered(OPENING_BEGINS));
  // A second fence would never be lifted, as the first one was; and people had decided.
  if (closing) return opened ? "opened" : "given up";
  if (reopened) return "reopened";
  return opened ? "opened" : "changed";
}

async function isProven(proof: ProofName, evidence: RunEvidence): Promise<boolean> {
  return (await evidence.read(Doc.proof(proof)))?.equal === true;
}

/** How many migrations this run began there and did not roll back. */
async function leftOnProduction(ports: Ports, evidence: RunEvidence): Promise<number | undefined> {
  return await withTarget(ports, evidence, "production", async (session) => {
    if (!(await endFormerWorkers(session, ports, evidence.run))) return undefined;
    return (await hasLedger(session)) ? (await versionsLeft(session, evidence.run)).length : 0;
  });
}
