import type { CompiledPlan, Migration, Reminder } from "../plan.ts";
import type { Findings, Instance, Moments, PreflightCheck } from "../ports.ts";
import type { Published } from "../publications.ts";
import type { RunSettings } from "../settings.ts";
import { doc, type TimeDoc } from "./name.ts";

export interface FolderDoc {
  run: string;
}

export interface RequestDoc {
  run: string;
  execution: string;
  /** Start of its execution, from Step Functions: a name may be used again after 90 days. Absent in evidence of older runs. */
  executionStartedAt?: string | undefined;
  startedAt: string;
  startedBy?: string | undefined;
  reason?: string | undefined;
  plan: { name: string; title: string; checksum: string };
  /** The plan's origin; absent in evidence of older runs, and of local ones. */
  published?: Published | undefined;
  instance: string;
  database: string;
  /** The run's settings, whatever is deployed meanwhile; absent in evidence of older runs, and of local ones. */
  settings?: RunSettings | undefined;
  rehearse: "before" | "inside";
  fence: "connect" | "none";
  /** Absent where production itself is migrated. Otherwise a copy of this database stands for it; null: a copy of none. */
  copyOf?: string | null | undefined;
  /** Absent where RDS makes the copies; otherwise how they are made, with notes for people. */
  copies?: { how: "physical" | "dump"; notes: readonly string[] } | undefined;
  /** Absent where the settings have no maintenance window. */
  window?: RunWindow | undefined;
  /** The rollout that started the run; absent: nobody's. A claim of the execution's input, which each use checks. */
  rollout?: OfRollout | undefined;
}

/** Where in a rollout a run belongs. */
export interface OfRollout {
  name: string;
  /** From 1. */
  wave: number;
  /** Place of the database in the rollout's list, from 0. */
  index: number;
  /** The run waits at its gate `keep` for the wave's decision. */
  held: boolean;
}

/** The maintenance window of a run. Its end closes an open gate as No-Go. */
export interface RunWindow {
  begins: string;
  ends: string;
  /** Why the run may begin outside it; null: it may not. */
  override: string | null;
}

export interface ProductionDoc {
  at: string;
  /** Distinguishes it from an instance that has its name later. */
  identity: string;
  endpoint: { host: string; port: number };
  engineVersion: string;
  freeBytes: number | null;
  settings: Readonly<Record<string, unknown>>;
  /** Absent where it is unknown, and in evidence of older runs. */
  backups?: Instance["backups"];
  /** How it is restored to moments, and from which base backup; absent: it cannot be. */
  moments?: { by: Moments["by"]; baseAt: string | null } | undefined;
  /** Absent where there are none. */
  findings?: Findings | undefined;
}

export interface PreflightDoc {
  at: string;
  checks: PreflightCheck[];
}

export interface FoundRolesDoc {
  at: string;
  roles: string[];
}

export interface StoppedDoc {
  at: string;
  /** Step Functions's status of the run's execution at its end. */
  status: string;
  /** The execution that cleans up after it. */
  cleanUp: string;
}

/** A key, known by its hash, that lets its holder read the report until it expires. */
export interface ReportLinkDoc {
  at: string;
  expiresAt: string;
}

export interface StateDoc {
  /** The state's name for people, such as `Apply 006 to staging`. */
  state: string;
  /** The machine's phase. Absent in evidence of older runs. */
  phase?: string | undefined;
  /** The migration that it worked on; absent where it worked on none. */
  version?: string | undefined;
  at: string;
}

export const END_NAMES = ["Succeeded", "Refused", "RolledBack", "Restored", "NeedsOperator"] as const;

export type End = (typeof END_NAMES)[number];

export interface OutcomeDoc {
  at: string;
  end: End;
  /** A cause that a person can act on. */
  cause: string;
  /** Failed clean-up, and what to do about it; empty when nothing was left behind. */
  leftBehind: string[];
}

/** One failure of one state. */
export interface FailureDoc {
  state: string;
  error: string;
  message: string;
  at: string;
}

export interface MigrationSummary
  extends Pick<Migration, "version" | "folder" | "title" | "expectedMinutes" | "unasked" | "leaves"> {
  /** From its first step on, the restore is the way back. */
  restoreOnly?: true | undefined;
}

/**
 * The plan without its SQL, for the report. It is in the evidence, so that the report can be made from the evidence alone,
 * after the plan's files changed or on a machine without them.
 */
export interface PlanSummary
  extends Pick<CompiledPlan, "name" | "title" | "checksum" | "rollbackSloMinutes"> {
  expectedMinutes?: { admit: number; prove: number; open: number } | undefined;
  protect: readonly string[];
  migrations: readonly MigrationSummary[];
  benchmarks: readonly { name: string; title: string; sloMs: number }[];
  /** The plan's hooks, and its number of smoke tests. */
  application: { stop: boolean; start: boolean; test: boolean; smoke: number };
  /** Titles of the SQL after the opening. */
  afterOpening: readonly string[];
  /** Absent where nothing is watched, and in evidence of older runs. */
  watch?: {
    metrics: readonly { name: string; title: string; target: string; alert: string }[];
    verifyAgain?: { afterMinutes: number; migrations: readonly string[] } | undefined;
  };
  reminders?: readonly Reminder[];
  notices?: CompiledPlan["notices"];
}

/** Names of these documents. */
export const runDocuments = {
  /** In a local run: the run that owns the folder. It is the first document, and keeps other runs out. */
  folder: doc<FolderDoc>("folder", "shown"),
  request: doc<RequestDoc>("request", "shown"),
  /** The plan's facts for the report. */
  plan: doc<PlanSummary>("plan", "shown"),
  production: doc<ProductionDoc>("production", "shown"),
  preflight: doc<PreflightDoc>("preflight", "shown"),
  /** The application's roles that preflight found, for a plan that names none. */
  foundRoles: doc<FoundRolesDoc>("application-roles", "shown"),
  /** The run was stopped from outside; from then on only its clean-up acts for it. */
  stopped: doc<StoppedDoc>("stopped", "shown"),
  /** A link to the report, by the hash of its key. */
  reportLink: doc<ReportLinkDoc, [keyHash: string]>("report-links/*"),
  /** Noted at once by states without a migration and by states that outlast one worker; for all others see LinkDoc. */
  stateEntered: doc<StateDoc, [slug: string]>("states/*", "shown"),
  /** Only in evidence of older runs. */
  stateDone: doc<TimeDoc, [slug: string]>("states/*-done", "shown"),
  /** Sorted by time, as their names start with it. */
  failure: doc<FailureDoc, [at: Date, slug: string]>("failures/*-*", "shown"),
  outcome: doc<OutcomeDoc>("outcome", "shown"),
} as const;
