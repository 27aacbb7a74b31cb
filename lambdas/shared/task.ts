import * as z from "zod";
import { type CalledState, linked } from "./chain.ts";
import { Doc, docName, type FailureDoc, type RequestDoc, type StateDoc } from "./documents.ts";
import { ErrorName, messageOf, nameMissingRight, nameTransient, SluiceError } from "./errors.ts";
import { evidenceOf, type RunEvidence } from "./evidence.ts";
import { GATE_KINDS, type GateTime, gateName, requireTime } from "./gates.ts";
import { stateInWords } from "./names.ts";
import type { CompiledPlan } from "./plan.ts";
import type { Environment, Ports } from "./ports.ts";
import { ofItsDatabase } from "./settings.ts";
import { VERSION } from "./version.ts";

/** What every event carries: which run this is, and its plan. */
export const runFields = {
  run: z.string().min(1),
  execution: z.string().min(1),
  /** When that execution was started, as Step Functions says; absent where another execution calls for the run. */
  started: z.string().min(1).optional(),
  /** Of the plan that it was admitted with; empty until it was. */
  planChecksum: z.union([z.literal(""), z.string().length(64)]),
  /** Name of the state, for evidence that people read. */
  state: z.string().min(1),
  /** The phase that it belongs to; absent in what an older deployment's machine sends. */
  phase: z.string().min(1).optional(),
  /** The migration that the state works on, where it works on one. */
  version: z.string().regex(VERSION).optional(),
  title: z.string().optional(),
  /** The gate that follows. How long it may be open is in the answer, as the machine waits for no longer. */
  asks: z.enum(GATE_KINDS).optional(),
  /** Of a loop in the machine: how long it may go on in all. */
  limitMinutes: z.number().positive().optional(),
  /** The execution that cleans up after this run, where it is that one that calls. */
  cleanUp: z.string().min(1).optional(),
};

type RunFields = z.infer<z.ZodObject<typeof runFields>>;

/** A capability of the state machine: an event, parsed, in; a small answer out; everything else goes to evidence. */
export interface Task<Event> {
  /** Folder of the capability; the construct, the handler and the local run find each other by it. */
  name: string;
  event: z.ZodType<Event>;
  /** True for what begins a clean-up. All else refuses to act for a run that was stopped, unless its clean-up calls. */
  stoppedToo?: true;
  run(event: Event, ports: Ports, evidence: RunEvidence): Promise<Answer>;
}

/** What a state may put into the machine's state: small, and no secret. */
export type Answer = Readonly<Record<string, string | number | boolean | null>>;

/** For loops in the machine: this worker had to leave, or waits for something; call again. */
export const RUNNING = { status: "running" } as const;
export const DONE = { status: "done" } as const;

/** As RUNNING, where the worker waited for as long as it could: the next is to come at once. */
export const RELIEVE_ME = { ...RUNNING, waitSeconds: 1 } as const;

/** Time that a worker keeps in hand to answer before it is ended, in milliseconds. */
const MARGIN_MS = 20_000;

/** True when a worker must not start anything more; `marginMs` is the time that it needs to answer. */
export function mustLeave(ports: Ports, marginMs = MARGIN_MS): boolean {
  return ports.clock.remaining() < marginMs;
}

// Causes travel through the machine's state, whose every input must stay small.
const LONGEST_CAUSE = 2_000;

/**
 * Parses the event, gets the run's own plan, runs the task, and keeps when it began and ended and what went wrong as
 * evidence.
 * @throws an Error whose name the state machine knows, with a message of at most 2,000 characters.
 */
export async function invoke<Event>(
  task: Task<Event>,
  raw: unknown,
  environment: Environment,
): Promise<Answer> {
  const parsed = task.event.safeParse(raw);
  if (!parsed.success)
    throw new SluiceError(
      ErrorName.RequestInvalid,
      `The event of ${task.name} is not as agreed: ${z.prettifyError(parsed.error)}`,
    );
  const fields = z.object(runFields).parse(raw);
  return await linked(environment, async (noted, note) =>
    invokeParsed(task, parsed.data, fields, await withPlan(noted, fields), (state) =>
      note(fields.run, state),
    ),
  );
}

async function invokeParsed<Event>(
  task: Task<Event>,
  event: Event,
  fields: RunFields,
  environment: Ports,
  note: (state: CalledState) => void,
): Promise<Answer> {
  const evidence = evidenceOf(environment.evidence, fields.run);
  const state = stateInWords(fields.state, fields.version);
  const called = aboutState(fields);
  const request = await evidence.read(Doc.request);
  // Not among what is kept as its failure: this evidence is not the run's to write to.
  refuseAnothersEvidence(fields, request);
  const ports = ofItsDatabase(environment, request);
  try {
    const stoppedAt = task.stoppedToo ? undefined : await refuseStopped(fields.cleanUp, evidence);
    const now = () => ports.clock.now().toISOString();
    const enteredAt = now();
    note({ ...called, enteredAt, doneAt: null });
    const entered = await enteredFirst(fields, { ...called, at: enteredAt }, evidence);
    if (fields.limitMinutes !== undefined)
      refuseTooLong(state, latest(entered.at, stoppedAt), fields.limitMinutes, ports.clock.now());
    const answer = await task.run(event, ports, evidence);
    if (answer.status === RUNNING.status) {
      await evidence.createOnce(Doc.stateEntered(slug(state)), entered);
      return { waitSeconds: waitSeconds(Date.parse(entered.at), ports.clock.now().getTime()), ...answer };
    }
    const gate = await gateAhead(fields, ports, evidence);
    note({ ...called, enteredAt, doneAt: now() });
    return { ...answer, ...gate };
  } catch (caught) {
    const error = nameMissingRight(nameTransient(caught));
    await keepFailure(evidence, state, error, ports.clock.now()).catch(() => undefined);
    throw shortened(error);
  }
}

async function gateAhead(
  { asks: kind, version }: RunFields,
  ports: Ports,
  evidence: RunEvidence,
): Promise<GateTime | undefined> {
  if (kind === undefined) return undefined;
  const { minutes } = ports.plan.gates[kind];
  return await requireTime({ gate: gateName(kind, version), kind, minutes }, ports, evidence);
}

function aboutState({ state, phase, version }: RunFields): Omit<StateDoc, "at"> {
  return {
    state: stateInWords(state, version),
    ...(phase === undefined ? {} : { phase }),
    ...(version === undefined ? {} : { version }),
  };
}

/**
 * When the state was entered, by its first worker. It is noted at once: a worker that is killed leaves no link, and a
 * clean-up must know whether the application may be in. Of a state that works on a migration the ledger tells; it is noted
 * where it goes on for longer than one worker.
 */
async function enteredFirst(
  { limitMinutes, version }: RunFields,
  now: StateDoc,
  evidence: RunEvidence,
): Promise<StateDoc> {
  const name = Doc.stateEntered(slug(now.state));
  if (version === undefined) return await evidence.createOnce(docName<StateDoc>(name), now);
  return (limitMinutes === undefined ? undefined : await evidence.read(docName<StateDoc>(name))) ?? now;
}

/**
 * The world with the run's plan in it. What is wrong with the plan is said when a task asks for it: giving back what a
 * run holds takes no plan.
 */
export async function withPlan(
  environment: Environment,
  fields: Pick<RunFields, "run" | "planChecksum">,
): Promise<Ports> {
  const plan = await planOf(environment, fields);
  // Not a copy: that would make ports that are not needed.
  return Object.create(environment, { plan: { enumerable: true, get: plan } });
}

async function planOf(
  { plans, evidence }: Environment,
  { run, planChecksum: checksum }: Pick<RunFields, "run" | "planChecksum">,
): Promise<() => CompiledPlan> {
  const refuse = (error: unknown) => (): never => {
    throw error;
  };
  if (checksum === "")
    return refuse(
      new SluiceError(ErrorName.PlanUnusable, "This run has no plan: it was not admitted with one."),
    );
  try {
    const plan = await plans.read(checksum);
    const found = plan.findRoles ? await evidenceOf(evidence, run).read(Doc.foundRoles) : undefined;
    const whole = found ? { ...plan, applicationRoles: found.roles } : plan;
    return () => whole;
  } catch (error) {
    return refuse(error);
  }
}

/**
 * @throws SluiceError RequestInvalid where the evidence is another run's: acted on, it would lead to what that run works
 * on, or pass that run's end for this one's.
 */
export function refuseAnothersEvidence(
  { run, execution, started }: { run: string; execution: string; started?: string | undefined },
  request: RequestDoc | undefined,
): void {
  if (!request) return;
  const again =
    started !== undefined &&
    request.executionStartedAt !== undefined &&
    started !== request.executionStartedAt;
  if (request.run === run && request.execution === execution && !again) return;
  throw new SluiceError(
    ErrorName.RequestInvalid,
    `The evidence of run ${run} is another run's: of ${request.run} (${request.execution}), started at ${request.startedAt}. ` +
      "Nothing was read from it and nothing written to it. Start this run under a name that no run had before.",
  );
}

/**
 * When the run was stopped, where its clean-up calls.
 * @throws SluiceError Stopped for a run that was stopped and then redriven: what it holds is being given back.
 */
async function refuseStopped(
  cleanUp: string | undefined,
  evidence: RunEvidence,
): Promise<string | undefined> {
  const stopped = await evidence.read(Doc.stopped);
  if (stopped && stopped.cleanUp !== cleanUp)
    throw new SluiceError(
      ErrorName.Stopped,
      `This run was stopped at ${stopped.at}, and ${stopped.cleanUp} cleans up after it. Start a new run.`,
    );
  return stopped?.at;
}

/** A clean-up has for each state as long as a run has, also where the run was in it already. */
function latest(entered: string, stoppedAt: string | undefined): string {
  return stoppedAt !== undefined && stoppedAt > entered ? stoppedAt : entered;
}

/**
 * How long the machine waits before it calls again: soon for what has just begun, and a minute for what takes long,
 * since a run may have 25,000 events in its history and each call makes about ten.
 */
export function waitSeconds(began: number, now: number): number {
  return Math.round(Math.min(60, Math.max(5, (now - began) / 10_000)));
}

function refuseTooLong(state: string, since: string, limitMinutes: number, now: Date): void {
  if (now.getTime() - Date.parse(since) <= limitMinutes * 60_000) return;
  throw new SluiceError(
    ErrorName.TookTooLong,
    `"${state}" began at ${since} and is not done after ${limitMinutes} minutes, which is as long as it may take.`,
  );
}

async function keepFailure(evidence: RunEvidence, state: string, error: unknown, at: Date): Promise<void> {
  const failure: FailureDoc = {
    state,
    error: error instanceof Error ? error.name : "Error",
    message: messageOf(error),
    at: at.toISOString(),
  };
  await evidence.createOnce(Doc.failure(at, slug(state)), failure);
}

/** A name for files made from words that people read. */
export function slug(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
}

function shortened(error: unknown): Error {
  const whole = error instanceof Error ? error : new Error(String(error));
  const short = new Error(whole.message.slice(0, LONGEST_CAUSE));
  short.name = whole.name;
  // A stack would travel through the machine's state with the cause; the evidence has what matters.
  short.stack = "";
  return short;
}
