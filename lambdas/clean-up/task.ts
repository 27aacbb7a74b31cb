import * as z from "zod";
import { inheritLease, refuseOthersLease } from "../admit/lease.ts";
import { hasLedger, versionsLeft } from "../ledger/ledger.ts";
import { endFormerWorkers } from "../migrate/step-lock.ts";
import { notifyPeople } from "../report/task.ts";
import {
  Doc,
  type DocumentName,
  docName,
  type ProofName,
  type RequestDoc,
  type StateDoc,
} from "../shared/documents.ts";
import { ErrorName } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { withTarget } from "../shared/places.ts";
import type { Notice, Ports } from "../shared/ports.ts";
import { type Answer, DONE, RELIEVE_ME, runFields, slug, type Task } from "../shared/task.ts";
import { plain } from "../shared/text.ts";

const event = z.discriminatedUnion("action", [
  z.strictObject({
    ...runFields,
    cleanUp: z.string().min(1),
    action: z.literal("begin"),
    status: z.string().min(1),
  }),
  z.strictObject({ ...runFields, action: z.literal("look") }),
]);

/** Cleans up after a run that was ended from outside, so that no Catch of its own could lead it back. */
export const cleanUpTask: Task<z.infer<typeof event>> = {
  name: "clean-up",
  event,
  stoppedToo: true,
  async run(request, ports, evidence) {
    if (request.action === "begin") return await begin(request, ports, evidence);
    const came = await howFar(ports, evidence);
    return came === undefined ? RELIEVE_ME : { ...DONE, came };
  },
};

/** The last state before the end of every run. */
export const CLOSING_ENDS = "Tell everyone";

/** A run that entered this state has released everything; its report may have failed. */
const TELLING = Doc.stateEntered(slug(CLOSING_ENDS));

const HOW: Readonly<Record<string, string>> = {
  ABORTED: "was stopped from outside",
  TIMED_OUT: "ran out of time",
  FAILED: "was ended by Step Functions itself",
};

/**
 * Closes the run to all but this clean-up, takes over its lease, and notifies people. Also called for runs that ended in
 * a Fail state of their own. EventBridge may deliver an event twice: the first clean-up to note itself does the work.
 * Returns a failure in the form of a Catch, whether there is anything to do, and the run's plan.
 * @throws SluiceError RunLocked if another run now holds the database: it must not be disturbed
 */
async function begin(
  { run, cleanUp, status }: { run: string; cleanUp: string; status: string },
  ports: Ports,
  evidence: RunEvidence,
): Promise<Answer> {
  const message = `Its execution ${HOW[status] ?? "ended"} (${status}).`;
  const request = await evidence.read(Doc.request);
  const plan = request?.plan.checksum ?? "";
  const answer = (go: "clean up" | "nothing to do") => ({
    Error: ErrorName.Stopped,
    Cause: message,
    go,
    plan,
  });
  const now = ports.clock.now().toISOString();
  const told = (await evidence.read(TELLING)) !== undefined;
  const another = ((await evidence.read(Doc.stopped))?.cleanUp ?? cleanUp) !== cleanUp;
  if (told || another) return answer("nothing to do");
  if (await evidence.read(Doc.outcome)) {
    // The run had released everything, and was stopped before it sent its message.
    await notifyPeople(ports, evidence);
    await evidence.createOnce(docName<StateDoc>(TELLING), { state: CLOSING_ENDS, at: now });
    return answer("nothing to do");
  }
  // Checked before the clean-up is noted, so that a refused one can be started again after the other run has ended.
  if (request) await refuseOthersLease(ports, request.instance, run);
  const stopped = await evidence.createOnce(Doc.stopped, { at: now, status, cleanUp });
  if (stopped.cleanUp !== cleanUp) return answer("nothing to do");
  // A run that was never admitted holds no lease.
  if (request) await inheritLease(ports, request.instance, { run, execution: cleanUp, since: stopped.at });
  await evidence.createOnce(Doc.failure(new Date(stopped.at), "stopped"), {
    state: "The run",
    error: ErrorName.Stopped,
    message,
    at: stopped.at,
  });
  for (const audience of ["approvers", "escalation"] as const)
    await ports.notifier.send({ audience, ...notice(run, message, cleanUp, request) });
  return answer("clean up");
}

function notice(
  run: string,
  message: string,
  cleanUp: string,
  request: RequestDoc | undefined,
): Omit<Notice, "audience"> {
  const where = request ? ` on ${request.instance} (${plain(request.database)})` : ", which was not admitted";
  return {
    subject: `Sluice${request ? ` ${request.instance}` : ""}: run stopped; clean-up started`.slice(0, 99),
    text: [
      `Run ${plain(run)}${where}. ${message}`,
      "",
      "In about two minutes, when the run's last workers have ended, Sluice goes back from where the run stopped: it rolls back the migrations on production and proves production back. If the application was already let in, Sluice finishes the opening instead. Then it releases everything that the run holds, and sends a message with the end.",
      "",
      "You need not do anything. To prevent the clean-up, stop this execution. Then you must release everything by hand:",
      `  ${cleanUp}`,
      "",
      'See the operator runbook, "A run was stopped".',
      "",
    ].join("\n"),
  };
}

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
