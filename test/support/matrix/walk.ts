import { decide } from "../../../lambdas/gate/decide.ts";
import { gateAddress } from "../../../lambdas/gate/link.ts";
import { Doc, type OutcomeDoc } from "../../../lambdas/shared/documents.ts";
import { ErrorName, SluiceError } from "../../../lambdas/shared/errors.ts";
import { evidenceOf } from "../../../lambdas/shared/evidence.ts";
import { stateInWords } from "../../../lambdas/shared/names.ts";
import type { CompiledPlan } from "../../../lambdas/shared/plan.ts";
import type { ArchivedSnapshot, Notice, Environment as Surroundings } from "../../../lambdas/shared/ports.ts";
import type { Deployed, RunDatabase } from "../../../lambdas/shared/settings.ts";
import { settingsOf, settingsOfNone } from "../../../lambdas/shared/settings.ts";
import { invoke, type Task } from "../../../lambdas/shared/task.ts";
import { LocalCallbacks } from "../../../local/callbacks.ts";
import { type Definition, nameInWords } from "../../../local/definition.ts";
import { interpret } from "../../../local/interpreter.ts";
import type { EventLog } from "../../../local/interpreter-types.ts";
import { MemoryEvidence, plansOf } from "../ports.ts";
import { badArchive, badStatus } from "./bad-status.ts";
import { type Environment, PRODUCTION, type SavedEnvironment } from "./environment.ts";
import { type Fault, TIMEOUT } from "./faults.ts";

export const RUN = "a-walk";
export const EXECUTION = "arn:aws:states:eu-central-1:123456789012:execution:sluice:a-walk";
export const STARTED_AT = "2026-11-01T02:00:00.000Z";
/** Another instance of the deployment. */
export const ANOTHER = "another";
const GATE_URL = "https://gates.example.com";
/** The alarm whose actions were on; the other's were already off. */
export const ALARM = "orders-latency";
export const MUTED = "orders-muted";
/** A final snapshot is taken and copied away. */
export const BACKUP = { copyTo: { region: "eu-west-1" } };

/** How production is backed up in a walk: to a moment, except where the rehearsal needs the snapshot, and in some others. */
export function backupIn(
  rehearse: "before" | "inside",
  place: "first" | "middle" | "last" | undefined,
): typeof BACKUP | undefined {
  return rehearse === "inside" || place === "first" ? BACKUP : undefined;
}

/** The machine of a walk, and its tasks' settings. */
export interface Ground {
  definition: Definition;
  plan: CompiledPlan;
  rehearse: "before" | "inside";
  /** True: the final snapshot is taken and copied away; absent: production is backed up to a moment, where possible. */
  backup?: typeof BACKUP | undefined;
  /** True: restores are off. */
  restore?: false;
  /** Its input; by default one that names its database. */
  input?: object;
  /** Its execution; absent: the run's own. */
  execution?: string;
}

/** The point where a walk entered a state; other walks may continue from it. */
export interface Halt {
  /** The machine's name of the state. */
  state: string;
  input: unknown;
  evidence: MemoryEvidence;
  alarmsOn: ReadonlySet<string>;
  notices: readonly Notice[];
  environment: SavedEnvironment;
}

/** A state's call, with its answer or its fault. */
export interface Exchange {
  state: string;
  sent: Record<string, unknown>;
  answer?: unknown;
  error?: string;
  cause?: string;
}

export interface Walked {
  plan: CompiledPlan;
  /** Name of the end state. */
  end: string;
  /** Output of the end state. */
  cause: string;
  /** Every call of a Task state in order, by the state's name for people. */
  calls: string[];
  exchanges: Exchange[];
  halts: Map<string, Halt>;
  faults: readonly Fault[];
  evidence: MemoryEvidence;
  outcome: OutcomeDoc | undefined;
  notices: Notice[];
  alarmsOn: ReadonlySet<string>;
  environment: Environment;
  /** Inputs and outputs of all states, as text. */
  passed: string[];
  /** Task tokens and keys of links that were given out. */
  secrets: string[];
}

/**
 * Walks through the machine, from its start or from a halt, with the given faults and a Go at every gate.
 * @param halts true for states where other walks continue; called once for each
 */
export async function walk(
  ground: Ground,
  from: { environment: Environment } | Halt,
  faults: readonly Fault[],
  halts: (state: string) => boolean = () => false,
): Promise<Walked> {
  return await new Walk(ground, from, faults, halts).go();
}

class Walk {
  private readonly environment: Environment;
  private readonly evidence: MemoryEvidence;
  private readonly alarmsOn: Set<string>;
  private readonly notices: Notice[];
  private readonly callbacks = new LocalCallbacks();
  private readonly calls: string[] = [];
  private readonly exchanges: Exchange[] = [];
  private readonly halted = new Map<string, Halt>();
  private readonly passed: string[] = [];
  private readonly secrets: string[] = [];
  private readonly inputs = new Map<string, unknown>();
  /** Of each Parallel state that was entered: how all was before any of its branches acted. */
  private readonly beforeBranches = new Map<string, Promise<Halt>>();
  private readonly met = new Set<Fault>();
  private current = "";
  private cause = "";

  constructor(
    private readonly ground: Ground,
    private readonly from: { environment: Environment } | Halt,
    private readonly faults: readonly Fault[],
    private readonly halts: (state: string) => boolean,
  ) {
    const halt = "state" in from ? from : undefined;
    this.environment = typeof from.environment === "function" ? from.environment() : from.environment;
    this.evidence = halt?.evidence.copy() ?? new MemoryEvidence();
    this.alarmsOn = new Set(halt?.alarmsOn ?? [ALARM]);
    this.notices = [...(halt?.notices ?? [])];
  }

  async go(): Promise<Walked> {
    const halt = "state" in this.from ? this.from : undefined;
    const ports = this.ports();
    const end = await interpret({
      definition: this.ground.definition,
      input: (halt?.input ??
        this.ground.input ?? { startedBy: "the starter", database: PRODUCTION }) as Record<string, unknown>,
      run: RUN,
      execution: this.ground.execution ?? EXECUTION,
      retryPauseMs: 0,
      waitMs: 0,
      ...(halt ? { startAt: halt.state } : {}),
      // A walk that continues from a halt is the same execution, but the interpreter gives each its own start time.
      task: (state, event) =>
        this.exchange(state, "started" in event ? { ...event, started: STARTED_AT } : event, ports),
      onEvent: (event) => this.see(event),
    });
    for (const [state, found] of this.halted)
      found.input = this.inputs.get(this.beforeBranches.has(found.state) ? found.state : state);
    return {
      plan: this.ground.plan,
      end,
      cause: this.cause,
      calls: this.calls,
      exchanges: this.exchanges,
      halts: this.halted,
      faults: this.faults,
      evidence: this.evidence,
      outcome: await evidenceOf(this.evidence, RUN).read(Doc.outcome),
      notices: this.notices,
      alarmsOn: this.alarmsOn,
      environment: this.environment,
      passed: this.passed,
      secrets: this.secrets,
    };
  }

  private see({ type, state }: EventLog): void {
    if (!state) return;
    const name = nameInWords(this.ground.definition, state.name, state.input);
    if (type === "StateEntered" && !this.inputs.has(name)) this.inputs.set(name, state.input);
    if (state.type === "Fail" && type === "StateEntered") this.cause = this.causeOf(state.name, state.input);
    this.passed.push(JSON.stringify(state));
  }

  /** Returns the cause from the path in the definition; empty if the path has no value. */
  private causeOf(name: string, input: unknown): string {
    const { CausePath } = this.ground.definition.states.get(name) as { CausePath?: string };
    const found = CausePath?.split(".")
      .slice(1)
      .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], input);
    return String(found ?? "");
  }

  private async exchange(
    state: string,
    sent: Record<string, unknown>,
    ports: Surroundings,
  ): Promise<unknown> {
    try {
      const answer = await this.task(state, sent, ports);
      this.exchanges.push({ state, sent, answer });
      return answer;
    } catch (error) {
      const { name, message } = error as Error;
      this.exchanges.push({ state, sent, error: name, cause: message });
      throw error;
    }
  }

  private async task(name: string, event: Record<string, unknown>, ports: Surroundings): Promise<unknown> {
    const state = stateInWords(String(event.state), event.version as string | undefined);
    this.current = state;
    await this.haltIfWanted(name, state);
    this.calls.push(state);
    const capability = this.ground.definition.capabilities.get(name);
    if (!capability) throw new Error(`State "${state}" calls nothing`);
    const token = event.token === undefined ? undefined : String(event.token);
    if (token !== undefined) this.secrets.push(token);
    const answered = token === undefined ? undefined : this.callbacks.wait(token);
    const fault = this.faultAt(state);
    if (fault?.kind === "error" && fault.error === TIMEOUT) {
      if (fault.when === "after") await invoke(this.environment.tasks[capability], event, ports);
      throw timeout(token !== undefined);
    }
    const seen =
      fault?.kind === "status"
        ? { ...ports, instances: badStatus(ports.instances), archive: badArchive(ports.archive) }
        : ports;
    const answer = await invoke(withFault(this.environment.tasks[capability], fault), event, seen);
    if (fault?.kind === "silence") throw timeout(true);
    return answered ? await answered : answer;
  }

  private faultAt(state: string): Fault | undefined {
    const fault = this.faults.find((candidate) => candidate.state === state);
    if (!fault || (fault.kind === "error" && fault.tries === "first" && this.met.has(fault)))
      return undefined;
    this.met.add(fault);
    return fault;
  }

  /**
   * A walk cannot continue within a branch. From a state there, walks continue where all branches begin, so no branch may
   * act before everything is saved.
   */
  private async haltIfWanted(name: string, state: string): Promise<void> {
    const { states, capabilities } = this.ground.definition;
    const wanted = (one: string) => this.halts(one) && !this.halted.has(one);
    const parallel = states.get(name)?.within;
    if (parallel === undefined) {
      if (wanted(state)) this.halted.set(state, await this.halt(name));
      return;
    }
    const beside = [...capabilities.keys()].filter((one) => states.get(one)?.within === parallel);
    if (!beside.some((one) => this.halts(one))) return;
    const saved = this.beforeBranches.get(parallel) ?? this.halt(parallel);
    this.beforeBranches.set(parallel, saved);
    const halt = await saved;
    for (const one of beside.filter(wanted)) this.halted.set(one, halt);
  }

  private async halt(state: string): Promise<Halt> {
    return {
      state,
      input: undefined,
      evidence: this.evidence.copy(),
      alarmsOn: new Set(this.alarmsOn),
      notices: [...this.notices],
      environment: await this.environment.save(),
    };
  }

  private ports(): Surroundings {
    const { plan, rehearse, restore, backup } = this.ground;
    const { environment, evidence, alarmsOn, callbacks } = this;
    const own: RunDatabase = {
      label: PRODUCTION,
      instance: PRODUCTION,
      database: "postgres",
      applicationRoles: [],
      applicationUrl: "https://application.example.com",
      alarms: [ALARM, MUTED],
    };
    const deployed: Deployed = {
      // The input names a database; using one before or without that is refused.
      databases: [{ ...own, label: ANOTHER, instance: ANOTHER }, own],
      fence: "connect",
      rehearse,
      ...(restore === undefined ? {} : { restore }),
      ...backup,
      retentionDays: 365,
      gateUrl: GATE_URL,
      separateApprover: true,
      contacts: [],
      lockTimeoutMs: 2_000,
      lockTries: 3,
      concurrentWaitMs: 60_000,
    };
    const unbound = (): never => {
      throw new Error("The run is bound to no database");
    };
    const ports: Surroundings = {
      plans: plansOf(() => plan),
      settings: settingsOfNone(deployed),
      choice: {
        list: deployed.databases,
        settingsOf: (database) => settingsOf(deployed, database),
        of: (settings) => ({
          settings,
          databases: environment.databases,
          metrics: { publish: () => undefined },
        }),
      },
      evidence,
      instances: environment.instances,
      archive: { start: async (snapshot) => [copying(snapshot)] },
      databases: { single: environment.databases.single, withSession: unbound },
      http: environment.http,
      notifier: { send: (notice) => this.hear(notice, ports) },
      announcer: { announce: async () => undefined },
      callbacks,
      alarms: {
        known: async (names) => [...names],
        enabled: async (names) => names.filter((name) => alarmsOn.has(name)),
        disable: async (names) => names.forEach((name) => void alarmsOn.delete(name)),
        enable: async (names) => names.forEach((name) => void alarmsOn.add(name)),
      },
      executions: { isRunning: async () => false },
      metrics: { publish: unbound },
      schedules: { startWatch: async () => false },
      clock: { now: () => new Date(), remaining: () => Number.POSITIVE_INFINITY },
      worker: "a walk's",
      progress: () => undefined,
    };
    return ports;
  }

  /** Plays people: reads every message, and answers gates at once. */
  private async hear(notice: Notice, ports: Surroundings): Promise<void> {
    this.notices.push(notice);
    const link = notice.text.split("\n").find((line) => line.startsWith(`${GATE_URL}/`));
    if (link === undefined) return;
    const { pathname, searchParams } = new URL(link);
    this.secrets.push(searchParams.get("key") ?? "");
    const address = gateAddress(pathname);
    if (!address) return;
    const { kind } = this.faults.find(({ state }) => state === this.current) ?? {};
    if (kind === "silence") return;
    await decide(ports, {
      ...address,
      decision: kind === "no" ? "NoGo" : "Go",
      by: "an approver",
      comment: kind === "no" ? "the walk wants it" : "",
      from: "prompt",
      ticked: [],
    });
  }
}

const copying = (id: string): ArchivedSnapshot => ({
  kind: "copy",
  where: `Region ${BACKUP.copyTo.region}`,
  id,
  status: "pending",
  statusText: "creating",
});

function withFault<Event>(task: Task<Event>, fault: Fault | undefined): Task<Event> {
  if (fault?.kind !== "error") return task;
  const { error, when } = fault;
  const run: typeof task.run = async (...given) => {
    if (when === "after") {
      const answer = await task.run(...given);
      // Not done yet: the machine calls it again, and it fails then.
      if (answer.status === "running") return answer;
    }
    throw thrown(error, fault.state);
  };
  return { ...task, run };
}

function thrown(error: string, state: string): Error {
  const message = `${state} fails, as the walk wants it`;
  if (error in ErrorName) return new SluiceError(error as ErrorName, message);
  return Object.assign(new Error(message), { name: error });
}

/** @param callback the interpreter takes any error but its own for one that States.TaskFailed names */
function timeout(callback: boolean): Error {
  return Object.assign(new Error("it did not answer in time"), {
    name: TIMEOUT,
    ...(callback ? { isRetryable: false } : {}),
  });
}
