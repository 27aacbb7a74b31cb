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

/** What the evidence shows of a stopped run. */
interface Past {
  closing: boolean;
  restoring: boolean;
  provenRestored: boolean;
  provenRolledBack: boolean;
  /** There is a fence, or a note that there is to be none: before that, nothing changes on production. */
  fenced: boolean;
  rollingBack: boolean;
  reopened: boolean;
  opened: boolean;
}

type Reached = readonly [milestone: Milestone, was: (past: Past) => boolean];

/** In this order: the first that holds is where the run was. */
const BY_EVIDENCE: readonly Reached[] = [
  ["restored", ({ closing, provenRestored }) => closing && provenRestored],
  ["given up", ({ closing, restoring }) => closing && restoring],
  ["restoring", ({ restoring }) => restoring],
  ["rolled back", ({ closing, provenRolledBack }) => closing && provenRolledBack],
  ["untouched", ({ fenced }) => !fenced],
];

/** The same for a run that left something on production, as the ledger shows. */
const BY_LEDGER: readonly Reached[] = [
  ["opened", ({ opened }) => opened],
  // A second fence would never be lifted, as the first one was; and people had decided.
  ["given up", ({ closing }) => closing],
  ["reopened", ({ reopened }) => reopened],
  ["changed", () => true],
];

/**
 * Ends whatever the run left running on production first: then the ledger is complete.
 * @returns undefined where that takes longer than this worker has; call again
 */
export async function howFar(ports: Ports, evidence: RunEvidence): Promise<Milestone | undefined> {
  const past = await pastOf(evidence);
  const early = firstReached(BY_EVIDENCE, past);
  if (early) return early;
  const left = await leftOnProduction(ports, evidence);
  if (left === undefined) return undefined;
  return left === 0 && !past.rollingBack ? "untouched" : firstReached(BY_LEDGER, past);
}

const firstReached = (milestones: readonly Reached[], past: Past): Milestone | undefined =>
  milestones.find(([, was]) => was(past))?.[0];

async function pastOf(evidence: RunEvidence): Promise<Past> {
  const has = async (name: DocumentName<unknown>) => (await evidence.read(name)) !== undefined;
  const entered = (state: string) => has(Doc.stateEntered(slug(state)));
  const reopened = (await has(Doc.hookSent("stop-again"))) || (await has(Doc.fenceAgain));
  return {
    closing: await entered(CLOSING_BEGINS),
    restoring: await has(Doc.restore),
    provenRestored: await isProven("production-restored", evidence),
    provenRolledBack: await isProven("production-rolled-back", evidence),
    fenced: await has(Doc.fence),
    rollingBack: await has(Doc.rollback),
    reopened,
    opened: !reopened && (await entered(OPENING_BEGINS)),
  };
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
