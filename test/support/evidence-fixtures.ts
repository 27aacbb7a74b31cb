import { type CalledState, CHAIN, type LinkDoc, linked } from "../../lambdas/shared/chain.ts";
import {
  type AftercareDoc,
  type AfterOpeningDoc,
  type BenchmarksDoc,
  type ChangesDoc,
  type CheckResult,
  type ChecksDoc,
  type Decision,
  type Direction,
  Doc,
  docName,
  type FailureDoc,
  type FenceDoc,
  type GateDecisionDoc,
  type GateDoc,
  type HookDoc,
  type PlanSummary,
  type PreflightDoc,
  type ProductionDoc,
  type ProofDoc,
  type ProofName,
  type ReadingDoc,
  type ReadingValue,
  type RecordDoc,
  type RecordName,
  type RequestDoc,
  type RestoreDoc,
  type RollbackDoc,
  type SnapshotDoc,
  type StagingDoc,
  type StagingVerifiedDoc,
  type StateDoc,
  type StepDoc,
  type StepsDoc,
  type TableContentDoc,
  type Target,
  type WithheldDoc,
} from "../../lambdas/shared/documents.ts";
import { evidenceOf, type RunEvidence } from "../../lambdas/shared/evidence.ts";
import { slug } from "../../lambdas/shared/task.ts";
import { MemoryEvidence } from "./ports.ts";

/** Returns the execution of a run with this name. */
export const executionOf = (run: string) =>
  `arn:aws:states:eu-central-1:123456789012:execution:sluice:${run}`;

export const CHECKSUM = "c0ffee".padEnd(64, "0");
export const TOKEN = "AAAAKgAAAAIAAAAAtasktoken";
export const KEY_HASH = "5ec4e7".padEnd(64, "5");

export const PLAN: PlanSummary = {
  name: "knowledge-graph",
  title: "Knowledge graph, tenant isolation and hybrid search",
  checksum: CHECKSUM,
  rollbackSloMinutes: 30,
  expectedMinutes: { admit: 15, prove: 30, open: 15 },
  protect: ["agent_profiles", "performance_events"],
  migrations: [
    { version: "006", folder: "006_knowledge_graph", title: "Knowledge graph", expectedMinutes: 45 },
    { version: "007", folder: "007_tenant_isolation", title: "Tenant isolation", expectedMinutes: 60 },
    { version: "008", folder: "008_hybrid_search", title: "Hybrid search", expectedMinutes: 30 },
  ],
  benchmarks: [
    { name: "vector", title: "Vector search", sloMs: 100 },
    { name: "graph", title: "Graph traversal, 2 hops", sloMs: 200 },
    { name: "rls", title: "Overhead of row-level security", sloMs: 10 },
  ],
  application: { stop: true, start: true, test: true, smoke: 2 },
  afterOpening: ["Analyze the new tables", "Refresh the search view"],
  watch: {
    metrics: [
      { name: "vector-p95", title: "Vector Search P95", target: "<100 ms", alert: ">150 ms" },
      { name: "pool", title: "Connection Pool Utilization", target: "<80 %", alert: ">90 %" },
      { name: "free-disk", title: "Disk Space Free", target: ">20 GiB", alert: "<10 GiB" },
    ],
    verifyAgain: { afterMinutes: 60, migrations: ["007"] },
  },
  reminders: [
    { title: "Update the changelog", days: 1 },
    { title: "Read the application's logs", days: 1 },
    { title: "Tune the connection pool", days: 7 },
  ],
};

const TABLES = [
  "agent_profiles",
  "performance_events",
  "benchmark_datasets",
  "performance_anomalies",
  "rl_training_batches",
  "schema_migrations",
  "agent_capabilities",
];

/** Makes every text in a document that people wrote hostile. */
export type Spoil = <T>(document: T, name: string) => T;

/** Plays a run: writes the evidence that it would leave, and advances the clock with every document. */
export class RunFixture {
  readonly store = new MemoryEvidence();
  readonly evidence: RunEvidence;
  private time = Date.parse("2026-11-03T02:00:00.000Z");
  private readonly spoil: Spoil;
  private readonly overrides: { plan?: PlanSummary; request?: Partial<RequestDoc> };

  constructor(
    overrides: { plan?: PlanSummary; request?: Partial<RequestDoc> } = {},
    spoil: Spoil = (document) => document,
  ) {
    this.evidence = evidenceOf(this.store, "2026-11-03-first");
    this.overrides = overrides;
    this.spoil = spoil;
  }

  get plan(): PlanSummary {
    return this.overrides.plan ?? PLAN;
  }

  now(): string {
    return new Date(this.time).toISOString();
  }

  after(seconds: number): string {
    this.time += seconds * 1000;
    return this.now();
  }

  async keep<T>(name: string, document: T): Promise<void> {
    await this.evidence.createOnce(docName(name), this.spoil(document, name));
  }

  async state(state: string, work: () => Promise<void> = async () => {}): Promise<void> {
    await this.enter(state);
    await work();
    await this.leave(state, 0.2);
  }

  private async enter(state: string): Promise<void> {
    await this.keep<StateDoc>(Doc.stateEntered(slug(state)), { ...noted(state), at: this.now() });
  }

  private async leave(state: string, seconds: number): Promise<void> {
    const enteredAt = this.now();
    const doneAt = this.after(seconds);
    const clock = { now: () => new Date(doneAt), remaining: () => Number.POSITIVE_INFINITY };
    await linked({ evidence: this.store, clock, progress: () => undefined }, async (_, note) =>
      note(this.evidence.run, { ...noted(state), enteredAt, doneAt }),
    );
  }

  /** A state that was entered and did not end. */
  async fail(state: string, error: string, message: string): Promise<void> {
    await this.enter(state);
    const at = new Date(this.after(0.5));
    await this.keep<FailureDoc>(Doc.failure(at, slug(state)), {
      state,
      error,
      message,
      at: at.toISOString(),
    });
  }

  async admit(): Promise<void> {
    await this.keep<RequestDoc>(Doc.request, {
      run: this.evidence.run,
      execution: executionOf(this.evidence.run),
      startedAt: this.now(),
      startedBy: "Grace Hopper",
      reason: "The autumn release",
      plan: { name: this.plan.name, title: this.plan.title, checksum: CHECKSUM },
      instance: "orders-production",
      database: "orders",
      rehearse: "before",
      fence: "connect",
      ...this.overrides.request,
    });
    await this.keep(Doc.plan, this.plan);
    await this.state("Admit the run", () =>
      this.keep<ProductionDoc>(Doc.production, {
        identity: "db-PRODUCTION",
        at: this.after(1),
        endpoint: { host: "orders.internal", port: 5432 },
        engineVersion: "17.6",
        freeBytes: 64 * 2 ** 30,
        settings: {},
      }),
    );
  }

  async preflight(problem?: PreflightDoc["checks"][number]): Promise<void> {
    const passed = (name: string, expected: string, seen: string) => ({
      name,
      passed: true,
      expected,
      seen,
      mend: "",
    });
    await this.keep<PreflightDoc>(Doc.preflight, {
      at: this.after(2),
      checks: [
        passed("server version", "at least 13", "17.6"),
        passed("extension vector", "at least 0.8", "0.8.0"),
        passed("connections", "at least 50", "200"),
        {
          name: "free disk",
          passed: null,
          expected: "at least 20 GiB",
          seen: "not known here",
          mend: "Look at it",
        },
        ...(problem ? [problem] : []),
      ],
    });
  }

  async gate(
    gate: string,
    decision: Decision | "none" = "Go",
    options: {
      comment?: string;
      attempt?: number;
      escalation?: boolean;
      withheld?: WithheldDoc["answer"];
    } = {},
  ): Promise<void> {
    const attempt = options.attempt ?? 1;
    const kind = (gate.startsWith("after-") ? "after" : gate) as GateDoc["kind"];
    const state = `Gate: ${gate.replace("-", " ")}`;
    await this.enter(state);
    const checklist = kind === "readiness" ? ["The migration lead is on call", "The runbook was read"] : [];
    await this.keep<GateDoc>(Doc.gate(gate, attempt), {
      gate,
      kind,
      version: kind === "after" ? gate.slice(6) : null,
      attempt,
      escalation: options.escalation ?? false,
      question: QUESTIONS[kind],
      checklist,
      openedAt: this.after(1),
      expiresAt: new Date(this.time + 3_600_000).toISOString(),
      keyHash: KEY_HASH,
      basis: { fingerprint: null, planChecksum: CHECKSUM, report: "f".repeat(64) },
      changed: [],
      go: "It continues.",
      noGo: "It goes back.",
    });
    await this.keep(Doc.gateToken(gate, attempt), { token: TOKEN });
    if (decision === "none") {
      this.after(3_600);
      return;
    }
    await this.keep<GateDecisionDoc>(Doc.gateDecision(gate, attempt), {
      gate,
      attempt,
      decision,
      by: "Ada Lovelace",
      comment: options.comment ?? "",
      at: this.after(kind === "rehearsal" ? 240 : 30),
      from: "198.51.100.7",
      ticked: checklist.slice(0, 1),
      shown: "e".repeat(64),
    });
    await this.leave(state, 0);
    if (options.withheld)
      await this.keep<WithheldDoc>(Doc.gateWithheld(gate, attempt), {
        at: this.after(1),
        answer: options.withheld,
        changed: ["Production's catalog has changed:", "new: table public.hotfix"],
      });
  }

  async snapshot(purpose: "rehearsal" | "final"): Promise<void> {
    const createdAt = this.now();
    const how = this.overrides.request?.settings?.cluster;
    const clone = (purpose === "final" ? how?.backup : how?.staging) === "clone";
    await this.keep<SnapshotDoc>(Doc.snapshot(purpose), {
      at: this.after(95),
      id: `sluice-${purpose}-0123456789ab`,
      instance: "orders-production",
      createdAt,
      sizeBytes: 42 * 2 ** 30,
      engineVersion: "17.6",
      encrypted: true,
      kmsKey: null,
      ...(clone ? { clone } : {}),
      keepUntil: purpose === "final" ? "2027-11-03" : null,
    });
  }

  async restoreStaging(): Promise<void> {
    await this.state("Snapshot production", () => this.snapshot("rehearsal"));
    await this.state("Restore staging", () =>
      this.keep<StagingDoc>(Doc.staging, {
        at: this.after(420),
        seconds: 420,
        id: "sluice-staging-0123456789ab",
        endpoint: { host: "staging.internal", port: 5432 },
      }),
    );
    await this.state("Verify staging", async () => {
      await this.record("staging", 38);
      await this.keep<StagingVerifiedDoc>(Doc.stagingVerified, {
        at: this.now(),
        tables: TABLES.length,
        rows: "2113074",
        equal: true,
        differences: [],
      });
    });
  }

  async record(name: RecordName, seconds: number): Promise<void> {
    await this.keep<RecordDoc>(Doc.record(name), {
      at: this.after(seconds),
      seconds,
      fingerprint: "a".repeat(64),
      tables: contents(),
      sequences: [],
    });
  }

  async steps(target: Target, version: string, round: number, direction: Direction): Promise<void> {
    const folder = this.plan.migrations.find((m) => m.version === version)?.folder ?? version;
    const startedAt = this.now();
    const slow = target === "staging" ? 1.15 : 1;
    const steps: StepDoc[] = (direction === "migrate" ? STEPS : UNDO).map(([name, seconds], i) => ({
      name,
      at: `${folder}/${direction}.sql:${12 + i * 17}`,
      startedAt: this.now(),
      seconds: secondsOf(this, seconds * slow),
      gaveWay: target === "production" && name.startsWith("build") ? 2 : 0,
      rows: name.startsWith("build") ? null : 1_000,
      walBytes: 2_000_000,
      sizeBytes: 1_000_000,
      locks: [],
      waits: [],
      notes: [],
    }));
    const endedAt = this.now();
    await this.keep<StepsDoc>(Doc.steps(target, version, round, direction), {
      target,
      version,
      title: this.plan.migrations.find((m) => m.version === version)?.title ?? version,
      round,
      direction,
      startedAt,
      endedAt,
      seconds: (Date.parse(endedAt) - Date.parse(startedAt)) / 1000,
      steps,
    });
  }

  async checks(target: Target, version: string, round: string, failed?: Partial<CheckResult>): Promise<void> {
    const folder = this.plan.migrations.find((m) => m.version === version)?.folder ?? version;
    const results: CheckResult[] = [
      { name: "tables are there", as: null, expected: "4", seen: "4" },
      { name: "indexes are valid", as: null, expected: "2", seen: "2" },
      { name: "a tenant sees its own rows only", as: "app", expected: "0", seen: "0" },
    ].map((check, i) => ({ ...check, at: `${folder}/validate.sql:${8 + i * 16}`, passed: true }));
    if (failed)
      results.push({
        name: "RLS enabled",
        at: `${folder}/validate.sql:40`,
        as: null,
        passed: false,
        expected: "6",
        seen: "5",
        ...failed,
      });
    await this.keep<ChecksDoc>(Doc.checks(target, version, round), {
      at: this.after(0.8),
      target,
      version,
      seconds: 0.8,
      results,
    });
  }

  async proof(name: ProofName, differences: string[] = []): Promise<void> {
    const catalog = name !== "production-data";
    const after = contents();
    if (differences.length > 0 && after[0]) after[0].checksum = "f".repeat(39);
    await this.record(`after-${name}`, name.startsWith("staging-") ? 37 : 36);
    await this.keep<ProofDoc>(Doc.proof(name), {
      at: this.now(),
      name,
      equal: differences.length === 0,
      fingerprintBefore: catalog ? "a".repeat(64) : null,
      fingerprintAfter: catalog ? (differences.length === 0 ? "a" : "b").repeat(64) : null,
      tablesBefore: contents(),
      tablesAfter: after,
      differences,
      unproven: [],
      agreed: [],
      moved: [],
    });
  }

  async rehearseMigration(version: string): Promise<void> {
    await this.state(`Apply ${version} to staging`, () => this.steps("staging", version, 1, "migrate"));
    await this.state(`Validate ${version} on staging`, () => this.checks("staging", version, "1"));
    await this.state(`Roll back ${version} on staging`, () => this.steps("staging", version, 1, "rollback"));
    await this.state(`Prove ${version} rolled back on staging`, () => this.proof(`staging-${version}`));
    await this.state(`Apply ${version} to staging again`, async () => {
      await this.steps("staging", version, 2, "migrate");
      await this.keep<ChangesDoc>(Doc.changes(`staging-${version}`), {
        at: this.now(),
        tables: [],
        objects: { added: 0, gone: 0, changed: 0, some: { added: [], gone: [], changed: [] } },
        sequences: [],
        touched: [],
      });
    });
    await this.state(`Validate ${version} on staging again`, () => this.checks("staging", version, "2"));
  }

  async benchmarks(target: Target, measured = true): Promise<void> {
    const figures = [
      { p50Ms: 3.1, p95Ms: 4.8 },
      { p50Ms: 9.4, p95Ms: 14.2 },
      { p50Ms: 0.05, p95Ms: 0.09 },
    ];
    await this.keep<BenchmarksDoc>(Doc.benchmarks(target), {
      at: this.after(20),
      target,
      results: this.plan.benchmarks.map((benchmark, i) => {
        const none = !measured && i === 0;
        const { p50Ms, p95Ms } = figures[i] ?? { p50Ms: 1, p95Ms: 2 };
        return none
          ? {
              ...benchmark,
              p50Ms: null,
              p95Ms: null,
              runs: 0,
              passed: null,
              note: "there are no embeddings yet",
            }
          : {
              ...benchmark,
              p50Ms,
              p95Ms,
              runs: 200,
              passed: true,
              note: null,
              warmUp: { runs: 4, firstMs: p95Ms * 30 },
              plan: ["Limit", `  ->  Index Scan using idx_${benchmark.name}`],
              seconds: (p50Ms * 204) / 1000,
              ...(target === "staging" && i === 0 ? { generated: true } : {}),
            };
      }),
    });
  }

  async hook(name: string, passed = true): Promise<void> {
    const titles: Record<string, string[]> = {
      smoke: ["Agent profile is served", "Capability search answers"],
      test: ["Integration tests"],
    };
    await this.keep<HookDoc>(Doc.hook(name), {
      at: this.after(4),
      name,
      results: (titles[name] ?? [`The application answers to ${name}`]).map((title) => ({
        title,
        passed,
        expected: "status 200",
        seen: passed ? "status 200" : "status 503",
      })),
    });
  }

  async rehearse(): Promise<void> {
    await this.restoreStaging();
    for (const { version } of this.plan.migrations) await this.rehearseMigration(version);
    await this.state("Validate everything on staging", async () => {
      for (const { version } of this.plan.migrations) await this.checks("staging", version, "all");
    });
    await this.state("Benchmark staging", () => this.benchmarks("staging"));
    await this.keep(Doc.watchRehearsed, {
      values: (this.plan.watch?.metrics ?? []).map(({ name, target }) => {
        const [, unit = ""] = target.split(" ");
        return { name, unit, value: unit === "GiB" ? null : (GOOD[unit] ?? 0) };
      }),
    });
    await this.keep(Doc.stagingDeleted, { at: this.after(3), id: "sluice-staging-0123456789ab" });
  }

  async fenceAndBackUp(): Promise<void> {
    await this.state("Stop the application", () => this.hook("stop"));
    await this.state("Fence production", () =>
      this.keep<FenceDoc>(Doc.fence, {
        at: this.after(1),
        mode: "connect",
        aclBefore: ["=Tc/owner", "app=c/owner"],
        taken: [
          { grantee: null, grantable: false },
          { grantee: "app", grantable: false },
        ],
        roles: ["app", "reporting"],
      }),
    );
    await this.state("Record production", () => this.record("before", 34));
    await this.state("Take the final snapshot", () => this.snapshot("final"));
  }

  async migrate(version: string): Promise<void> {
    await this.state(`Apply ${version} to production`, () => this.steps("production", version, 1, "migrate"));
    await this.state(`Validate ${version} on production`, () => this.checks("production", version, "1"));
  }

  async prove(measured = true): Promise<void> {
    await this.state("Prove the data", () => this.proof("production-data"));
    await this.state("Validate everything on production", async () => {
      for (const { version } of this.plan.migrations) await this.checks("production", version, "all");
    });
    await this.state("Benchmark production", () => this.benchmarks("production", measured));
    await this.state("Test the application", () => this.hook("test"));
  }

  async open(smoke = true): Promise<void> {
    await this.lift("Lift the fence");
    await this.state("Start the application", () => this.hook("start"));
    if (smoke) await this.state("Smoke-test the application", () => this.hook("smoke"));
    else {
      await this.hook("smoke", false);
      await this.fail(
        "Smoke-test the application",
        "SmokeTestFailed",
        "Agent profile is served: expected status 200, seen status 503",
      );
    }
  }

  async lift(state = "Leave no fence"): Promise<void> {
    await this.state(state, () => this.keep(Doc.fenceLifted, { at: this.after(0.5) }));
  }

  async fenceAgain(): Promise<void> {
    await this.state("Stop the application again", () => this.hook("stop-again"));
    await this.state("Fence production again", () =>
      this.keep<FenceDoc>(Doc.fenceAgain, {
        at: this.after(1),
        mode: "connect",
        aclBefore: null,
        taken: [{ grantee: null, grantable: false }],
        roles: ["app", "reporting"],
      }),
    );
    await this.state("Record production again", () => this.record("reopened", 34));
  }

  async afterOpening(passed = true): Promise<void> {
    await this.state("Run the post-migration tasks", () =>
      this.keep<AfterOpeningDoc>(Doc.afterOpening, {
        at: this.after(9),
        results: this.plan.afterOpening.map((title, i) => ({
          title,
          passed: passed || i > 0,
          seconds: 4.2,
          message: passed || i > 0 ? "" : "canceling statement due to statement timeout",
        })),
      }),
    );
  }

  async aftercare(backups: AftercareDoc["backups"]["passed"] = true): Promise<void> {
    await this.state("Check the backups and start the watch", async () => {
      const at = this.after(1);
      const later = (hours: number) => new Date(Date.parse(at) + hours * 3_600_000).toISOString();
      await this.keep<AftercareDoc>(Doc.aftercare, {
        at,
        backups: {
          passed: backups,
          expected: "automated backups are on",
          seen: backups ? "kept for 7 days" : "they are off",
        },
        freeBytes: 40 * 2 ** 30,
        watch: { everyMinutes: 5, until: later(24), thenEveryMinutes: 60, ends: later(192) },
      });
    });
  }

  /** A reading of the watch: the vector search's latency, with all other metrics on target. */
  async reading(vectorMs: number | null = 12.5, soFar: Partial<ReadingDoc["soFar"]> = {}): Promise<void> {
    const at = this.after(2);
    const values = (this.plan.watch?.metrics ?? []).map((metric, i): ReadingValue => {
      const [, unit = ""] = metric.target.split(" ");
      const value = i === 0 ? vectorMs : (GOOD[unit] ?? 0);
      return {
        ...metric,
        unit,
        value,
        standing: value === null ? "unknown" : i === 0 && value > 150 ? "alert" : "target",
        note: value === null ? "no data yet" : unit === "ms" ? "20 runs" : null,
        runbook: 'docs/watch.md, "A query is slow"',
      };
    });
    await this.keep<ReadingDoc>(Doc.reading(new Date(at)), {
      at,
      seconds: 1.4,
      values,
      connections: { used: 24, most: 197, minimum: 50 },
      counters: { committed: 1_000, rolledBack: 2, queries: {} },
      soFar: {
        readings: 1,
        worst: values.map(({ name, value, standing }) => ({
          name,
          value,
          standing,
          at,
          alerts: standing === "alert" ? 1 : 0,
        })),
        ...soFar,
      },
    });
  }

  async rollBack(why: string, from: string | null, differences: string[] = []): Promise<void> {
    await this.state("Begin rollback", () =>
      this.keep<RollbackDoc>(Doc.rollback, { at: this.after(0.3), why, from }),
    );
    const versions = this.plan.migrations.map(({ version }) => version);
    for (const version of versions.slice(0, from ? versions.indexOf(from) + 1 : 0).reverse())
      await this.state(`Roll back ${version}`, () => this.steps("production", version, 1, "rollback"));
    await this.state("Prove production rolled back", () => this.proof("production-rolled-back", differences));
  }

  async restore(): Promise<void> {
    await this.state("Move production aside", () =>
      this.keep<RestoreDoc>(Doc.restore, {
        at: this.after(60),
        snapshot: "sluice-final-0123456789ab",
        aside: "orders-production-before-0123456789ab",
      }),
    );
  }
}

/** Returns the names of a phase's states. */
const PHASES: readonly (readonly [RegExp, string])[] = [
  [/^(Leave|Delete|Release|Write|Tell)/, "Close"],
  [/^(Admit|Preflight)/, "Admit"],
  [/staging|^(Snapshot|Rehearse|Predict)/, "Rehearse"],
  [/ again$/, "Fence again"],
  [/^(Stop|Silence|Fence|Record|Take the final)/, "Fence and back up"],
  [/^(Apply|Validate) \d+/, "Migrate"],
  [/^(Prove the data|Validate everything|Benchmark|Test)/, "Prove"],
  [/^(Lift|Start|Turn|Smoke)/, "Open"],
  [/^(Run|Check|Take the watch)/, "After the opening"],
  [/^(Begin rollback|Roll back|Prove production rolled)/, "Roll back"],
  [/^(Move|Restore production|Prove production restored)/, "Restore"],
];

function noted(state: string): Omit<StateDoc, "at"> {
  const gate = /^(?:Time|Gate|Confirm): ([a-z]+)/.exec(state)?.[1];
  const phase = gate ? `Gate: ${gate}` : PHASES.find(([name]) => name.test(state))?.[1];
  const version = /\d+/.exec(state)?.[0];
  return { state, phase, ...(version === undefined ? {} : { version }) };
}

/** Returns a value that meets every target with that unit. */
const GOOD: Readonly<Record<string, number>> = { ms: 4.2, "%": 0.04, GiB: 40 };

const QUESTIONS: Readonly<Record<GateDoc["kind"], string>> = {
  readiness: "is everybody ready?",
  rehearsal: "go to production?",
  after: "is this migration good?",
  open: "open the application?",
  keep: "keep the new schema?",
  restore: "restore from the snapshot?",
  wave: "start wave 2?",
};

const STEPS: readonly (readonly [string, number])[] = [
  ["create tables and types", 0.4],
  ["build the vector index", 21],
  ["create triggers", 0.1],
];
const UNDO: readonly (readonly [string, number])[] = [["drop what was made", 0.7]];

function secondsOf(fixture: RunFixture, seconds: number): number {
  fixture.after(seconds);
  return Number(seconds.toFixed(3));
}

function contents(): TableContentDoc[] {
  return TABLES.map((table, i) => ({
    table: `public.${table}`,
    columns: ["id", "created_at"],
    rows: String(10_000 * (i + 1) ** 2 + 7),
    checksum: `${(i + 3) * 1_234_567_891}`.padEnd(39, "7103"),
  }));
}

/** Plays a run up to and including the gate before production. */
export async function rehearsed(fixture = new RunFixture()): Promise<RunFixture> {
  await fixture.admit();
  await fixture.state("Preflight", () => fixture.preflight());
  await fixture.gate("readiness");
  await fixture.rehearse();
  return fixture;
}

/** Plays a run up to the last migration on production, with a Go at every gate. */
export async function migrated(fixture = new RunFixture(), upTo?: string): Promise<RunFixture> {
  await rehearsed(fixture);
  await fixture.gate("rehearsal", "Go", { comment: "Looks good, and the window is open" });
  await fixture.fenceAndBackUp();
  for (const { version } of fixture.plan.migrations) {
    if (upTo !== undefined && version > upTo) break;
    await fixture.migrate(version);
    await fixture.gate(`after-${version}`);
  }
  return fixture;
}

export async function succeeded(fixture = new RunFixture(), measured = true): Promise<RunFixture> {
  await migrated(fixture);
  await fixture.prove(measured);
  await fixture.gate("open");
  await fixture.open();
  await fixture.afterOpening();
  if (fixture.plan.watch) {
    await fixture.aftercare();
    await fixture.state("Take the watch's first reading", () => fixture.reading(measured ? 12.5 : null));
  }
  return fixture;
}

/** A check of 007 fails on production; 007 and 006 are rolled back and proven back. */
export async function rolledBackByCheck(fixture = new RunFixture()): Promise<RunFixture> {
  await migrated(fixture, "006");
  await fixture.state("Apply 007 to production", () => fixture.steps("production", "007", 1, "migrate"));
  await fixture.checks("production", "007", "1", {});
  await fixture.fail("Validate 007 on production", "CheckFailed", "1 check of 007 failed: RLS enabled");
  await fixture.rollBack("check 'RLS enabled' of 007 failed on production", "007");
  await fixture.lift();
  return fixture;
}

/** Returns the states that the chain's links name, in order. */
export async function statesNoted(evidence: RunEvidence): Promise<CalledState[]> {
  const names = await evidence.list(CHAIN);
  const links = await Promise.all(names.map((name) => evidence.require(docName<LinkDoc>(name))));
  return links.flatMap(({ state }) => state ?? []);
}
