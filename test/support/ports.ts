import type { CompiledPlan, GateText, Migration } from "../../lambdas/shared/plan.ts";
import type {
  Announcement,
  Callbacks,
  EvidenceStore,
  Lease,
  LeaseHolder,
  Notice,
  Plans,
  Ports,
  Sample,
} from "../../lambdas/shared/ports.ts";
import type { RunSettings } from "../../lambdas/shared/settings.ts";
import { sha256 } from "../../lambdas/shared/sha256.ts";

/** Evidence in memory, with the real store's promises and readable by tests. */
export class MemoryEvidence implements EvidenceStore {
  readonly files = new Map<string, string>();
  readonly #leases = new Map<string, Lease>();
  #swaps = 0;

  copy(): MemoryEvidence {
    const copy = new MemoryEvidence();
    for (const [key, body] of this.files) copy.files.set(key, body);
    for (const [name, lease] of this.#leases) copy.#leases.set(name, lease);
    copy.#swaps = this.#swaps;
    return copy;
  }

  async create(key: string, body: string): Promise<boolean> {
    if (this.files.has(key)) return false;
    this.files.set(key, body);
    return true;
  }

  async read(key: string): Promise<string | undefined> {
    return this.files.get(key);
  }

  async list(prefix: string): Promise<string[]> {
    return [...this.files.keys()].filter((key) => key.startsWith(prefix)).sort();
  }

  async tags(prefix: string): Promise<Map<string, string>> {
    return new Map((await this.list(prefix)).map((key) => [key, sha256(this.files.get(key) ?? "")]));
  }

  async readLease(name: string): Promise<Lease | undefined> {
    return this.#leases.get(name);
  }

  async swapLease(name: string, expected: Lease | undefined, holder: LeaseHolder | null): Promise<boolean> {
    if (this.#leases.get(name)?.tag !== expected?.tag) return false;
    this.#swaps += 1;
    this.#leases.set(name, { holder, tag: String(this.#swaps) });
    return true;
  }
}

/** A clock that stands still until it is moved. */
export class TestClock {
  #now: number;
  /** Milliseconds left to the worker. */
  left = Number.POSITIVE_INFINITY;

  constructor(start = "2026-11-03T02:00:00.000Z") {
    this.#now = Date.parse(start);
  }

  now(): Date {
    return new Date(this.#now);
  }

  remaining(): number {
    return this.left;
  }

  pass(ms: number): void {
    this.#now += ms;
  }
}

/** Records answers to gates. `succeed` can be made to fail, or to find no waiting gate. */
export class RecordingCallbacks implements Callbacks {
  readonly calls: { token: string; output: unknown }[] = [];
  behaviour: "answers" | "nobody waits" | "fails" = "answers";

  async succeed(token: string, output: unknown): Promise<boolean> {
    if (this.behaviour === "fails") throw new Error(`SendTaskSuccess with ${token} failed`);
    if (this.behaviour === "nobody waits") return false;
    this.calls.push({ token, output });
    return true;
  }
}

export interface MemoryPorts extends Ports {
  evidence: MemoryEvidence;
  clock: TestClock;
  callbacks: RecordingCallbacks;
  /** Every notice sent, in order. */
  notices: Notice[];
  /** Everything that was announced, in order. */
  announced: Announcement[];
  /** Every line of progress, in order. */
  lines: string[];
  /** Every number published, in order. */
  published: Sample[];
}

export type PortOverrides = Partial<Omit<Ports, "settings" | "plan" | "evidence" | "clock" | "callbacks">> & {
  settings?: Partial<RunSettings>;
  plan?: Partial<CompiledPlan>;
};

/** Returns the same plan for every checksum. */
export function plansOf(plan: () => CompiledPlan): Plans {
  return {
    get standard() {
      return plan().checksum;
    },
    read: async () => plan(),
    find: async () => plan().checksum,
    publications: async () => [],
  };
}

/** Ports in memory. Ports that a test does not override and should not need throw when used. */
export function memoryPorts(overrides: PortOverrides = {}): MemoryPorts {
  const notices: Notice[] = [];
  const announced: Announcement[] = [];
  const lines: string[] = [];
  const published: Sample[] = [];
  const ports: MemoryPorts = {
    plans: plansOf(() => ports.plan),
    instances: unexpected("fleet"),
    archive: unexpected("archive"),
    databases: unexpected("databases"),
    alarms: unexpected("alarms"),
    executions: unexpected("executions"),
    http: unexpected("http"),
    schedules: unexpected("schedules"),
    metrics: {
      publish(samples) {
        published.push(...samples);
      },
    },
    notifier: {
      async send(notice) {
        notices.push(notice);
      },
    },
    worker: "worker",
    announcer: {
      async announce(announcement) {
        announced.push(announcement);
      },
    },
    progress: (line) => lines.push(line),
    ...overrides,
    notices,
    announced,
    lines,
    published,
    evidence: new MemoryEvidence(),
    clock: new TestClock(),
    callbacks: new RecordingCallbacks(),
    settings: { ...SETTINGS, ...overrides.settings },
    plan: { ...PLAN, ...overrides.plan },
  };
  return ports;
}

/** A port that throws with its name when it is used. */
function unexpected<Port extends object>(name: string): Port {
  return new Proxy({} as Port, {
    get: (_, member) => () => {
      throw new Error(`This test does not expect ${name}.${String(member)}`);
    },
  });
}

const SETTINGS: RunSettings = {
  label: "orders-prod",
  instance: "orders-prod",
  database: "orders",
  applicationRoles: [],
  fence: "connect",
  rehearse: "before",
  alarms: [],
  retentionDays: 365,
  gateUrl: "https://gates.example",
  separateApprover: false,
  contacts: [
    { role: "Migration lead", name: "Ada" },
    { role: "Channel", name: "#migration" },
  ],
  lockTimeoutMs: 500,
  lockTries: 3,
  concurrentWaitMs: 600_000,
};

const gate = (question: string, checklist: string[] = []): GateText => ({ question, checklist, minutes: 60 });

/** A trivial migration. */
export function tinyMigration(version: string, title: string): Migration {
  const folder = `${version}_tiny`;
  return {
    version,
    folder,
    title,
    expectedMinutes: 1,
    checklist: [],
    migrate: { path: `${folder}/migrate.sql`, checksum: "d".repeat(64), steps: [] },
    validate: { path: `${folder}/validate.sql`, checks: [] },
    rollback: { path: `${folder}/rollback.sql`, checksum: "d".repeat(64), steps: [] },
  };
}

const PLAN: CompiledPlan = {
  name: "tiny",
  title: "A tiny plan",
  checksum: "a".repeat(64),
  sources: "b".repeat(64),
  schema: { table: "schema_migrations", expectedVersion: "1" },
  server: { minimumVersion: 15, minimumConnections: 10, minimumFreeGiB: 1 },
  extensions: [],
  applicationRoles: ["app"],
  protect: [],
  contents: {},
  rollbackSloMinutes: 30,
  migrations: [tinyMigration("002", "add a table"), tinyMigration("003", "add a column")],
  gates: {
    readiness: gate("is everybody ready?", ["the lead is on call", "the runbook was read"]),
    rehearsal: gate("go to production?", ["the rehearsal's durations fit the window"]),
    after: gate("continue after {version}?"),
    open: gate("open the application?"),
    keep: gate("a smoke test failed: keep the new schema?"),
    restore: gate("restore from the snapshot?"),
  },
  benchmarks: [],
  application: { smoke: [] },
  afterOpening: [],
  reminders: [],
  expectedMinutes: { admit: 1, prove: 1, open: 1 },
  stagingData: [],
};
