import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { runRollout } from "../../lambdas/rollout/task.ts";
import { Doc } from "../../lambdas/shared/documents.ts";
import { ANSWERED_BY_WAVE, messageOf } from "../../lambdas/shared/errors.ts";
import { evidenceOf } from "../../lambdas/shared/evidence.ts";
import { documentOf, storePlan } from "../../lambdas/shared/plan-document.ts";
import type { Environment, Notice } from "../../lambdas/shared/ports.ts";
import { type Item, RolloutDocs } from "../../lambdas/shared/rollout-documents.ts";
import type { RunDatabase } from "../../lambdas/shared/settings.ts";
import { fullName } from "../../lambdas/shared/settings.ts";
import { type LoadedPlan, loadPlan } from "../../lib/plan/compile.ts";
import { LocalCallbacks } from "../callbacks.ts";
import { type Definition, definitionOf } from "../definition.ts";
import { refuseUnknownStates } from "../drill.ts";
import { EventQueue } from "../event-queue.ts";
import type { LocalEnd, LocalRun, RehearseOptions } from "../events.ts";
import { makeOwnFolder, OWN_FOLDER, takeFolder } from "../evidence-folder.ts";
import { openedGate } from "../gate.ts";
import { startGateServer } from "../gate-server.ts";
import { interpret } from "../interpreter.ts";
import { isAlive, startRun } from "../rehearse.ts";
import { templateFor } from "../run-definition.ts";
import { databaseOf, type RolloutDatabase } from "./databases.ts";
import { endNamed, pageIn, rowsOf } from "./end.ts";
import type { LocalRollout, RolloutEnd, RolloutEvent, RolloutOptions } from "./events.ts";
import { evidenceBeside, folderIn } from "./evidence.ts";
import { refuseUnfitDatabases } from "./fit.ts";
import { noteBrokenOff, noteKilled } from "./killed.ts";
import { runLine } from "./lines.ts";
import { rolloutWorld } from "./world.ts";

const WAIT_MS = 200;

/**
 * Starts a rollout on this machine: the synthesized definition of the rollout, and for each of its databases that of a
 * run, all in this process.
 * @throws UsageError or PlanErrors for what is wrong from the start
 */
export async function rollOut(options: RolloutOptions): Promise<LocalRollout> {
  const name = options.name ?? `rollout-${stamp()}-${randomBytes(3).toString("hex")}`;
  await makeOwnFolder();
  const loaded = await loadPlan(options.plan);
  await refuseUnfitDatabases(options);
  const template = await templateFor(loaded.plan, options.rehearse);
  const definition = definitionOf(template, "rollout");
  const ofRun = definitionOf(template);
  for (const states of options.fail?.values() ?? []) refuseUnknownStates(states, ofRun, loaded.plan);
  return new Rollout(name, options, loaded, definition, ofRun).start();
}

function stamp(): string {
  return new Date().toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "-");
}

/** A run that is under way. */
interface UnderWay {
  run: LocalRun;
  database: RolloutDatabase;
}

class Rollout {
  private readonly events = new EventQueue<RolloutEvent>();
  private readonly callbacks = new LocalCallbacks();
  private readonly underWay = new Map<string, UnderWay>();
  private readonly left: string[] = [];
  /** By the names that the rollout's list has. */
  private readonly byName: ReadonlyMap<string, RolloutDatabase>;
  private readonly root: string;
  private readonly execution: string;
  private environment: Environment | undefined;
  private stopping = false;
  /** Why the rollout ended otherwise than well, as its Fail state shows it. */
  private cause = "";
  /** Closes the gate that is open now with a No-Go. */
  private refuseGate: () => void = () => undefined;

  constructor(
    private readonly name: string,
    private readonly options: RolloutOptions,
    private readonly loaded: LoadedPlan,
    private readonly definition: Definition,
    private readonly ofRun: Definition,
  ) {
    this.root = resolve(options.out ?? OWN_FOLDER);
    this.byName = new Map(options.databases.map((one) => [fullName(this.nameOf(one)), one]));
    // Each start is an execution of its own, as on AWS.
    this.execution = `local:${process.pid}:execution:rollout:${name}-${randomBytes(3).toString("hex")}`;
  }

  start(): LocalRollout {
    return { run: this.name, events: this.events, stop: () => this.stop(), end: this.go() };
  }

  private stop(): void {
    this.stopping = true;
    this.refuseGate();
    for (const { run } of this.underWay.values()) run.stop();
  }

  private async go(): Promise<RolloutEnd> {
    const server = await startGateServer(() => this.environment as Environment);
    try {
      this.environment = this.worldAt(server.url);
      const { plan } = this.loaded;
      await storePlan(this.environment.evidence, documentOf(plan), plan.checksum);
      const evidence = folderIn(this.root, this.name);
      this.say(`Rollout ${this.name}: ${plan.title}`);
      this.say(`Evidence: ${evidence}`);
      for (const line of await noteKilled(this.environment, this.name, this.options.apply)) this.say(line);
      const end = endNamed(await this.interpret(this.environment));
      const page = pageIn(evidence);
      return {
        name: this.name,
        end,
        cause: this.cause,
        rows: await rowsOf(this.environment.evidence, this.name, (one) => this.byName.get(one)?.label ?? one),
        ...(page === undefined ? {} : { page }),
        evidence,
        leftBehind: this.left,
      };
    } finally {
      await server.close();
      this.events.end();
    }
  }

  private async interpret(environment: Environment): Promise<string> {
    const { databases, waves, atATime, tolerated, startedBy } = this.options;
    return await interpret({
      definition: this.definition,
      input: {
        name: this.name,
        startedBy,
        databases: databases.map((one) => fullName(this.nameOf(one))),
        waves,
        atATime,
        tolerated,
      },
      run: this.name,
      execution: this.execution,
      readList: async ({ Key }) => (await environment.evidence.read(String(Key))) ?? "[]",
      task: async (_, event) => {
        if (typeof event.StateMachineArn === "string") return await this.startExecution(event);
        if (this.stopping && event.action === "begin") return await this.leave(event, environment);
        // No further wave: the page is written, and a later start continues.
        if (this.stopping && event.action === "next") return { next: "done", number: 0, held: "no" };
        const answer = event.token === undefined ? undefined : this.callbacks.wait(String(event.token));
        const done = await runRollout(this.localEvent(event), environment);
        return answer ? await answer : done;
      },
      // Waits look at the evidence of all runs of a wave.
      waitMs: WAIT_MS,
      onEvent: ({ type, state }) => {
        if (type === "StateEntered" && state?.type === "Fail") this.cause = causeIn(state.input);
      },
    });
  }

  /** Notes that this database has no run in this wave, as where too many of the wave have failed. */
  private async leave(event: Record<string, unknown>, environment: Environment): Promise<unknown> {
    const { wave, item } = event as { wave: number; item: Item };
    const evidence = evidenceOf(environment.evidence, this.name);
    await evidence.createOnce(RolloutDocs.left(wave, item.index), {
      at: environment.clock.now().toISOString(),
    });
    return { start: "no", name: "", input: "{}", status: "done" };
  }

  /** A local state machine has no ARN. Runs are executions of this process. */
  private localEvent(event: Record<string, unknown>): Record<string, unknown> {
    return "runs" in event ? { ...event, runs: `local:${process.pid}:stateMachine:run` } : event;
  }

  /** As `startExecution.sync:2`: resolves when the run has succeeded, and rejects where it ended otherwise. */
  private async startExecution({ Name, Input }: Record<string, unknown>): Promise<unknown> {
    const run = String(Name);
    const execution = `local:${process.pid}:execution:run:${run}`;
    const input = JSON.parse(String(Input)) as Record<string, unknown>;
    const database = this.byName.get(String(input.database));
    if (!database)
      throw new Error(`Run ${run} is of ${input.database}, which is no database of this rollout`);
    const path = folderIn(this.root, run);
    // A process that was killed before the run was admitted left nothing of it that anybody needs.
    if (!existsSync(join(path, `${Doc.request}.json`))) await rm(path, { recursive: true, force: true });
    const folder = await takeFolder(path, run);
    const local = startRun(this.runOptions(database), this.loaded, this.ofRun, run, folder, {
      input,
      execution,
      instance: this.nameOf(database).instance,
      beside: (store) => evidenceBeside(this.root, { run, store }),
      callbacks: this.callbacks,
      isRunning: (one) => this.isRunning(one),
    });
    this.underWay.set(execution, { run: local, database });
    if (this.stopping) local.stop();
    try {
      const end = await this.follow(local, database);
      if (end.end === "Succeeded") return { ExecutionArn: execution, Name: run, Status: "SUCCEEDED" };
      throw failedExecution({ ExecutionArn: execution, Name: run, Error: end.end, Cause: end.cause });
    } catch (error) {
      // Such as a database that is in use and cannot be copied. Without an end the rollout would wait for one.
      const why = messageOf(error);
      const end = await noteBrokenOff(this.environment as Environment, run, this.options.apply, why);
      if (end) this.say(`${database.label}: ${end}. ${why}`);
      throw error;
    } finally {
      this.underWay.delete(execution);
    }
  }

  private async follow(run: LocalRun, database: RolloutDatabase): Promise<LocalEnd> {
    const { label } = database;
    this.say(`${label}: started`);
    for await (const event of run.events) {
      if (event.type === "gate") {
        this.say(`${label}: gate ${event.gate.doc.gate} of its own run asks`);
        this.events.push(event);
      }
      if (event.type === "failed" && !event.willRetry && event.error !== ANSWERED_BY_WAVE)
        this.say(`${label}: ${event.state} failed: ${event.message || event.error}`);
    }
    const end = await run.end;
    this.left.push(...end.leftBehind.map((line) => `${label}: ${line}`));
    this.say(runLine(label, end));
    return end;
  }

  private runOptions({ label, url }: RolloutDatabase): RehearseOptions {
    const { plan, rehearse, fence, apply, copy, startedBy, fail } = this.options;
    const broken = fail?.get(label);
    return {
      plan,
      rehearse,
      fence,
      apply,
      startedBy,
      ...(copy === undefined ? {} : { copy }),
      ...(url === undefined ? {} : { databaseUrl: url }),
      ...(broken === undefined ? {} : { fail: broken }),
    };
  }

  /** What ended in this process is over, though the process is there. */
  private isRunning(execution: string): boolean {
    if (execution === this.execution || this.underWay.has(execution)) return true;
    return !execution.startsWith(`local:${process.pid}:`) && isAlive(execution);
  }

  private nameOf(database: RolloutDatabase): RunDatabase {
    return databaseOf(database, this.name, this.options);
  }

  private say(line: string): void {
    this.events.push({ type: "progress", state: "", line });
  }

  private worldAt(gateUrl: string): Environment {
    const { apply, rehearse, fence } = this.options;
    return rolloutWorld({
      apply,
      rehearse,
      fence,
      name: this.name,
      list: this.options.databases.map((one) => this.nameOf(one)),
      planChecksum: this.loaded.plan.checksum,
      evidence: evidenceBeside(this.root),
      callbacks: this.callbacks,
      gateUrl,
      notifier: { send: (notice) => this.hear(notice) },
      isRunning: (execution) => this.isRunning(execution),
      progress: (line) => this.say(line),
    });
  }

  /** The rollout's own gates are asked here; its last message shows at the end. */
  private async hear(notice: Notice): Promise<void> {
    const { apply, startedBy } = this.options;
    const gate = await openedGate(notice, this.environment as Environment, this.name, apply, async () => []);
    if (!gate) return;
    // A No-Go at `keep` would take back runs that have succeeded: only people give it.
    if (gate.doc.gate.startsWith("start-"))
      this.refuseGate = () => void gate.decide("NoGo", startedBy, "The rollout was stopped at its terminal");
    void gate.closed.then(() => {
      this.refuseGate = () => undefined;
    });
    this.events.push({ type: "gate", gate });
    if (this.stopping) this.refuseGate();
  }
}

/** Of the input of a Fail state. */
function causeIn(input: unknown): string {
  const { end } = input as { end?: { cause?: unknown } };
  return typeof end?.cause === "string" ? end.cause : "";
}

function failedExecution(described: Readonly<Record<string, string>>): Error {
  return Object.assign(new Error(JSON.stringify({ ...described, Status: "FAILED" })), {
    name: "States.TaskFailed",
  });
}
