import { doc, type TimeDoc } from "./name.ts";
import type { RecordDoc, ScopeDoc, TableContentDoc } from "./record.ts";

/** Round of all migrations' checks after all migrations are applied. */
export const EVERYTHING = "all";

export type Target = "production" | "staging";

export type Direction = "migrate" | "rollback";

export type ProofName =
  | `staging-${string}`
  /** Staging, restored a second time from the same backup. */
  | "restore-rehearsed"
  | "production-data"
  | "production-rolled-back"
  | "production-restored";

export interface StepDoc {
  name: string;
  /** File and line, such as `006_knowledge_graph/migrate.sql:12`. */
  at: string;
  startedAt: string;
  seconds: number;
  /** Times that the step gave way to a lock held by others. */
  gaveWay: number;
  /** Rows that it inserted, updated and deleted; null where they cannot be counted. */
  rows: number | null;
  /** WAL of the whole server during the step; behind the fence it is the step's own. */
  walBytes: number | null;
  /** Growth of the relations that it names, or of the database where it names none. */
  sizeBytes: number | null;
  /** Locks that it held and that would block others, longest first. */
  locks: HeldLockDoc[];
  /** Its waits for locks. */
  waits: WaitDoc[];
  /** Notes for people. */
  notes: string[];
  /** Tables that it rewrote under a lock that blocks readers; only on staging, and absent where there are none. */
  rewrites?: { tables: string[]; meant: boolean } | undefined;
}

export interface HeldLockDoc {
  relation: string;
  /** PostgreSQL's name of the mode, such as `AccessExclusiveLock`. */
  mode: string;
  /** The most time that it was held. */
  seconds: number;
}

export interface WaitDoc {
  at: string;
  /** Null: the step waited for older transactions. */
  relation: string | null;
  mode: string | null;
  seconds: number;
  /** The blocking sessions; empty where they are not visible. */
  blockers: { pid: number; user: string | null; queryStart: string | null }[];
}

export interface StepsDoc {
  target: Target;
  version: string;
  title: string;
  round: number;
  direction: Direction;
  startedAt: string;
  endedAt: string;
  seconds: number;
  steps: StepDoc[];
}

export interface CheckResult {
  name: string;
  /** File and line of the check. */
  at: string;
  as: string | null;
  passed: boolean;
  expected: string;
  seen: string;
}

export interface ChecksDoc {
  at: string;
  target: Target;
  version: string;
  seconds: number;
  results: CheckResult[];
}

export interface ProofDoc {
  at: string;
  name: ProofName;
  equal: boolean;
  /** Null where only contents were compared. */
  fingerprintBefore: string | null;
  fingerprintAfter: string | null;
  /** The record of the compared state. Absent in evidence of older runs, where it is a separate document. */
  record?: RecordDoc | undefined;
  /** Absent where both equal the record's. */
  tablesBefore?: TableContentDoc[] | undefined;
  tablesAfter?: TableContentDoc[] | undefined;
  /** One line each: the object or table, and the difference. */
  differences: string[];
  /** What a rollback left with the plan's permission, in the plan's words; absent: nothing. All else is equal or a difference. */
  left?: string[] | undefined;
  /** Contents that differ, as is possible without a fence: neither proven nor disproven. */
  unproven: string[];
  /** Changes that equal the rehearsal's, a line for each table. Only the proof of production's data has any. */
  agreed: { table: string; text: string }[];
  /** Absent in evidence of older runs. */
  scope?: ScopeDoc | undefined;
  /** Rows added to tables that may grow, a line for each table; absent: none. */
  grown?: string[] | undefined;
  /**
   * Objects that were added, removed or changed by others than this plan, as its rehearsal shows, one line each; absent:
   * none. For a way back these are among the differences.
   */
  others?: string[] | undefined;
  /**
   * Notes for people that are no differences, one line each: columns that came back at another position, sequences that
   * were set far ahead.
   */
  moved: string[];
}

/** Unfinished objects that the migrations left; unfinished objects from before are not included. */
export interface LeftDoc {
  at: string;
  invalidIndexes: string[];
  /** Constraints that are NOT VALID: earlier rows are unchecked. Some plans leave them so on purpose. */
  notValid: string[];
}

export interface BenchmarkResult {
  name: string;
  title: string;
  sloMs: number;
  /** Null: not measured; `note` has the reason. */
  p50Ms: number | null;
  p95Ms: number | null;
  runs: number;
  passed: boolean | null;
  note: string | null;
  /** Uncounted runs until the volume and the session were warm, and the duration of the first. */
  warmUp?: { runs: number; firstMs: number } | undefined;
  /** EXPLAIN's output. */
  plan?: readonly string[] | undefined;
  /** Duration of the whole benchmark. */
  seconds?: number | undefined;
  /** True: its data had to be generated first. */
  generated?: boolean | undefined;
}

export interface BenchmarksDoc {
  at: string;
  target: Target;
  results: BenchmarkResult[];
}

export interface HookDoc {
  at: string;
  name: string;
  results: { title: string; passed: boolean | null; expected: string; seen: string }[];
}

/** Result of one try. */
export interface TriedDoc {
  at: string;
  /** What is wrong, a line each. */
  wrong: string[];
}

/** Names of these documents. */
export const migrationDocuments = {
  steps: doc<StepsDoc, [target: Target, version: string, round: number, direction: Direction]>(
    "steps/*-*-*-*",
    "shown",
  ),
  checks: doc<ChecksDoc, [target: Target, version: string, round: string]>("checks/*-*-*", "shown"),
  proof: doc<ProofDoc, [name: ProofName]>("proofs/*", "shown"),
  /** Result of a rollback that was tried once more on staging. */
  rollbackTry: doc<TriedDoc, [name: string]>("rollback-tries/*"),
  /** Unfinished objects after all migrations are applied. */
  left: doc<LeftDoc, [target: Target]>("left/*", "shown"),
  benchmarks: doc<BenchmarksDoc, [target: Target]>("benchmarks/*", "shown"),
  hook: doc<HookDoc, [name: string]>("hooks/*", "shown"),
  /** Noted before a hook is called: it may have worked although its answer was lost or unexpected. */
  hookSent: doc<TimeDoc, [name: string]>("sent/*"),
} as const;
