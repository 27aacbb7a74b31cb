import { hasLedger, versionsLeft } from "../ledger/ledger.ts";
import { endFormerWorkers } from "../migrate/step-lock.ts";
import { Doc, type DocumentName, type ProofName } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { withTarget } from "../shared/places.ts";
import type { Ports } from "../shared/ports.ts";
import { slug } from "../shared/task.ts";

/**
 * How far a stopped run came. `untouched`: no migration is on production. `changed`: some may be. `opened`: all are, and
 * the application may be in. `reopened`: the way back after the opening had begun. `restoring`: the restore had begun.
 * The others had ended and were releasing what the run held: proven `rolled back`, proven `restored`, or `given up`,
 * which an operator must handle.
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

/** The first state after the Go for the opening. */
export const OPENING_BEGINS = "Lift the fence";

/** The first state of every ending: from here on the application may be in, whatever the end is. */
export const CLOSING_BEGINS = "Leave no fence";

/**
 * Ends the run's workers on production first, so that the ledger is complete, then returns how far the run came.
 * @returns undefined if that takes longer than this worker has; call again
 */
export async function howFar(ports: Ports, evidence: RunEvidence): Promise<Milestone | undefined> {
  const has = async (name: DocumentName<unknown>) => (await evidence.read(name)) !== undefined;
  const entered = (state: string) => has(Doc.stateEntered(slug(state)));
  const closing = await entered(CLOSING_BEGINS);
  if (closing && (await isProven("production-restored", evidence))) return "restored";
  if (await has(Doc.restore)) return closing ? "given up" : "restoring";
  if (closing && (await isProven("production-rolled-back", evidence))) return "rolled back";
  // Production is changed only after the fence, or a note that there is none.
  if (!(await has(Doc.fence))) return "untouched";
  const left = await leftOnProduction(ports, evidence);
  if (left === undefined) return undefined;
  if (left === 0 && !(await has(Doc.rollback))) return "untouched";
  const reopened = (await has(Doc.hookSent("stop-again"))) || (await has(Doc.fenceAgain));
  const opened = !reopened && (await entered(OPENING_BEGINS));
  // People had decided, and a second fence would never be lifted, because the first one was.
  if (closing) return opened ? "opened" : "given up";
  if (reopened) return "reopened";
  return opened ? "opened" : "changed";
}

async function isProven(proof: ProofName, evidence: RunEvidence): Promise<boolean> {
  return (await evidence.read(Doc.proof(proof)))?.equal === true;
}

/** How many migrations this run began on production and did not roll back. */
async function leftOnProduction(ports: Ports, evidence: RunEvidence): Promise<number | undefined> {
  return await withTarget(ports, evidence, "production", async (session) => {
    if (!(await endFormerWorkers(session, ports, evidence.run))) return undefined;
    return (await hasLedger(session)) ? (await versionsLeft(session, evidence.run)).length : 0;
  });
}
