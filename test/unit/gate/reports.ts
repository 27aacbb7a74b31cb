import type { Report } from "../../../lambdas/report/schema.ts";
import { VERDICTS } from "../../../lambdas/report/verdict.ts";

const AT = "2026-11-03T01:00:00.000Z";

/** The report of a run that has only begun. */
const UNTOLD = { warmUpRuns: null, firstMs: null, generated: false, plan: [] };

export function emptyReport(run: string): Report {
  return {
    version: 1,
    locks: null,
    left: null,
    backups: null,
    watch: null,
    verifiedAgain: null,
    reminders: [],
    run,
    manifest: null,
    asOf: AT,
    end: "running",
    verdict: VERDICTS.running,
    cause: null,
    leftBehind: [],
    now: null,
    request: {
      execution: "arn:aws:states:eu-central-1:123456789012:execution:sluice:run-1",
      startedAt: AT,
      startedBy: "ada.lovelace@example.com",
      reason: "knowledge graph for the autumn release",
      instance: "orders-prod",
      database: "orders",
      rehearse: "before",
      fence: "connect",
      engineVersion: "17.2",
    },
    plan: {
      name: "tiny",
      title: "A tiny plan",
      checksum: "a".repeat(64),
      rollbackSloSeconds: 1800,
      protect: ["t"],
    },
    criteria: [],
    timeline: {
      startedAt: AT,
      endedAt: null,
      seconds: 60,
      waitedSeconds: 0,
      predictedSeconds: 9000,
      plannedSeconds: 9000,
      phases: [],
    },
    downtime: {
      fencedAt: null,
      openedAt: null,
      seconds: null,
      waitedSeconds: null,
      predictedSeconds: 95,
      stopSeconds: null,
      reading: null,
      parts: [
        { what: "Fence and final snapshot", seconds: 40, by: "plan", took: null },
        { what: "Migrations", seconds: 55, by: "rehearsal", took: null },
      ],
    },
    wayBack: null,
    rollback: null,
    loss: null,
    restore: null,
    migrations: [],
    proofs: [],
    preflight: null,
    backup: null,
    snapshots: [],
    staging: {
      instance: null,
      verified: null,
      deletedAt: null,
      completedAt: null,
      issues: [],
      rollbackTested: "not yet",
      rollbacks: [],
      approved: "not yet",
      approvedBy: null,
    },
    benchmarks: [],
    hooks: [],
    gates: [],
    fence: null,
    afterOpening: [],
    failures: [],
    leftToDo: [],
  };
}

/** A report with every part filled; every text that a database or a person can fill goes through `text`. */
export function fullReport(run: string, text: (plain: string) => string = (plain) => plain): Report {
  const empty = emptyReport(run);
  const pass = (direction: "migrate" | "rollback", seconds: number, gaveWay = 0) => ({
    direction,
    round: 1,
    startedAt: AT,
    endedAt: AT,
    seconds,
    steps: [
      {
        name: text("create the tables"),
        at: text("002_tiny/migrate.sql:1"),
        startedAt: AT,
        seconds,
        predictedSeconds: null,
        gaveWay,
        rows: 12,
        walBytes: 4096,
        sizeBytes: 8192,
        locks: [{ relation: text("a_table"), mode: "AccessExclusiveLock", seconds: 0.5 }],
        waits: [
          {
            at: AT,
            relation: text("a_table"),
            mode: "AccessExclusiveLock",
            seconds: 2,
            blockers: [{ pid: 42, user: text("somebody"), queryStart: AT }],
          },
        ],
        notes: [text("a note")],
      },
    ],
    evidence: [],
  });
  const checks = (passed: boolean[]) => [
    {
      at: AT,
      round: "1",
      seconds: 1,
      evidence: [],
      results: passed.map((ok, i) => ({
        name: text(`check ${i + 1}`),
        at: text("002_tiny/validate.sql:3"),
        as: null,
        passed: ok,
        expected: text("10"),
        seen: text(ok ? "10" : "9"),
      })),
    },
  ];
  return {
    ...empty,
    request: empty.request && {
      ...empty.request,
      startedBy: text("Ada Lovelace"),
      reason: text("knowledge graph for the autumn release"),
    },
    plan: { ...empty.plan, name: text("tiny"), title: text("Agents to a knowledge graph") },
    downtime: {
      ...empty.downtime,
      fencedAt: AT,
      parts: empty.downtime.parts.map((part) => ({ ...part, what: text(part.what) })),
    },
    rollback: { startedAt: AT, why: text("A check failed on production."), seconds: null, sloSeconds: 1800 },
    migrations: [
      {
        version: "002",
        title: text("Agents, capabilities and their graph"),
        expectedSeconds: 60,
        notices: [],
        changes: {
          text: text("changes agent.email in 3,000 of 3,000 rows, adds table agent_edge"),
          tables: [],
          sequences: [],
          evidence: [],
        },
        staging: {
          passes: [pass("migrate", 42.4), pass("rollback", 1.3)],
          checks: checks([true, true, true]),
        },
        production: { passes: [pass("migrate", 38.1, 2)], checks: checks([true, false]) },
      },
      {
        version: "003",
        title: text("Tenants and row-level security"),
        expectedSeconds: 60,
        notices: [],
        changes: null,
        staging: { passes: [pass("migrate", 3.2), pass("rollback", 0.6)], checks: checks([true]) },
        production: { passes: [], checks: [] },
      },
    ],
    proofs: [
      {
        name: "staging-002",
        title: text("002 rolled back on staging"),
        at: AT,
        equal: true,
        fingerprintBefore: "b".repeat(64),
        fingerprintAfter: "b".repeat(64),
        tables: [],
        differences: [],
        moved: [],
        evidence: [],
      },
      {
        name: "staging-003",
        title: text("003 rolled back on staging"),
        at: AT,
        equal: false,
        fingerprintBefore: "b".repeat(64),
        fingerprintAfter: "c".repeat(64),
        tables: [],
        differences: [text("function public.f() added")],
        moved: [],
        evidence: [],
      },
    ],
    preflight: {
      at: AT,
      checks: [
        {
          name: text("server version"),
          passed: true,
          expected: text("15 or newer"),
          seen: text("17.2"),
          mend: "",
        },
        {
          name: text("free disk"),
          passed: null,
          expected: text("20 GiB"),
          seen: text("not known"),
          mend: text("Look in the console."),
        },
        {
          name: text("application roles"),
          passed: true,
          expected: text("own nothing"),
          seen: text("own nothing"),
          mend: "",
        },
      ],
    },
    snapshots: [
      {
        purpose: "rehearsal",
        id: text("sluice-rehearsal-0a1b2c3d4e5f"),
        instance: text("orders-prod"),
        at: AT,
        createdAt: AT,
        sizeBytes: 107374182400,
        engineVersion: text("17.2"),
        encrypted: true,
        kmsKey: text("arn:aws:kms:eu-central-1:123456789012:key/storage"),
        keepUntil: null,
        copies: [],
        evidence: [],
      },
    ],
    staging: {
      ...empty.staging,
      verified: { tables: 23, rows: text("2104332"), equal: true, differences: [text("one difference")] },
      rollbacks: [
        { version: "002", equal: true },
        { version: "003", equal: false },
      ],
    },
    benchmarks: [
      {
        name: "search",
        title: text("Vector search"),
        sloMs: 100,
        staging: { p50Ms: 3, p95Ms: 4.8, runs: 30, passed: true, note: null, ...UNTOLD },
        production: { p50Ms: null, p95Ms: null, runs: 0, passed: null, note: text("no rows yet"), ...UNTOLD },
      },
      {
        name: "graph",
        title: text("Graph traversal, four hops"),
        sloMs: 200,
        staging: { p50Ms: 190, p95Ms: 212, runs: 30, passed: false, note: null, ...UNTOLD },
        production: null,
      },
    ],
    hooks: [
      {
        name: text("stop"),
        at: AT,
        results: [
          {
            title: text("the application is stopped"),
            passed: true,
            expected: text("200"),
            seen: text("200"),
          },
        ],
        evidence: [],
      },
    ],
    afterOpening: [
      { title: text("refresh"), passed: false, seconds: 1, message: text("relation does not exist") },
    ],
    failures: [
      {
        at: AT,
        state: text("Apply 002 to staging"),
        error: text("LockTimeout"),
        message: text("A lock was not granted in time."),
      },
    ],
  };
}
