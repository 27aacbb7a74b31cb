import { docName, type TimeDoc } from "./name.ts";
import type { RecordDoc, ScopeDoc, TableContentDoc } from "./record.ts";

/** Round of the checks of all migrations, once all of them stand. */
export const EVERYTHING = "all";

export type Target = "production" | "staging";

export type Direction = "migrate" | "rollback";

export type ProofName =
  | `staging-${string}`
  /** Staging, restored a second time from the same snapshot. */
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
  /** Rows that it inserted, updated and deleted; null where nobody can count them. */
  rows: number | null;
  /** Written by the whole server meanwhile: behind the fence that is the step's. */
  walBytes: number | null;
  /** By how much the relations that it names grew, or the database where it names none. */
  sizeBytes: number | null;
  /** Locks that it held and others would have waited for, longest first. */
  locks: HeldLockDoc[];
  /** What it waited for. */
  waits: WaitDoc[];
  /** What people should know of it. */
  notes: string[];
  /** Tables that it wrote anew while nobody could read them; only of staging, and absent where there are none. */
  rewrites?: { tables: string[]; meant: boolean } | undefined;
}

export interface HeldLockDoc {
  relation: string;
  /** As Postgres names it, such as `AccessExclusiveLock`. */
  mode: string;
  /** At most. */
  seconds: number;
}

export interface WaitDoc {
  at: string;
  /** Null: older transactions. */
  relation: string | null;
  mode: string | null;
  seconds: number;
  /** Who held it up; empty where they could not be seen. */
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
  /** What the database was found to be. Absent in evidence of older runs, where it is by itself. */
  record?: RecordDoc | undefined;
  /** Absent where both are those of the record. */
  tablesBefore?: TableContentDoc[] | undefined;
  tablesAfter?: TableContentDoc[] | undefined;
  /** One line each: which object or table, and what differs. */
  differences: string[];
  /** What a rollback left as the plan says it may, in the plan's words; absent: nothing. All else is equal, or a difference. */
  left?: string[] | undefined;
  /** Contents that differ as they may where nothing is fenced: no proof either way. */
  unproven: string[];
  /** What was changed as the rehearsal had shown, a line for each table. Only the proof of production's data has any. */
  agreed: { table: string; text: string }[];
  /** Absent in evidence of older runs. */
  scope?: ScopeDoc | undefined;
  /** Rows that were added to tables that may grow, a line for each; absent: none. */
  grown?: string[] | undefined;
  /**
   * What came, went or changed and is not this plan's doing, as its rehearsal shows, one line each; absent: nothing. Of a
   * way back these are among the differences.
   */
  others?: string[] | undefined;
  /**
   * What people should know of though it is no difference, one line each: columns that came back at another position,
   * sequences that were set far ahead.
   */
  moved: string[];
}

/** What the migrations left half made; what was so before them is not among it. */
export interface LeftDoc {
  at: string;
  invalidIndexes: string[];
  /** Constraints that are NOT VALID: rows that were there before were not checked. Some leave them so on purpose. */
  notValid: string[];
}

export interface BenchmarkResult {
  name: string;
  title: string;
  sloMs: number;
  /** Null: not measured, and `note` says why. */
  p50Ms: number | null;
  p95Ms: number | null;
  runs: number;
  passed: boolean | null;
  note: string | null;
  /** Runs before those that count, until the volume and the session were warm, and how long the first of them took. */
  warmUp?: { runs: number; firstMs: number } | undefined;
  /** As EXPLAIN tells it. */
  plan?: readonly string[] | undefined;
  /** How long all of it took. */
  seconds?: number | undefined;
  /** There was nothing to measure it with until data for it were generated. */
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

/** What came of one try. */
export interface TriedDoc {
  at: string;
  /** Lines that say what is not as it must be. */
  wrong: string[];
}

/** Names of these documents. */
export const migrationDocuments = {
  steps: (target: Target, version: string, round: number, direction: Direction) =>
    docName<StepsDoc>(`steps/${target}-${version}-${round}-${direction}`),
  checks: (target: Target, version: string, round: string) =>
    docName<ChecksDoc>(`checks/${target}-${version}-${round}`),
  proof: (name: ProofName) => docName<ProofDoc>(`proofs/${name}`),
  /** What came of a rollback that was tried once more on staging. */
  rollbackTry: (name: string) => docName<TriedDoc>(`rollback-tries/${name}`),
  /** What stands half made once all migrations stand. */
  left: (target: Target) => docName<LeftDoc>(`left/${target}`),
  benchmarks: (target: Target) => docName<BenchmarksDoc>(`benchmarks/${target}`),
  hook: (name: string) => docName<HookDoc>(`hooks/${name}`),
  /** Noted before a hook is called: it may have worked though its answer was lost or unexpected. */
  hookSent: (name: string) => docName<TimeDoc>(`sent/${name}`),
} as const;
