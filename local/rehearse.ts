import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { resolve } from "node:path";
import { buildReport } from "../lambdas/report/build.ts";
import { REPORT_DOCUMENT, type Report } from "../lambdas/report/schema.ts";
import { FetchHttp } from "../lambdas/shared/aws/fetch-http.ts";
import { Doc, END_NAMES, type End } from "../lambdas/shared/documents.ts";
import { ErrorName, SluiceError } from "../lambdas/shared/errors.ts";
import { evidenceOf } from "../lambdas/shared/evidence.ts";
import { isForPeopleAlone } from "../lambdas/shared/gates.ts";
import { stateInWords } from "../lambdas/shared/names.ts";
import { documentOf, StoredPlans, storePlan } from "../lambdas/shared/plan-document.ts";
import type { EvidenceStore, Environment as Surroundings } from "../lambdas/shared/ports.ts";
import { invoke } from "../lambdas/shared/task.ts";
import { type LoadedPlan, loadPlan } from "../lib/plan/compile.ts";
import { LocalCallbacks } from "./callbacks.ts";
import { type Definition, nameInWords, phasesShown } from "./definition.ts";
import { broken, refuseUnknownStates } from "./drill.ts";
import { type Environment, embeddedEnvironment, serverEnvironment } from "./environments.ts";
import { EventQueue } from "./event-queue.ts";
import {
  type LocalEnd,
  type LocalRun,
  type Rehearse,
  type RehearseOptions,
  type RunEvent,
  UNDISTURBED,
  UsageError,
} from "./events.ts";
import { folderOfRun, makeOwnFolder, type TakenFolder, takeFolder } from "./evidence-folder.ts";
import { fileEvidence } from "./file-evidence.ts";
import { openedGate } from "./gate.ts";
import { startGateServer } from "./gate-server.ts";
import { interpret } from "./interpreter.ts";
import type { EventLog } from "./interpreter-types.ts";
import { definitionFor } from "./run-definition.ts";
import { addressIn } from "./server/address.ts";
import { refuseUnfit } from "./server/fit.ts";
import { StandInHttp } from "./stand-in-http.ts";
import { TASKS } from "./tasks.ts";

/** Capabilities that run the plan's own SQL in a way that may write. */
const WRITES: ReadonlySet<string> = new Set(["migrate", "rollback", "validate", "benchmark", "opening"]);

/** What a run shares with the rollout that it belongs to. */
export interface OfRollout {
  /** Beside who started it: what the rollout gives the run's execution. */
  input: Readonly<Record<string, unknown>>;
  execution: string;
  /** What the rollout calls the run's instance: that of a copy, where a copy is migrated. */
  instance: string;
  /** The run's own evidence, with that of the rollout beside it. */
  beside(own: EvidenceStore): EvidenceStore;
  callbacks: LocalCallbacks;
  isRunning(execution: string): boolean;
}

/** Starts a local run: the synthesized definition, the real tasks, and databases at hand. */
export const rehearse: Rehearse = async (options) => {
  const { databaseUrl, apply } = options;
  if (apply && databaseUrl === undefined) throw new UsageError("--apply needs a --database-url.");
  const run = `rehearsal-${new Date().toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "-")}-${randomBytes(3).toString("hex")}`;
  // A server's leases are there, too.
  if (options.out === undefined || databaseUrl !== undefined) await makeOwnFolder();
  // First of all: two runs in one folder would act on each other's evidence.
  const folder = await takeFolder(options.out === undefined ? folderOfRun(run) : resolve(options.out), run);
  try {
    const loaded = await loadPlan(options.plan);
    // Before slow work: most mistakes are in how the database is reached.
    if (databaseUrl !== undefined) await refuseUnfit(addressIn(databaseUrl), apply, options.copy);
    const definition = await definitionFor(loaded.plan, options.rehearse);
    refuseUnknownStates(options.fail ?? [], definition, loaded.plan);
    return startRun(options, loaded, definition, run, folder);
  } catch (error) {
    await folder.giveBack();
    throw error;
  }
};

/** Starts a run of a plan that is loaded already, in a folder of its own. */
export function startRun(
  options: RehearseOptions,
  loaded: LoadedPlan,
  definition: Definition,
  run: string,
  folder: TakenFolder,
  rollout?: OfRollout,
): LocalRun {
  return new Run(options, loaded, definition, run, folder, rollout).start();
}

class Run {
  private readonly events = new EventQueue<RunEvent>();
  private readonly callbacks: LocalCallbacks;
  private readonly phaseOf: ReadonlyMap<string, string>;
  /** States that still have to fail. */
  private readonly toFail: Set<string>;
  private readonly folder: string;
  private stopping = false;
  /** Closes the open gate with a No-Go. */
  private refuseGate: () => void = () => undefined;
  private serverIsChanged = false;
  /** Keyed by state: states may run at the same time. A state's next event shows whether it is tried again. */
  private readonly failures = new Map<string, Extract<RunEvent, { type: "failed" }>>();

  constructor(
    private readonly options: RehearseOptions,
    private readonly loaded: LoadedPlan,
    private readonly definition: Definition,
    private readonly run: string,
    private readonly taken: TakenFolder,
    private readonly rollout?: OfRollout,
  ) {
    this.folder = taken.path;
    this.callbacks = rollout?.callbacks ?? new LocalCallbacks();
    this.toFail = new Set(options.fail);
    this.phaseOf = new Map(
      definition.phases.flatMap(({ phase, within, states }) =>
        states.map((state) => [state, within ?? phase] as const),
      ),
    );
  }

  start(): LocalRun {
    const { run, events } = this;
    return { run, events, stop: () => this.stop(), end: this.go() };
  }

  private stop(): void {
    this.stopping = true;
    this.refuseGate();
  }

  private async go(): Promise<LocalEnd> {
    this.events.push({
      type: "started",
      run: this.run,
      plan: this.loaded.plan.title,
      phases: phasesShown(this.definition, this.loaded.plan),
      evidence: this.folder,
    });
    try {
      const end = await this.inEnvironment();
      this.events.push({ type: "ended", end });
      return end;
    } catch (error) {
      await this.taken.giveBack();
      throw error;
    } finally {
      this.events.end();
    }
  }

  private async inEnvironment(): Promise<LocalEnd> {
    const { databaseUrl } = this.options;
    const environment =
      databaseUrl === undefined
        ? await embeddedEnvironment(this.loaded, this.rollout?.instance)
        : await serverEnvironment(
            { ...this.options, databaseUrl },
            this.run,
            this.loaded,
            this.rollout?.instance,
          );
    let left: string[] = [];
    let reached: { end: End; cause: string; report: Report };
    try {
      reached = await this.withGates(environment);
    } finally {
      left = await environment.close();
    }
    const outcome = await evidenceOf(fileEvidence(this.folder), this.run).read(Doc.outcome);
    return {
      ...reached,
      evidence: this.folder,
      leftBehind: [...(outcome?.leftBehind ?? []), ...left],
      neverReached: [...this.toFail],
    };
  }

  private async withGates(environment: Environment): Promise<{ end: End; cause: string; report: Report }> {
    let ports: Surroundings | undefined;
    const server = await startGateServer(() => ports as Surroundings);
    try {
      ports = this.ports(environment, server.url);
      const { plan } = this.loaded;
      await storePlan(ports.evidence, documentOf(plan), plan.checksum);
      const name = await this.interpret(ports, environment);
      const evidence = evidenceOf(ports.evidence, this.run);
      const outcome = await evidence.read(Doc.outcome);
      const end = END_NAMES.find((candidate) => candidate === name);
      if (!end) throw new Error(`The run ended as ${name}, which is no end of a run`);
      const report = (await evidence.read(REPORT_DOCUMENT)) ?? (await buildReport(evidence));
      return { end, cause: outcome?.cause ?? "", report };
    } finally {
      await server.close();
    }
  }

  /** The parser does not see everything, such as a statement that a DO puts together. So the effects are checked, too. */
  private async refuseServerChanges(environment: Environment, state: string): Promise<void> {
    const changed = this.serverIsChanged ? [] : ((await environment.changedServer?.()) ?? []);
    if (changed.length === 0) return;
    // Reported once: the ways back must continue.
    this.serverIsChanged = true;
    throw new SluiceError(
      ErrorName.StepFailed,
      `"${state}" changed the real server: ${changed.slice(0, 10).join("; ")}. With --database-url the copies are on it, so a plan must not change roles, databases or parameters there. Remove that from the plan, and bring the server back by hand.`,
    );
  }

  private async interpret(ports: Surroundings, environment: Environment): Promise<string> {
    const answered = (event: Record<string, unknown>) => this.callbacks.wait(String(event.token));
    return await interpret({
      definition: this.definition,
      input: { startedBy: this.options.startedBy, ...this.rollout?.input },
      run: this.run,
      execution: this.rollout?.execution ?? `local:${process.pid}:${this.run}`,
      task: async (name, event) => {
        const state = stateInWords(String(event.state), event.version as string | undefined);
        const phase = this.phaseOf.get(name) ?? "";
        // A run that is being stopped completes its ways back, and an opening that it has begun.
        if (this.stopping && !UNDISTURBED.has(phase))
          throw new SluiceError(ErrorName.Stopped, "The run was stopped at its terminal.");
        const capability = this.definition.capabilities.get(name);
        if (!capability) throw new Error(`State "${state}" calls nothing`);
        const waits = event.token === undefined ? undefined : answered(event);
        for (const known of [state, name]) this.toFail.delete(known);
        const task = TASKS[capability];
        const fails = this.options.fail?.some((given) => given === state || given === name);
        const answer = await invoke(fails ? broken(task, state) : task, event, this.telling(ports, state));
        if (WRITES.has(capability)) await this.refuseServerChanges(environment, state);
        return waits ? await waits : answer;
      },
      onEvent: (event) => this.report(event),
    });
  }

  private report({ type, timestamp, state, Error: error, Cause: cause }: EventLog): void {
    if (state?.type !== "Task") return;
    const about = {
      state: nameInWords(this.definition, state.name, state.input),
      phase: this.phaseOf.get(state.name) ?? "",
      at: new Date(timestamp),
    };
    const failure = this.failures.get(about.state);
    this.failures.delete(about.state);
    if (failure) this.events.push({ ...failure, willRetry: type === "StateRetried" });
    if (type === "StateEntered") this.events.push({ type: "entered", ...about });
    if (type === "StateExited") this.events.push({ type: "left", ...about });
    if (type === "StateFailed")
      this.failures.set(about.state, {
        type: "failed",
        ...about,
        error: error ?? "Error",
        message: String(cause ?? ""),
        willRetry: false,
      });
  }

  /** Returns ports that report a worker's progress under its state. */
  private telling(ports: Surroundings, state: string): Surroundings {
    const progress = (line: string) => this.events.push({ type: "progress", state, line });
    // A copy would create ports that are not needed.
    return Object.create(ports, { progress: { enumerable: true, value: progress } });
  }

  private ports(environment: Environment, gateUrl: string): Surroundings {
    const own = fileEvidence(this.folder, environment.leases);
    const evidence = this.rollout?.beside(own) ?? own;
    const ports: Surroundings = {
      settings: {
        label: environment.instance,
        instance: environment.instance,
        database: environment.database,
        applicationRoles: [],
        ...(environment.applicationUrl === undefined ? {} : { applicationUrl: environment.applicationUrl }),
        fence: this.options.fence,
        rehearse: this.options.rehearse,
        ...(this.definition.phases.some(({ phase }) => phase === "Restore")
          ? {}
          : { restore: false as const }),
        alarms: [],
        retentionDays: 365,
        gateUrl,
        // At a laptop there is only one person.
        separateApprover: false,
        nameAtEveryGate: this.options.apply,
        ...(environment.copyOf === undefined ? {} : { copyOf: environment.copyOf }),
        ...(environment.copies === undefined ? {} : { copies: environment.copies }),
        contacts: [],
        lockTimeoutMs: 2_000,
        lockTries: 30,
        concurrentWaitMs: 600_000,
      },
      evidence,
      plans: new StoredPlans(evidence, () => this.loaded.plan.checksum),
      instances: environment.instances,
      // There is no second Region and no bucket.
      archive: { start: async () => [] },
      databases: environment.databases,
      notifier: {
        send: async (notice) => {
          const gate = await openedGate(notice, ports, this.run, this.options.apply);
          if (!gate) return;
          if (!isForPeopleAlone(gate.doc))
            this.refuseGate = () =>
              void gate.decide("NoGo", this.options.startedBy, "The run was stopped at its terminal");
          void gate.closed.then(() => {
            this.refuseGate = () => undefined;
          });
          this.events.push({ type: "gate", gate });
          if (this.stopping) this.refuseGate();
        },
      },
      // There is no EventBridge, and nothing listens.
      announcer: { announce: async () => undefined },
      callbacks: this.callbacks,
      // There is no CloudWatch, and no alarm is set.
      alarms: {
        known: async (names) => [...names],
        enabled: async () => [],
        disable: async () => undefined,
        enable: async () => undefined,
      },
      executions: { isRunning: async (execution) => (this.rollout?.isRunning ?? isAlive)(execution) },
      // The report shows the reading; nobody is there to take more when this process has ended.
      metrics: { publish: () => undefined },
      schedules: { startWatch: async () => false },
      http: this.options.apply
        ? new FetchHttp()
        : new StandInHttp(new FetchHttp(), environment.applicationUrl),
      clock: { now: () => new Date(), remaining: () => Number.POSITIVE_INFINITY },
      worker: `${hostname()}:${process.pid}`,
      // Each worker gets its own, which names its state.
      progress: () => undefined,
    };
    return ports;
  }
}

/** Whether the process of a local execution is there. */
export function isAlive(execution: string): boolean {
  const pid = Number(execution.split(":")[1]);
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It belongs to another user: it is alive, but may not be signalled.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
