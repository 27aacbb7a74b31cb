import * as z from "zod";
import { type CalledState, linked } from "./chain.ts";
import { Doc, docName, type FailureDoc, type RequestDoc, type StateDoc } from "./documents.ts";
import {
  AnsweredByWave,
  ErrorName,
  messageOf,
  nameMissingRight,
  nameTransient,
  SluiceError,
} from "./errors.ts";
import { evidenceOf, type RunEvidence } from "./evidence.ts";
import { GATE_KINDS, type GateTime, gateName, requireTime } from "./gates.ts";
import { stateInWords } from "./names.ts";
import type { CompiledPlan } from "./plan.ts";
import type { Environment, Ports } from "./ports.ts";
import { ofItsDatabase } from "./settings.ts";
import { VERSION } from "./version.ts";

/** Fields of every event: the run, its plan and the calling state. */
export const runFields = {
  run: z.string().min(1),
  execution: z.string().min(1),
  /** Start of that execution, from Step Functions; absent where another execution calls for the run. */
  started: z.string().min(1).optional(),
  /** Checksum of the run's plan; empty before admission. */
  planChecksum: z.union([z.literal(""), z.string().length(64)]),
  /** The state's name, for evidence that people read. */
  state: z.string().min(1),
  /** The state's phase; absent in events of an older deployment's machine. */
  phase: z.string().min(1).optional(),
  /** The migration that the state works on; absent where it works on none. */
  version: z.string().regex(VERSION).optional(),
  title: z.string().optional(),
  /** The gate that follows. The answer holds how long it may stay open, as the machine waits no longer than that. */
  asks: z.enum(GATE_KINDS).optional(),
  /** Time limit of a whole loop in the machine. */
  limitMinutes: z.number().positive().optional(),
  /** The execution that cleans up after this run; present where that execution calls. */
  cleanUp: z.string().min(1).optional(),
};

type RunFields = z.infer<z.ZodObject<typeof runFields>>;

/** A capability of the state machine. It takes a parsed event and returns a small answer; all else goes to the evidence. */
export interface Task<Event> {
  /** The capability's name. The construct, the handler and the local run use the same one. */
  name: string;
  event: z.ZodType<Event>;
  /** True for tasks that begin a clean-up. All other tasks refuse a stopped run, unless its clean-up calls. */
  stoppedToo?: true;
  run(event: Event, ports: Ports, evidence: RunEvidence): Promise<Answer>;
}

/** A task's answer, which goes into the machine's state: small, and without secrets. */
export type Answer = Readonly<Record<string, string | number | boolean | null>>;

/** For loops in the machine: this worker had to leave or is waiting; call again. */
export const RUNNING = { status: "running" } as const;
export const DONE = { status: "done" } as const;

/** As RUNNING, where the worker waited as long as it could: the next one must come at once. */
export const RELIEVE_ME = { ...RUNNING, waitSeconds: 1 } as const;

/** Time that a worker reserves to answer before Lambda ends it, in milliseconds. */
const MARGIN_MS = 20_000;

/** True when a worker must start nothing more. `marginMs` is the time that it needs to answer. */
export function mustLeave(ports: Ports, marginMs = MARGIN_MS): boolean {
  return ports.clock.remaining() < marginMs;
}

// Causes travel through the machine's state, which must stay small.
const LONGEST_CAUSE = 2_000;

/**
 * Parses the event, reads the run's plan and runs the task. The evidence receives its begin, its end and any failure.
 * @throws Error with a name from ErrorName where one fits, and a message of at most 2,000 characters.
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
      `The event of ${task.name} is not valid: ${z.prettifyError(parsed.error)}`,
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
  // Outside the try: its failure must not be written, as this evidence belongs to another run.
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
    if (!(error instanceof AnsweredByWave))
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
 * Returns when the state's first worker entered it. The time is noted at once: a killed worker leaves no link, and a
 * clean-up must find out whether the application may be in. For a state that works on a migration the ledger shows that,
 * so its time is noted only when it outlasts one worker.
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
 * Returns the environment with the run's plan. An unusable plan throws only when a task reads it, as releasing what a run
 * holds needs no plan.
 */
export async function withPlan(
  environment: Environment,
  fields: Pick<RunFields, "run" | "planChecksum">,
): Promise<Ports> {
  const plan = await planOf(environment, fields);
  // A prototype and a getter: copying would create ports that the task does not need.
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
      new SluiceError(ErrorName.PlanUnusable, "This run has no plan: it was admitted without one."),
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
 * @throws SluiceError RequestInvalid where the evidence belongs to another run. Using it would act on that run's
 * resources, or report that run's end as this one's.
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
    `The evidence of run ${run} belongs to another run: ${request.run} (${request.execution}), started at ${request.startedAt}. ` +
      "Nothing was read from it or written to it. Start this run under a name that no run had before.",
  );
}

/**
 * Returns when the run was stopped; undefined where it was not.
 * @throws SluiceError Stopped for a run that was stopped and then redriven: its clean-up is releasing what it holds.
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

/** A clean-up gets each state's full time limit, also where the run was already in that state. */
function latest(entered: string, stoppedAt: string | undefined): string {
  return stoppedAt !== undefined && stoppedAt > entered ? stoppedAt : entered;
}

/**
 * Returns the seconds that the machine waits before it calls again: five for work that has just begun, up to sixty for
 * long work. An execution's history holds at most 25,000 events, and each call makes about ten.
 */
export function waitSeconds(began: number, now: number): number {
  return Math.round(Math.min(60, Math.max(5, (now - began) / 10_000)));
}

function refuseTooLong(state: string, since: string, limitMinutes: number, now: Date): void {
  if (now.getTime() - Date.parse(since) <= limitMinutes * 60_000) return;
  throw new SluiceError(
    ErrorName.TookTooLong,
    `"${state}" began at ${since} and did not end within its time limit of ${limitMinutes} minutes.`,
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

/** Turns text for people into a file name. */
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
  // The stack would travel through the machine's state with the cause. The evidence has the facts that matter.
  short.stack = "";
  return short;
}
