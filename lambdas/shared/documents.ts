import type { MomentPurpose, SnapshotPurpose } from "./names.ts";
import type { CompiledPlan, Migration, Reminder } from "./plan.ts";
import type {
  ArchivedSnapshot,
  Findings,
  Instance,
  MomentState,
  Moments,
  PointInTime,
  PreflightCheck,
  StorageWork,
  WatchScheduleDoc,
} from "./ports.ts";
import type { Published } from "./publications.ts";
import type { BackupKind, RunSettings } from "./settings.ts";

/**
 * The documents of a run's evidence, by name (see evidence.ts). Times are ISO 8601 in UTC, durations are seconds.
 * Whoever writes one and whoever reads one take its name and its shape from here.
 */
export const Doc = {
  /** Of a local run: whose evidence the folder holds. It is the first document, and keeps other runs out. */
  folder: "folder",
  request: "request",
  /** What the report needs of the plan. */
  plan: "plan",
  production: "production",
  preflight: "preflight",
  /** How production is backed up, as preflight chose. */
  backup: "backup",
  /** A moment that production can be taken back to. */
  moment: (purpose: MomentPurpose) => `moments/${purpose}`,
  /** Noted once the server's clock was past it, before anything is written that must not be in it. */
  momentPassed: (purpose: MomentPurpose) => `moments/${purpose}-passed`,
  /** What the fleet said of it when it was asked first: that its backups are on, and hold it. */
  momentHeld: (purpose: MomentPurpose) => `moments/${purpose}-held`,
  /** What it said when it was asked before a gate, or for a restore; n counts from 1. */
  momentSeen: (n: number) => `moments/seen-${n}`,
  /** The application's roles as preflight found them, of a plan that names none. */
  foundRoles: "application-roles",
  fence: "fence",
  /** Noted before the application is let in: from then on it may write. */
  fenceLifting: "fence-lifting",
  fenceLifted: "fence-lifted",
  /** Production is fenced again when it is rolled back after the opening. */
  fenceAgain: "fence-again",
  fenceAgainLifted: "fence-again-lifted",
  /** The snapshot was taken behind the fence, so what is restored from it is fenced too. */
  fenceRestoredLifted: "fence-restored-lifted",
  /** What writes by itself and was stopped by a fence, each in a document of its own: noted before it is stopped. */
  stilled: (set: FenceSet, kind: StilledDoc["kind"] | "", id: string) => `stilled/${set}-${kind}-${id}`,
  stilledBack: (set: FenceSet | "restored") => `stilled-back-${set}`,
  /** Jobs that the migrations stop, as staging showed. */
  /** On staging: the jobs and subscriptions that are active as restored, and those that the plan stops. */
  activeBefore: "staging/active-before",
  stoppedByPlan: "staging/stopped-by-plan",
  alarmsSilenced: "alarms-silenced",
  alarmsOn: "alarms-on",
  /** Where the server's counters stood before the record was taken (writes/mark.ts). */
  mark: "writes/mark",
  /** What was written from then on, as seen before the first migration, and before a restore. */
  written: (until: "migration" | "restore") => `writes/until-${until}`,
  /** What a restore would lose. */
  loss: "loss",
  record: (when: RecordName) => `records/${when}`,
  /** What a record begins with, where it goes on for longer than one worker, or is an older run's. */
  recordBegan: (when: RecordName) => `records/${when}/began`,
  /** What a migration did on staging to what was there before it; what all of them did there; what they did on production. */
  changes: (what: ChangesName) => `changes/${what}`,
  /** Objects that a migration makes, changes or drops. */
  made: (version: string) => `made/${version}`,
  /** Of all migrations, once all are rehearsed: production's checks and proofs read it. */
  madeByAll: "made-by/all",
  /** The catalog that a gate was asked for, or that staging had once a migration with `leaves` was first applied; of older runs also those of records. */
  fingerprint: (name: string) => `fingerprints/${name}`,
  /** By the SHA-256 of its text. */
  catalog: (sha256: string) => `catalogs/${sha256}`,
  snapshot: (purpose: SnapshotPurpose) => `snapshots/${purpose}`,
  /** When it was asked for, by the first worker that did. */
  snapshotBegan: (purpose: SnapshotPurpose) => `snapshots-began/${purpose}`,
  archived: "snapshots/archived",
  /** The parameter group that keeps copies of production still. */
  quiet: "quiet",
  /** From when on the instance that was moved aside was to be kept still. */
  quieting: "quieting",
  notQuiet: "not-quiet",
  staging: "staging",
  stagingBegan: "staging/began",
  /** The copy that took its place when the restore was rehearsed as the way back. */
  stagingAgain: "staging-again",
  stagingAgainBegan: "staging-again/began",
  stagingAgainWithout: "staging-again/without",
  /** Settings of production that the fleet refused to give to staging when it was restored. */
  stagingWithout: "staging/without",
  /** How far its storage was when the rehearsal was done with it. */
  stagingStorage: "staging-storage",
  stagingVerified: "staging-verified",
  /** User mappings of staging that were made useless. */
  disarmed: "staging-disarmed",
  stagingDeleted: "staging-deleted",
  steps: (target: Target, version: string, round: number, direction: Direction) =>
    `steps/${target}-${version}-${round}-${direction}`,
  checks: (target: Target, version: string, round: string) => `checks/${target}-${version}-${round}`,
  proof: (name: ProofName) => `proofs/${name}`,
  /** What came of a rollback that was tried once more on staging. */
  rollbackTry: (name: string) => `rollback-tries/${name}`,
  /** What stands half made once all migrations stand. */
  left: (target: Target) => `left/${target}`,
  benchmarks: (target: Target) => `benchmarks/${target}`,
  hook: (name: string) => `hooks/${name}`,
  /** Noted before a hook is called: it may have worked though its answer was lost or unexpected. */
  hookSent: (name: string) => `sent/${name}`,
  gate: (gate: string, attempt: number) => `gates/${gate}-${attempt}/request`,
  gateToken: (gate: string, attempt: number) => `gates/${gate}-${attempt}/token`,
  /** One of several Goes that a gate needs, in the order in which they came: the first is 1. */
  gateApproval: (gate: string, attempt: number, n: number) => `gates/${gate}-${attempt}/go-${n}`,
  gateDecision: (gate: string, attempt: number) => `gates/${gate}-${attempt}/decision`,
  /** A No-Go that came when the gate had its Go: it changes nothing, and is kept. The first is 1. */
  gateObjection: (gate: string, attempt: number, n: number) => `gates/${gate}-${attempt}/no-go-${n}`,
  /** How long each way back from production takes, as the rehearsal tells. */
  wayBack: "way-back",
  /** The run was ended from outside; from then on only its clean-up acts for it. */
  stopped: "stopped",
  rollback: "rollback",
  /** From when on a restore waits for what it goes back to. */
  awaiting: "awaiting-backup",
  restore: "restore",
  movedAside: "moved-aside",
  restoring: "restoring",
  restored: "restored",
  /** When it was first asked to have its settings again. */
  handingOver: "handing-over",
  /** What became of the settings of what was restored, and what people must see to. */
  handedOver: "handed-over",
  afterOpening: "after-opening",
  aftercare: "aftercare",
  /** The watch's reading of staging: that its queries work. */
  watchRehearsed: "watch-rehearsed",
  /** Readings of the watch, sorted by time. The first one is the run's own. */
  reading: (at: Date) => `${READINGS}${at.toISOString().replace(/[:.]/g, "-")}`,
  verifiedAgain: "verified-again",
  /** A link to the report, by the hash of its key. */
  reportLink: (keyHash: string) => `report-links/${keyHash}`,
  /** Noted at once by what does not work on a migration, and by what goes on with another worker; else see LinkDoc. */
  stateEntered: (slug: string) => `states/${slug}`,
  /** In evidence of older runs. */
  stateDone: (slug: string) => `states/${slug}-done`,
  /** Sorted by time, as their names start with it. */
  failure: (at: Date, slug: string) => `failures/${at.toISOString().replace(/[:.]/g, "-")}-${slug}`,
  outcome: "outcome",
  report: "report",
  /** Every file's SHA-256 (manifest.ts). */
  manifest: "manifest",
} as const;

/** Of all readings of the watch. */
export const READINGS = "watch/";

/** Round of the checks of all migrations, once all of them stand. */
export const EVERYTHING = "all";

export type Target = "production" | "staging";
export type Direction = "migrate" | "rollback";
/**
 * Catalog and contents: of production under the fence (`before`) and fenced again after the opening (`reopened`), of
 * staging as restored (`staging`), before each migration (`staging-006`) and once it is applied for good
 * (`changed-006`), of what a restore might lose (`loss`), and of whatever a proof looked at.
 */
export type RecordName =
  | "staging"
  | "before"
  | "reopened"
  | "loss"
  | `staging-${string}`
  | `changed-${string}`
  | `after-${ProofName}`;
export type ChangesName = `staging-${string}` | Target;
export type ProofName =
  | `staging-${string}`
  /** Staging, restored a second time from the same snapshot. */
  | "restore-rehearsed"
  | "production-data"
  | "production-rolled-back"
  | "production-restored";

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

/** How production is backed up. */
export interface BackupDoc {
  at: string;
  by: BackupKind;
  /** Why it is that, a sentence each. */
  why: string[];
  /** Of `point-in-time`: what restoring would replay from, as far as it could be found out. */
  replay?: ReplayDoc | undefined;
  /** Of `point-in-time`: by how many milliseconds the server's clock was ahead of the worker's. */
  clockAheadMs?: number | undefined;
}

/** The price of a restore to a moment: the WAL that has to be replayed. */
export interface ReplayDoc {
  /** When the base backup was made from which it begins; null: not known, a day before at most. */
  baseAt: string | null;
  /** How fast production writes WAL, in bytes an hour; null: not known. */
  bytesPerHour: number | null;
}

/** A moment of production, noted when nobody but the run was to write any more. */
export interface MomentDoc extends PointInTime {
  /** By the worker's clock. */
  notedAt: string;
  /** A transaction that wrote nothing, and committed last before the moment; decimal text. */
  transaction: string;
  /** What was under way then: `pg_current_snapshot()`. */
  underWay: string;
}

export interface MomentPassedDoc {
  at: string;
  /** By the server's clock: everything that commits from now on comes after the moment. */
  serverTime: string;
  /** The first transaction after it, which wrote nothing; decimal text. */
  transaction: string;
}

export interface MomentSeenDoc {
  at: string;
  state: MomentState;
}

export interface PreflightDoc {
  at: string;
  checks: PreflightCheck[];
}

export interface FoundRolesDoc {
  at: string;
  roles: string[];
}

export interface FenceDoc {
  at: string;
  mode: "connect" | "none";
  /** The database's access list before, as Postgres prints it; null where it was the default one. */
  aclBefore: string[] | null;
  /** What the fence takes of it, noted before it is taken: this is what is given back. */
  taken: ConnectRightDoc[];
  /** Roles that were given CONNECT by name, as what they had it through is taken: Sluice's own. It is taken back. */
  granted?: string[] | undefined;
  roles: string[];
}

/** The fence before the migrations, or the one after an opening that is taken back. */
export type FenceSet = "first" | "again";

/** What writes to the database by itself, and was stopped. */
export type StilledDoc =
  | { at: string; kind: "subscription"; name: string }
  | {
      at: string;
      kind: "job";
      /** That pg_cron keeps its jobs in. */
      database: string;
      job: CronJob;
    };

/** A right to connect to the database. */
export interface ConnectRightDoc {
  /** Null: PUBLIC. */
  grantee: string | null;
  /** It came with the grant option. */
  grantable: boolean;
  /** A migration of the plan revokes it: it is given back only where the migrations do not stand. */
  revokedByPlan?: true | undefined;
}

export interface TableContentDoc {
  table: string;
  columns: string[];
  rows: string;
  checksum: string | null;
  /** See TableContent: sums of columns and of the key, where they were asked for. */
  sums?: Record<string, string> | undefined;
  keys?: string | undefined;
  key?: string[] | undefined;
  /** Its rows were counted and none was read: row versions show whether they are touched later. */
  unread?: true | undefined;
  /** Of the rows that are new since the record that this one builds on. */
  written?: { rows: string; keys?: string | undefined } | undefined;
  /** Absent: every row is the very version that the record has which this one builds on. */
  touched?: TouchedDoc | undefined;
}

/** By row versions; decimal text. */
export interface TouchedDoc {
  /** Rows that were added or changed. */
  written: string;
  /** Rows that are gone, or were changed. */
  gone: string;
}

export interface RecordBeganDoc {
  at: string;
  mark: RowMark;
  sequences: SequenceDoc[];
  tables: ListedTable[];
  /** Unlogged tables that the plan leaves out; absent: none are. */
  leftOut?: string[] | undefined;
}

/** What a materialized view held. */
export interface ViewContentDoc extends TableContentDoc {
  /** Why it was not read; then it has no rows and no checksum. */
  notRead?: "not populated" | "may not" | "left out" | undefined;
}

export interface RecordDoc {
  at: string;
  seconds: number;
  fingerprint: string;
  /** SHA-256 of the document that holds the catalog's objects. Absent in evidence of older runs: see Doc.fingerprint. */
  catalog?: string | undefined;
  /** What row versions are told by. Absent in evidence of older runs: see Doc.recordBegan. */
  mark?: RowMark | undefined;
  /** The record by whose mark it was told which rows are touched; absent: none, every table was read or counted. */
  since?: RecordName | undefined;
  tables: TableContentDoc[];
  sequences: SequenceDoc[];
  /** Absent in evidence of older runs. */
  largeObjects?: LargeObjectsDoc | undefined;
  /** Materialized views. Absent in evidence of older runs. */
  views?: ViewContentDoc[] | undefined;
  /** Tables that the plan says only grow; absent: none do. */
  growing?: GrowingDoc[] | undefined;
  /** Unlogged tables that the plan leaves out; absent: none are. */
  leftOut?: string[] | undefined;
  /** Absent where more than one worker took it, and in evidence of older runs. */
  spent?: SpentDoc | undefined;
}

/** What of a record's time went into its rows; all else is the same for any number of rows. */
export interface SpentDoc {
  /** Rows that row versions were looked at of. */
  compared: RowsTime;
  /** Rows whose values were read. */
  read: RowsTime;
}

export interface RowsTime {
  rows: number;
  seconds: number;
}

/** Decimal texts. */
export interface LargeObjectsDoc {
  count: string;
  /** Those whose content this role may not read. */
  unread: string;
  oids: string[];
  unreadOids: string[];
  /** Sums of hashes: of what they hold, and of their owners, rights and comments. */
  content: string;
  properties: string;
}

/** A table that only grows. Decimal texts. */
export interface GrowingDoc {
  table: string;
  columns: string[];
  /** The transaction before which its earlier rows were written. */
  since: string;
  /** The earlier rows, and the sum of their hashes. */
  rows: string;
  checksum: string;
  /** Rows that were written later. */
  added: string;
  missing?: true | undefined;
}

/** What a proof speaks of, and what it does not, such as `7 tables` and `1 sequence (the role may not read it)`. */
export interface ScopeDoc {
  proven: string[];
  notProven: string[];
}

/** What was done to what had been there before: the tables' rows, and what holds them. */
export interface ChangesDoc {
  at: string;
  /** Only those that are not as they were, by the names that they had. */
  tables: TableChangeDoc[];
  objects: ObjectChangesDoc;
  /** Sequences that went on, or back; decimal text, null: it had given no value yet. */
  sequences: SequenceMovedDoc[];
  /** Tables whose rows were written since staging was restored, be it by a rollback, or to the same values. */
  touched: string[];
}

export interface MadeDoc {
  /** Kind and name, as the catalog's fingerprint has them. */
  objects: [kind: string, name: string][];
}

export interface MadeByAllDoc {
  /** By the migration's version. */
  made: Readonly<Record<string, MadeDoc["objects"]>>;
}

export interface SequenceMovedDoc {
  sequence: string;
  from: string | null;
  to: string | null;
  /** It was set back: values that it had given it gives again. */
  back?: true;
}

export interface TableChangeDoc {
  table: string;
  /** What became of the table itself; absent: it stayed. `replaced`: it was dropped, and another one has its name. */
  fate?: "dropped" | "replaced" | "renamed" | undefined;
  /** Of a table that was renamed. */
  to?: string | undefined;
  /** The table that it has become a partition or a child of. */
  partitionOf?: string | undefined;
  /** Decimal text. */
  rowsBefore: string;
  rows?: RowChangesDoc | undefined;
  columns: ColumnChangeDoc[];
  /** What the table held before: equal ones began alike. Null: not read in full. */
  began: string | null;
  /** A migration that wrote to it picks rows by the time or by chance: later it may hit others. */
  byTime?: true;
}

/** Decimal text. */
export interface RowChangesDoc {
  added: string;
  removed: string;
  changed: string;
  /** What was added, removed and changed cannot be told apart: `added` are the rows written, `removed` those gone. */
  mixed?: true | undefined;
  /** Sum of the keys of the rows that are gone or changed; null: not known. */
  keys: string | null;
}

export interface ColumnChangeDoc {
  column: string;
  how: "changed" | "dropped" | "renamed" | "retyped";
  /** Its new name, or its type before and now. */
  to?: string | undefined;
  from?: string | undefined;
}

/** Of the catalog: how many there are of each, and some of them by kind and name. */
export interface ObjectChangesDoc {
  added: number;
  gone: number;
  changed: number;
  some: { added: string[]; gone: string[]; changed: string[] };
}

/** How far a sequence has come. */
export interface SequenceDoc {
  sequence: string;
  /** Decimal text; null: it has given no value yet, or may not be read. */
  last: string | null;
  rises: boolean;
  /** This role may not read it. */
  unread?: true | undefined;
  /** The last value that there can be. Absent in evidence of older runs. */
  end?: string | undefined;
}

/** What is in production and would be lost if the final snapshot took its place. */
export interface LossDoc {
  at: string;
  /** When the record was begun that it is compared with. */
  since: string;
  /** The application could write since then: nothing was fenced, or it was let in again. */
  applicationWasIn: boolean;
  /** Tables whose rows are not, or cannot be known to be, as recorded; and others that the application could write to. */
  tables: TableLossDoc[];
  /** How many tables are as recorded. */
  asRecorded: number;
  /** Of these, how many the server's counters say so of: no row was written, so none was read. */
  byCounters: number;
}

/** By the server's counters, where they tell: this run's own writes and those that were rolled back are among them. */
export interface TableLossDoc {
  table: string;
  /** Null: there was no such table, or its rows are not recorded. */
  rowsBefore: string | null;
  /** Null: there is no such table any more, or its rows were not counted. */
  rowsNow: string | null;
  inserted: number | null;
  updated: number | null;
  deleted: number | null;
}

export interface SnapshotDoc {
  at: string;
  /** When it was asked for; absent in evidence of older runs. */
  beganAt?: string | undefined;
  id: string;
  instance: string;
  createdAt: string | null;
  sizeBytes: number | null;
  engineVersion: string | null;
  encrypted: boolean | null;
  kmsKey: string | null;
  /** Present where it is a clone: a copy of the volume that nothing runs on, and no backup. */
  clone?: true | undefined;
  /** Date until which it is kept, such as `2027-11-03`; null: only for this run. */
  keepUntil: string | null;
}

/** Further copies of the final snapshot, as they stood when they were begun. */
export interface ArchivedDoc {
  at: string;
  copies: ArchivedSnapshot[];
}

export interface StagingDoc {
  at: string;
  /** From the start of its restore until it could be used. */
  seconds: number;
  id: string;
  endpoint: { host: string; port: number };
  /** What was being done to its storage then. */
  storage?: StorageWork | undefined;
  /** Settings of production that the fleet refused to give it, each with why. */
  refused?: string[] | undefined;
}

export interface StagingStorageDoc {
  at: string;
  storage: StorageWork | null;
}

export interface StagingVerifiedDoc {
  at: string;
  tables: number;
  rows: string;
  equal: boolean;
  differences: string[];
  /** Absent in evidence of older runs. */
  scope?: ScopeDoc | undefined;
}

export interface QuietDoc {
  at: string;
  group: string;
}

/** An instance that could not be kept still. */
export interface NotQuietDoc {
  at: string;
  instance: string;
  why: string;
}

/** User mappings of a copy, such as `app on server billing`. */
export interface DisarmedDoc {
  at: string;
  useless: string[];
  /** Those that the role may not change, with what the server said. */
  left: string[];
}

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

export type Decision = "Go" | "NoGo";

/** What a gate was opened for; the page shows it. No token and no key in it: of the key only the hash. */
export interface GateDoc {
  /** Such as `readiness`, `rehearsal`, `after-006`, `open`, `keep`, `restore`. */
  gate: string;
  kind: "readiness" | "rehearsal" | "after" | "open" | "keep" | "restore";
  version: string | null;
  attempt: number;
  escalation: boolean;
  question: string;
  checklist: string[];
  openedAt: string;
  expiresAt: string;
  keyHash: string;
  /** Where each was asked by a link of their own, which says who answers: that key's hash. Then no other link is good. */
  approvers?: { name: string; keyHash: string }[] | undefined;
  /** What a Go is bound to. Null fingerprint: the gate is not about the catalog. */
  basis: { fingerprint: string | null; planChecksum: string; report: string };
  /** Why it is asked once more. */
  changed: string[];
  /** What people must read first, a line each; absent where there is nothing, and in evidence of older runs. */
  warnings?: string[] | undefined;
  /** Absent where one Go is enough. */
  quorum?: GateQuorum | undefined;
  /** Absent where there is no maintenance window, or its end does not close this gate. */
  window?: RunWindow | undefined;
  /** What a Go and a No-Go lead to, in a sentence each. */
  go: string;
  noGo: string;
}

export interface GateQuorum {
  /** How many people, of different names, must say Go. */
  approvals: number;
  /** It takes more than the plan says, as nobody knows who started the run and may not decide alone. */
  starterUnknown: boolean;
  /** The first attempt that asked the very same: Goes to it and to those after it count here too. */
  since: number;
}

/** One Go of several that are needed. */
export interface GateApprovalDoc {
  attempt: number;
  by: string;
  comment: string;
  at: string;
  from: string;
  ticked: string[];
  /** SHA-256 of the page as it was shown. */
  shown: string;
}

export interface GateDecisionDoc {
  gate: string;
  attempt: number;
  decision: Decision;
  by: string;
  comment: string;
  at: string;
  /** Address the answer came from. */
  from: string;
  ticked: string[];
  /** SHA-256 of the page as it was shown. */
  shown: string;
  /** Where more than one was needed: every Go by itself. */
  approvals?: GateApprovalDoc[] | undefined;
}

/** A No-Go after the Go. */
export interface GateObjectionDoc {
  gate: string;
  attempt: number;
  by: string;
  comment: string;
  at: string;
  from: string;
}

export interface WayBackDoc {
  at: string;
  /** How long the plan lets a rollback take. */
  sloSeconds: number;
  /** Of the migrations that have a rollback that leads back; without parts where there is none. */
  rollback: PredictedDoc;
  restore: PredictedDoc;
  /** The first restore-only migration: from it on the restore is the way back. Absent: there is none. */
  restoreFrom?: string | undefined;
}

export interface PredictedDoc {
  seconds: number;
  parts: { what: string; seconds: number }[];
  /** What is not counted, as no rehearsal shows it. */
  leavesOut?: string[] | undefined;
  /** Of a restore to a moment: what it replays. */
  replay?: { bytes: number | null; baseAt: string | null; counted: boolean } | undefined;
}

export interface StoppedDoc {
  at: string;
  /** What Step Functions calls how the run's execution ended. */
  status: string;
  /** The execution that cleans up after it. */
  cleanUp: string;
}

export interface RollbackDoc {
  at: string;
  /** Why the database is brought back. */
  why: string;
  /** Newest migration that left something behind; null: none did. */
  from: string | null;
  /** The first restore-only migration that has begun: nothing is rolled back, as only the restore leads back. */
  restoreFrom?: string | undefined;
}

export interface RestoreDoc {
  at: string;
  /** What is restored: the final snapshot, or else production at that moment. */
  snapshot?: string | undefined;
  moment?: string | undefined;
  /** Where the former production went. */
  aside: string;
}

export interface AfterOpeningDoc {
  at: string;
  results: { title: string; passed: boolean; seconds: number; message: string }[];
}

/** What follows a success, seen from outside the database. */
export interface AftercareDoc {
  at: string;
  /** Whether automated backups include the instance; null: this fleet does not tell. */
  backups: { passed: boolean | null; expected: string; seen: string };
  freeBytes: number | null;
  /** Null: nothing is watched here. */
  watch: WatchScheduleDoc | null;
}

/** One reading of the watch. */
export interface ReadingDoc {
  at: string;
  seconds: number;
  values: ReadingValue[];
  /** Sessions that clients may have, against what the plan asks for. */
  connections: { used: number; most: number; minimum: number } | null;
  /** By how much these grow until the next reading is what that one tells. */
  counters: CountersDoc;
  /** Of this watch, this one included. */
  soFar: { readings: number; worst: ReadingWorst[] };
}

export interface ReadingValue {
  name: string;
  title: string;
  unit: string;
  /** Null: not measured, and `note` says why. */
  value: number | null;
  note: string | null;
  /** Such as `<100 ms`. */
  target: string;
  alert: string;
  standing: "target" | "between" | "alert" | "unknown";
  /** Where people read what to do about it. */
  runbook: string;
  /** Its query fails: nobody can measure it as it is. */
  broken?: true | undefined;
}

/** The reading of a metric that stood worst; the greatest, or the least, where several stood alike. */
export interface ReadingWorst extends Pick<ReadingValue, "name" | "value" | "standing"> {
  at: string;
  alerts: number;
}

export interface CountersDoc {
  committed: number;
  rolledBack: number;
  /** Of the plan's queries that count, by metric. */
  queries: Readonly<Record<string, number>>;
}

export interface VerifiedAgainDoc {
  at: string;
  endedAt: string;
  migrations: string[];
  results: CheckResult[];
  /** As the checks left them: what they try counts too, and is nobody's attempt. */
  counters: CountersDoc;
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

/** Where the former production answers, once its name is free. */
export interface MovedAsideDoc {
  at: string;
  endpoint: { host: string; port: number };
}

/** What took production's place. */
export interface RestoredDoc {
  at: string;
  endpoint: { host: string; port: number };
  /** In evidence of older runs, which gave it its settings before it was proven. */
  handOver?: string[] | undefined;
}

export interface HandedOverDoc {
  at: string;
  /** What people must see to, a sentence each. */
  handOver: string[];
}

/** An active job of pg_cron. Its command is left out: it may hold a password. */
export interface CronJob {
  /** As pg_cron numbers it; decimal text. */
  id: string;
  name: string | null;
  schedule: string;
  /** Whose it is, and as whom it runs. */
  role: string;
}

export interface ListedTable {
  table: string;
  columns: string[];
  /** How large it is on disk, what is stored out of line aside. */
  blocks: number;
}

export interface MarkedColumn {
  name: string;
  /** Never given twice in a table: a column that was dropped and made again has another. */
  number: number;
  /** As a file would write it. */
  type: string;
  /** Tells types apart that are written alike: OIDs of type and collation. */
  typeId: string;
}

/** What rows are kept in, as it was at the mark. */
export interface MarkedTable {
  /** Qualified by its schema, quoted where needed. */
  table: string;
  oid: string;
  /** Another one: truncated, or written anew as a whole. */
  file: string;
  /**
   * False where rows are kept in another way than PostgreSQL's own, whose xmin may mean anything, and where only some of
   * them are the user's, as in an extension's table.
   */
  heap: boolean;
  /** The table that it is a partition or a child of. */
  parent: { table: string; oid: string } | null;
  columns: MarkedColumn[];
}

/**
 * A moment in a database's life, by which its rows are old or new: a row is old when the transaction that wrote this
 * version of it came before the mark, and new when it came after, or was under way.
 */
export interface RowMark {
  /** The transaction that marks, in full: its epoch and its number, in decimal. */
  transaction: string;
  /** The oldest transaction that was under way in this database then, prepared ones too; the mark's own where none was. 32 bits. */
  since: string;
  /** Tells clusters apart: marks of one say nothing of the rows of another. */
  cluster: string;
  /** Of each enum's value its label, by its oid: under another label, rows that are as old as they were read otherwise. */
  labels: Record<string, string>;
  tables: MarkedTable[];
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
