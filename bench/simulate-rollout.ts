import { decide } from "../lambdas/gate/decide.ts";
import { gateAddress } from "../lambdas/gate/link.ts";
import { runRollout } from "../lambdas/rollout/task.ts";
import { Doc, docName } from "../lambdas/shared/documents.ts";
import { evidenceOf } from "../lambdas/shared/evidence.ts";
import type { CompiledPlan } from "../lambdas/shared/plan.ts";
import { documentOf, StoredPlans, storePlan } from "../lambdas/shared/plan-document.ts";
import type { Environment, Lease, LeaseHolder, Notice } from "../lambdas/shared/ports.ts";
import type { RunDatabase, RunSettings } from "../lambdas/shared/settings.ts";
import { LocalCallbacks } from "../local/callbacks.ts";
import type { Definition } from "../local/definition.ts";
import { interpret } from "../local/interpreter.ts";

// A simulated rollout of any number of databases. The coordinator's real definition and real tasks are interpreted, with
// the evidence in memory and a clock that waits move. The runs only end.

export interface Simulation {
  definition: Definition;
  plan: CompiledPlan;
  databases: number;
  atATime: number;
  waves: readonly (number | string)[];
  tolerated: number;
  /** How long each run takes, in seconds of the simulated clock. */
  runSeconds: number;
  /** Whether the run of the database at that place fails. */
  fails(index: number): boolean;
}

export interface Simulated {
  end: string;
  /** Largest input or output of a state of the coordinator, in bytes. */
  stateBytes: number;
  /** Largest input or output of a state of one database's own execution, in bytes. */
  itemBytes: number;
  /** Events of the coordinator's history: before the first wave, and of each wave. */
  events: number[];
  transitions: { coordinator: number; items: number };
  /** Runs by how they ended. */
  runs: Record<string, number>;
  /** Most runs under way at the same time. */
  most: number;
  documents: number;
  /** By the simulated clock. */
  hours: number;
}

const GATE_URL = "https://gates.example.com";
const STATE_MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:run";

/**
 * Events in a history for each state that is entered, by AWS's documentation: Entered and Exited, and in between for a
 * task Scheduled, Started and Succeeded (Submitted too where it waits for an answer), for a Parallel Started and
 * Succeeded, for a Distributed Map those and its run's.
 */
const EVENTS = { Task: 5, Callback: 7, Parallel: 4, Map: 6, other: 2 } as const;

export async function simulate(given: Simulation): Promise<Simulated> {
  return await new Simulator(given).go();
}

class Simulator {
  private readonly evidence = new IndexedEvidence();
  private readonly callbacks = new LocalCallbacks();
  private readonly environment: Environment;
  private readonly underWay: { endsAt: number; end: () => void }[] = [];
  private readonly runs: Record<string, number> = {};
  private readonly events: number[] = [0];
  private now = Date.parse("2026-11-03T02:00:00.000Z");
  private most = 0;
  private stateBytes = 0;
  private itemBytes = 0;
  private items = 0;
  private coordinator = 0;

  constructor(private readonly given: Simulation) {
    this.environment = this.worldOf();
  }

  async go(): Promise<Simulated> {
    const { definition, plan, waves, atATime, tolerated } = this.given;
    const began = this.now;
    await storePlan(this.evidence, documentOf(plan), plan.checksum);
    const callback = new Set(
      Object.entries(JSON.parse(definition.text).States as Record<string, { Resource?: string }>)
        .filter(([, { Resource }]) => Resource?.endsWith(".waitForTaskToken"))
        .map(([name]) => name),
    );
    const end = await interpret({
      definition,
      input: { databases: "tenant-*", waves, atATime, tolerated, startedBy: "the simulation" },
      run: "rollout",
      execution: "arn:aws:states:us-east-1:000000000000:execution:rollout:rollout",
      waitMs: 0,
      readList: async ({ Key }) => (await this.evidence.read(String(Key))) ?? "[]",
      task: async (state, event) => await this.task(state, event),
      onEvent: ({ type, state }) => {
        if (!state || (type !== "StateEntered" && type !== "StateExited")) return;
        this.stateBytes = Math.max(this.stateBytes, bytesOf(state.input), bytesOf(state.output));
        if (type !== "StateEntered") return;
        this.coordinator++;
        if (state.name === "Next wave") this.events.push(0);
        const kind =
          state.name === "Each database" ? "Map" : callback.has(state.name) ? "Callback" : state.type;
        const last = this.events.length - 1;
        this.events[last] = (this.events[last] ?? 0) + (EVENTS[kind as keyof typeof EVENTS] ?? EVENTS.other);
      },
    });
    return {
      end,
      stateBytes: this.stateBytes,
      itemBytes: this.itemBytes,
      events: this.events,
      transitions: { coordinator: this.coordinator, items: this.items },
      runs: this.runs,
      most: this.most,
      documents: this.evidence.size,
      hours: (this.now - began) / 3_600_000,
    };
  }

  private async task(state: string, event: Record<string, unknown>): Promise<unknown> {
    if (typeof event.StateMachineArn === "string") return await this.run(event);
    const waits = event.token === undefined ? undefined : this.callbacks.wait(String(event.token));
    const answer = await runRollout(event, this.environment);
    if (event.action === "begin" || event.action === "end") {
      // With the choices behind each, and the Pass at the item's end.
      this.items += event.action === "begin" ? 3 : 4;
      this.itemBytes = Math.max(this.itemBytes, bytesOf(event) + bytesOf(answer));
    }
    if (state === "Look at the wave" && answer.status === "running")
      await this.advance(Number(answer.waitSeconds));
    return waits ? await waits : answer;
  }

  /** A run that takes its time and ends. */
  private async run({ Name, Input }: Record<string, unknown>): Promise<unknown> {
    this.items++;
    const run = String(Name);
    const { rollout, database, plan } = JSON.parse(String(Input));
    const [instance, name] = String(database).split("/");
    const own = evidenceOf(this.evidence, run);
    const at = new Date(this.now).toISOString();
    const execution = `${STATE_MACHINE.replace(":stateMachine:", ":execution:")}:${run}`;
    await own.createOnce(docName(Doc.request), {
      run,
      execution,
      startedAt: at,
      plan: { name: "plan", title: "", checksum: plan },
      instance: instance ?? "",
      database: name ?? "",
      rollout,
    });
    await new Promise<void>((end) => {
      this.underWay.push({ endsAt: this.now + this.given.runSeconds * 1000, end });
      this.most = Math.max(this.most, this.underWay.length);
    });
    const end = this.given.fails(rollout.index) ? "RolledBack" : "Succeeded";
    this.runs[end] = (this.runs[end] ?? 0) + 1;
    await own.createOnce(docName(Doc.outcome), { end, cause: `${end}: simulated.` });
    if (end !== "Succeeded") throw Object.assign(new Error("{}"), { name: "States.TaskFailed" });
    return {};
  }

  /** Lets the simulated time pass, run by run, and what follows on each end happen. */
  private async advance(seconds: number): Promise<void> {
    const until = this.now + seconds * 1000;
    for (;;) {
      await settled();
      const next = Math.min(...this.underWay.map(({ endsAt }) => endsAt));
      if (next > until) break;
      this.now = Math.max(this.now, next);
      const due = this.underWay.filter(({ endsAt }) => endsAt <= next);
      for (const one of due) {
        this.underWay.splice(this.underWay.indexOf(one), 1);
        one.end();
      }
    }
    this.now = until;
  }

  private worldOf(): Environment {
    const list = Array.from({ length: this.given.databases }, (_, i): RunDatabase => {
      const name = `tenant-${String(i).padStart(5, "0")}`;
      return { label: name, instance: name, database: "app", applicationRoles: [], alarms: [] };
    });
    const settingsOf = (database: RunDatabase): RunSettings => ({
      ...database,
      fence: "connect",
      rehearse: "before",
      retentionDays: 365,
      gateUrl: GATE_URL,
      separateApprover: false,
      contacts: [],
      lockTimeoutMs: 2_000,
      lockTries: 3,
      concurrentWaitMs: 60_000,
    });
    const unbound = (): never => {
      throw new Error("The coordinator asks no database for anything");
    };
    const environment: Environment = {
      settings: settingsOf(list[0] as RunDatabase),
      choice: {
        list,
        settingsOf,
        of: (settings) => ({
          settings,
          databases: { single: false, withSession: unbound },
          metrics: { publish: unbound },
        }),
      },
      evidence: this.evidence,
      plans: new StoredPlans(this.evidence, () => this.given.plan.checksum),
      instances: new Proxy({} as Environment["instances"], { get: unbound }),
      archive: { start: unbound },
      databases: { single: false, withSession: unbound },
      http: { request: unbound },
      notifier: { send: (notice) => this.hear(notice) },
      announcer: { announce: async () => undefined },
      callbacks: this.callbacks,
      alarms: { known: unbound, enabled: unbound, disable: unbound, enable: unbound },
      executions: { isRunning: async () => false },
      metrics: { publish: unbound },
      schedules: { startWatch: unbound },
      clock: { now: () => new Date(this.now), remaining: () => Number.POSITIVE_INFINITY },
      worker: "the simulation",
      progress: () => undefined,
    };
    return environment;
  }

  /** People say Go to every wave. */
  private async hear({ text }: Notice): Promise<void> {
    const link = text.split("\n").find((line) => line.startsWith(`${GATE_URL}/`));
    const address = link === undefined ? undefined : gateAddress(new URL(link).pathname);
    if (!address) return;
    await decide(this.environment, {
      ...address,
      decision: "Go",
      by: "an approver",
      comment: "",
      from: "prompt",
      ticked: [],
    });
  }
}

function bytesOf(value: unknown): number {
  return value === undefined ? 0 : Buffer.byteLength(JSON.stringify(value));
}

/** Resolves once all pending callbacks have run. */
async function settled(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Evidence in memory, in which a folder is listed without looking at all others. */
class IndexedEvidence {
  private readonly folders = new Map<string, Map<string, string>>();
  private readonly leases = new Map<string, Lease>();

  get size(): number {
    return [...this.folders.values()].reduce((sum, folder) => sum + folder.size, 0);
  }

  async create(key: string, body: string): Promise<boolean> {
    const folder = this.folders.get(folderOf(key)) ?? new Map<string, string>();
    this.folders.set(folderOf(key), folder);
    if (folder.has(key)) return false;
    folder.set(key, body);
    return true;
  }

  async read(key: string): Promise<string | undefined> {
    return this.folders.get(folderOf(key))?.get(key);
  }

  async list(prefix: string): Promise<string[]> {
    const own = this.folders.get(folderOf(prefix));
    const folders = prefix.split("/").length > 3 ? (own ? [own] : []) : [...this.folders.values()];
    return folders.flatMap((folder) => [...folder.keys()].filter((key) => key.startsWith(prefix))).sort();
  }

  async tags(prefix: string): Promise<Map<string, string>> {
    return new Map((await this.list(prefix)).map((key) => [key, key]));
  }

  async readLease(name: string): Promise<Lease | undefined> {
    return this.leases.get(name);
  }

  async swapLease(name: string, _: Lease | undefined, holder: LeaseHolder | null): Promise<boolean> {
    this.leases.set(name, { holder, tag: "" });
    return true;
  }
}

/** `runs/<name>/<folder>`, of a key or a prefix. */
function folderOf(key: string): string {
  const parts = key.split("/");
  return parts.length > 3 ? parts.slice(0, 3).join("/") : parts.slice(0, 2).join("/");
}
