import type { CompiledPlan, Migration, Reminder } from "../plan.ts";
import type { Findings, Instance, Moments, PreflightCheck } from "../ports.ts";
import type { Published } from "../publications.ts";
import type { RunSettings } from "../settings.ts";
import { docName, type TimeDoc } from "./name.ts";

export interface FolderDoc {
  run: string;
}

export interface RequestDoc {
  run: string;
  execution: string;
  /** When its execution was started, as Step Functions says: a name may be used again after 90 days. Absent in evidence of older runs. */
  executionStartedAt?: string | undefined;
  startedAt: string;
  startedBy?: string | undefined;
  reason?: string | undefined;
  plan: { name: string; title: string; checksum: string };
  /** Whose plan it is; absent in evidence of older runs, and of local ones. */
  published?: Published | undefined;
  instance: string;
  database: string;
  /** The settings that the run keeps to, whatever is deployed meanwhile; absent in evidence of older runs, and of local ones. */
  settings?: RunSettings | undefined;
  rehearse: "before" | "inside";
  fence: "connect" | "none";
  /** Absent where production itself is migrated; else a copy stands for it, of that database or (null) of none. */
  copyOf?: string | null | undefined;
  /** Absent where copies are made as the fleet makes its own; else how, and what is to be said of them. */
  copies?: { how: "physical" | "dump"; notes: readonly string[] } | undefined;
  /** Absent where the settings have no maintenance window. */
  window?: RunWindow | undefined;
}

/** The opening of the maintenance window that bounds a run: its end closes an open gate as No-Go. */
export interface RunWindow {
  begins: string;
  ends: string;
  /** Why the run may begin outside it; null: nobody said so. */
  override: string | null;
}

export interface ProductionDoc {
  at: string;
  /** Tells it from what may have its name later. */
  identity: string;
  endpoint: { host: string; port: number };
  engineVersion: string;
  freeBytes: number | null;
  settings: Readonly<Record<string, unknown>>;
  /** Absent where the fleet does not say, and in evidence of older runs. */
  backups?: Instance["backups"];
  /** How the fleet takes it back to moments, and from which base backup; absent: it cannot. */
  moments?: { by: Moments["by"]; baseAt: string | null } | undefined;
  /** Absent where the fleet has nothing to say of it. */
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
  /** What Step Functions calls how the run's execution ended. */
  status: string;
  /** The execution that cleans up after it. */
  cleanUp: string;
}

/** Who has the key of that hash may read the report, for so long. */
export interface ReportLinkDoc {
  at: string;
  expiresAt: string;
}

export interface StateDoc {
  /** As people call it, such as `Apply 006 to staging`. */
  state: string;
  /** Of the machine. Absent in evidence of older runs. */
  phase?: string | undefined;
  /** The migration that it worked on, where it did on one. */
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
  /** Clean-up that failed and what to do about it; empty when nothing was left behind. */
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
 * The plan without its SQL: what a report needs of it. It is kept in the evidence, so that the report can be made
 * from that alone, after the plan's files changed or on a machine that never had them.
 */
export interface PlanSummary
  extends Pick<CompiledPlan, "name" | "title" | "checksum" | "rollbackSloMinutes"> {
  expectedMinutes?: { admit: number; prove: number; open: number } | undefined;
  protect: readonly string[];
  migrations: readonly MigrationSummary[];
  benchmarks: readonly { name: string; title: string; sloMs: number }[];
  /** Which hooks the plan has, and how many smoke tests. */
  application: { stop: boolean; start: boolean; test: boolean; smoke: number };
  /** Titles of what is done after opening. */
  afterOpening: readonly string[];
  /** Absent where nothing is watched, and in evidence of older runs. */
  watch?: {
    metrics: readonly { name: string; title: string; target: string; alert: string }[];
    verifyAgain?: { afterMinutes: number; migrations: readonly string[] } | undefined;
  };
  reminders?: readonly Reminder[];
  notices?: CompiledPlan["notices"];
}
// Behind the fence nobody sees that a migration stops a job or a subscription: it is stopped already. Staging shows it.
// There none runs either, but each is marked as on production. What the plan stops stays so where its migrations stand.

/** Names of these documents. */
export const runDocuments = {
  /** Of a local run: whose evidence the folder holds. It is the first document, and keeps other runs out. */
  folder: docName<FolderDoc>("folder"),
  request: docName<RequestDoc>("request"),
  /** What the report needs of the plan. */
  plan: docName<PlanSummary>("plan"),
  production: docName<ProductionDoc>("production"),
  preflight: docName<PreflightDoc>("preflight"),
  /** The application's roles as preflight found them, of a plan that names none. */
  foundRoles: docName<FoundRolesDoc>("application-roles"),
  /** The run was ended from outside; from then on only its clean-up acts for it. */
  stopped: docName<StoppedDoc>("stopped"),
  /** A link to the report, by the hash of its key. */
  reportLink: (keyHash: string) => docName<ReportLinkDoc>(`report-links/${keyHash}`),
  /** Noted at once by what does not work on a migration, and by what goes on with another worker; else see LinkDoc. */
  stateEntered: (slug: string) => docName<StateDoc>(`states/${slug}`),
  /** In evidence of older runs. */
  stateDone: (slug: string) => docName<TimeDoc>(`states/${slug}-done`),
  /** Sorted by time, as their names start with it. */
  failure: (at: Date, slug: string) =>
    docName<FailureDoc>(`failures/${at.toISOString().replace(/[:.]/g, "-")}-${slug}`),
  outcome: docName<OutcomeDoc>("outcome"),
} as const;
