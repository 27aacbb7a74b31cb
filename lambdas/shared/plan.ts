import type { BackupKind } from "./settings.ts";
import type { Tool, ToolRow } from "./tool-rows.ts";

/**
 * A plan as handlers get it. Publishing parses and checks it and cuts its SQL into statements, so handlers need no parser.
 * See docs/plan-format.md. plan-document.ts stores it: raise PLAN_FORMAT there for a change here that would make stored
 * plans be misread.
 */
export interface CompiledPlan {
  /** Folder name of the plan, such as `knowledge-graph`. */
  name: string;
  title: string;
  /** SHA-256 (hex) of the compiled plan; its name in the store. */
  checksum: string;
  /** SHA-256 (hex) over every file of the plan that can reach a deployed database, comments included. */
  sources: string;
  /** The table with the schema's version; absent: no such table is read or written. */
  schema?: SchemaVersion | undefined;
  server: { minimumVersion: number; minimumConnections: number; minimumFreeGiB: number };
  extensions: readonly Extension[];
  applicationRoles: readonly string[];
  /** Role that runs the steps, where it is not Sluice's login; it may be the application's role. */
  runAs?: string | undefined;
  /** True: the plan names no application roles; preflight finds them, and the first gate shows them. */
  findRoles?: true | undefined;
  /** Tables that matter most to people: they must exist, and the report shows them first. */
  protect: readonly string[];
  /** How much of each table's or materialized view's contents is read, by name; every row where it is not named. */
  contents: Readonly<Record<string, "full" | "sample" | "count" | "grows" | "none">>;
  /** Time limit of the way back, in minutes. */
  rollbackSloMinutes: number;
  /** How production is backed up; absent: the deployment's setting applies. */
  backup?: BackupKind | undefined;
  /** True: it may run where restores are off, though its first restore-only migration then has no way back. */
  acceptNoWayBack?: true | undefined;
  migrations: readonly Migration[];
  gates: GateTexts;
  benchmarks: readonly Benchmark[];
  application: Application;
  /** SQL that runs once after the opening, each with a title. A failure is reported and rolls nothing back. */
  afterOpening: readonly { title: string; sql: string; outside?: true | undefined }[];
  /** Metrics to watch after a success; absent: none. */
  watch?: Watch | undefined;
  /** Tasks for people after a success, each with a number of days. */
  reminders: readonly Reminder[];
  /** Expected minutes of each phase; absent where the plan gives none. */
  expectedMinutes?: { admit: number; prove: number; open: number } | undefined;
  /** SQL that generates data on staging where a benchmark finds none. */
  stagingData: readonly SqlFile[];
  /** Places where Sluice reads a file differently than it is written. */
  notices?: readonly { file: string; line: number; text: string }[] | undefined;
}

/** Returns a notice's text, such as `012_orders/migrate.sql, line 1: BEGIN and COMMIT ... are left out`. */
export function noticeText({ file, line, text }: { file: string; line: number; text: string }): string {
  return `${file}, line ${line}: ${text}`;
}

/** The table with the schema's version. */
export interface SchemaVersion {
  table: string;
  /** The version that the plan starts from, in the tool's own notation; `none` where a tool's table has no row. */
  expectedVersion: string;
  /** The tool that owns the table and sets its rules; absent: a table with a column `version`. */
  tool?: Tool | undefined;
}

export interface Extension {
  name: string;
  minimumVersion?: string | undefined;
  recommendedVersion?: string | undefined;
  /** True: the plan works without it; preflight reports whether it is available. */
  optional?: true | undefined;
}

/** Returns the names of the extensions that the plan needs. */
export function neededExtensions({ extensions }: Pick<CompiledPlan, "extensions">): string[] {
  return extensions.filter(({ optional }) => !optional).map(({ name }) => name);
}

export interface Migration {
  /** From the folder's name, such as `006`. */
  version: string;
  /** Folder, such as `006_knowledge_graph`. */
  folder: string;
  title: string;
  /** Expected minutes on production; absent where the plan gives none and the rehearsal measures them. */
  expectedMinutes?: number | undefined;
  checklist: readonly string[];
  /** True: no gate opens after it is applied to production; the run continues. */
  unasked?: true | undefined;
  /** All its changes to existing data, by table or column; absent: the changes that the rehearsal shows are accepted. */
  changes?: Readonly<Record<string, readonly string[]>> | undefined;
  /** Its rows in the table of `schema.tool` after it is applied; absent: the plan names no tool. */
  rows?: readonly ToolRow[] | undefined;
  migrate: SqlFile;
  validate: CheckFile;
  /** Its way back: its own rollback or, from its first step on, only the restore of the final backup. */
  rollback: SqlFile | typeof RESTORE;
  /** What its rollback may leave, in the words of the catalog's differences (proof/leaves.ts); absent: nothing. */
  leaves?: readonly string[] | undefined;
}

/** Marks a migration without its own rollback, called restore-only. */
export const RESTORE = "restore";

/** One SQL statement and the line of its file at which it starts (1 is the first). */
export interface Statement {
  sql: string;
  line: number;
}

export interface SqlFile {
  /** Path relative to the plan's folder. */
  path: string;
  /** SHA-256 (hex) of its steps, which identifies an applied migration. */
  checksum: string;
  steps: readonly Step[];
}

/** A part of a migration that runs as a whole or not at all. */
export type Step = TransactionStep | OutsideStep | BatchedStep;

interface StepOfFile {
  name: string;
  line: number;
  /** SHA-256 (hex) of its SQL. */
  checksum: string;
  statements: readonly Statement[];
  /** SET statements of the file's steps before this one, in order: each step may run in a session of its own. */
  settings: readonly string[];
  /** The relations that it names; absent where it may touch others, as in a DO block. */
  relations?: readonly ObjectName[] | undefined;
  /** Those relations that it does not create itself. */
  relationsBefore?: readonly ObjectName[] | undefined;
  /** True: it rewrites tables on purpose. */
  rewrites?: true | undefined;
  /** True: it reaches out of the database on purpose. No rollback reverts its effects there. */
  outside?: true | undefined;
  /** True: it picks rows by time or by chance, so a later run may pick others from the same data. */
  picksByTime?: true | undefined;
  /** Roles that lose CONNECT on the database by its statements; null: PUBLIC. Absent if there are none. */
  revokesConnect?: readonly (string | null)[] | undefined;
  /** Rights on relations that its statements need and the role may lack. Absent where there are none. */
  rights?: readonly NeededRight[] | undefined;
  /** Extensions that it creates. Absent where there are none. */
  extensions?: readonly string[] | undefined;
}

/** Ownership of a relation, or a right that can be granted. */
export type Right =
  | "OWNER"
  /** The owners of the relation and of its schema have it. */
  | "DROP"
  /** Before PostgreSQL 17 only the relation's owner has it. */
  | "MAINTAIN"
  | "TRIGGER"
  | "INSERT"
  | "UPDATE"
  | "DELETE"
  | "TRUNCATE"
  | "REFERENCES";

export interface NeededRight {
  right: Right;
  relation: ObjectName;
  /** Line of the statement. */
  line: number;
}

/** A step whose statements run in one transaction. */
export interface TransactionStep extends StepOfFile {
  kind: "transaction";
  /** False: it holds only definitions, so there are no rows to count. */
  changesRows: boolean;
  /** Indexes of statements that are queries, whose rows are dropped. */
  queries: readonly number[];
  builds: readonly IndexBuild[];
  /** Tables whose new storage files are no rewrite: those that the file created earlier, and those that the step empties. */
  notRewritten?: readonly ObjectName[] | undefined;
}

/** A step of one statement that cannot run in a transaction, and is safe to run twice when its outcome is unknown. */
export interface OutsideStep extends StepOfFile {
  kind: "outside";
  /** True: it waits for older transactions instead of taking a lock that blocks others. */
  concurrently: boolean;
  /** The invalid index that it leaves behind when it is cancelled. */
  leaves?: Leftover | undefined;
  build?: IndexBuild | undefined;
}

/** A step of one UPDATE or DELETE that runs for one range of primary keys at a time. */
export interface BatchedStep extends StepOfFile {
  kind: "batches";
  batches: Batches;
}

/** A name from the file, without quotes. Without a schema, the search path applies. */
export interface ObjectName {
  schema?: string | undefined;
  name: string;
}

/** An index that a statement builds. */
export interface IndexBuild {
  /** Index of the statement in its step. */
  statement: number;
  table: ObjectName;
  /** Access method, such as `btree` or `hnsw`. */
  method: string;
  /** The first indexed column; absent for an expression. */
  column?: string | undefined;
  /** HNSW's `m`; absent where the file gives none. */
  neighbours?: number | undefined;
}

/** What a cancelled statement leaves behind: an invalid index, and indexes whose names end in `_ccnew` and `_ccold`. */
export interface Leftover {
  /** What the statement creates or rebuilds. */
  of: "created index" | "index" | "table";
  /** Name of that index or table, without its schema. */
  name: string;
  /** The object in whose schema the leftovers are: for a created index its table, otherwise the object itself. */
  beside: ObjectName;
  ifNotExists: boolean;
}

/** A statement, cut at the place where the condition for a range of keys goes in. */
export interface Batches {
  table: ObjectName;
  /** True: it leaves out the rows of tables that inherit from this one. */
  only?: true;
  /** The statement's alias for the table. */
  alias: string;
  /** Columns that it sets; setting a key column would move rows between batches. */
  sets: readonly string[];
  /** The statement up to and including WHERE, or the whole statement where it has no WHERE. */
  head: string;
  /** The text after WHERE. */
  condition?: string | undefined;
}

export interface CheckFile {
  path: string;
  /** Empty where the plan has no such file: then production must become equal to staging. */
  checks: readonly Check[];
}

export interface Check {
  name: string;
  line: number;
  /** Role that runs the check; "each": each application role in turn; absent: the migrating role. */
  as?: { role: string } | "each" | undefined;
  statements: readonly Statement[];
}

export interface GateText {
  /** The question in the graph and in the message, such as "go to production?". */
  question: string;
  /** Conditions of a Go; approvers tick them. */
  checklist: readonly string[];
  /** Minutes until the escalation contacts receive the gate, and then again until it counts as a No-Go. */
  minutes: number;
  /** Number of people with different names who must say Go; absent: one. */
  approvals?: number | undefined;
}

export interface GateTexts {
  readiness: GateText;
  rehearsal: GateText;
  /** `{version}` stands for the migration just applied. */
  after: GateText;
  open: GateText;
  keep: GateText;
  restore: GateText;
}

export interface Benchmark {
  name: string;
  title: string;
  /** The measured query. */
  query: string;
  /** A query that is measured likewise and subtracted, to measure an overhead. */
  baseline?: string | undefined;
  as?: string | undefined;
  settings: Readonly<Record<string, string>>;
  /** The limit for p95, in milliseconds. */
  sloMs: number;
  runs: number;
  /** A query for one boolean: false means that there is nothing to measure yet. */
  needs?: string | undefined;
  /** An index that the query's plan must use. */
  usesIndex?: string | undefined;
}

export interface Watch {
  /** In the order for people. */
  metrics: readonly Metric[];
  /** Runs the checks of these migrations once more, this many minutes after the opening. */
  verifyAgain?: { afterMinutes: number; migrations: readonly string[] } | undefined;
}

export interface Metric {
  name: string;
  title: string;
  /** Such as `ms`, `%` or `GiB`; empty for plain counts. */
  unit: string;
  source: MetricSource;
  /** The threshold that the value should satisfy. */
  target: Threshold;
  /** The threshold that raises an alert when the value satisfies it. */
  alert: Threshold;
  /** Link to instructions for people; absent: the section of docs/watch.md about its source. */
  runbook?: string | undefined;
}

export type MetricSource =
  /** p95 of a benchmark of the plan, in milliseconds. */
  | { kind: "benchmark"; benchmark: string }
  /** Used share of the sessions that clients may have, in percent. */
  | { kind: "connections" }
  /** Share of transactions rolled back since the previous reading, in percent. */
  | { kind: "rollbacks" }
  /** Free disk in GiB, as RDS reports it. */
  | { kind: "free-disk" }
  /** One number; for a counter, its growth since the previous reading. */
  | { kind: "query"; sql: string; counter: boolean };

export const SERVER_READINGS = ["connections", "rollbacks", "free-disk"] as const;

export const OPERATORS = ["<=", ">=", "<", ">", "="] as const;

/** A threshold, such as `> 150`. */
export interface Threshold {
  operator: (typeof OPERATORS)[number];
  value: number;
}

export interface Reminder {
  title: string;
  days: number;
}

export interface HttpExpectation {
  title: string;
  method: string;
  /** Relative to the application's base URL, or absolute. */
  url: string;
  headers: Readonly<Record<string, string>>;
  body?: string | undefined;
  expect: { status: number; contains?: string | undefined };
}

export interface Application {
  stop?: HttpExpectation | undefined;
  start?: HttpExpectation | undefined;
  test?: HttpExpectation | undefined;
  smoke: readonly HttpExpectation[];
}

/** Returns the migration with that version; throws where the plan has none. */
export function migrationOf(plan: CompiledPlan, version: string): Migration {
  const found = plan.migrations.find((migration) => migration.version === version);
  if (!found) throw new Error(`The plan ${plan.name} has no migration ${version}`);
  return found;
}

/** Returns a migration's files of steps: migrate and, unless it is restore-only, rollback. */
export function stepFiles({ migrate, rollback }: Migration): SqlFile[] {
  return rollback === RESTORE ? [migrate] : [migrate, rollback];
}

export function isRestoreOnly({ rollback }: Migration): boolean {
  return rollback === RESTORE;
}

/** Returns the first restore-only migration: from it on the restore is the only way back. Undefined where there is none. */
export function restoreOnlyFrom({ migrations }: CompiledPlan): Migration | undefined {
  return migrations.find(isRestoreOnly);
}

/** True where the restore must be rehearsed as the way back: the plan has a restore-only migration, and restores are on. */
export function restoreIsWayBack(plan: CompiledPlan, { restore }: { restore?: false | undefined }): boolean {
  return restore !== false && restoreOnlyFrom(plan) !== undefined;
}

/** Returns from which migration on there is no way back, and what helps; undefined where there always is one. */
export function noWayBack(
  plan: CompiledPlan,
  { restore }: { restore?: false | undefined },
): { seen: string; mend: string } | undefined {
  const from = restoreOnlyFrom(plan);
  if (restore !== false || !from) return undefined;
  return {
    seen: `the way back of ${from.folder} is the restore, and restores are off here (setting restore: false)`,
    mend: 'Give it a rollback.sql, for example by keeping what it drops (docs/plan-format.md, "Keep what you drop"), or allow restores of production. To accept this, write `acceptNoWayBack: true` in plan.yaml.',
  };
}

/** Returns a migration's rollback; throws for a restore-only migration. */
export function rollbackOf({ folder, rollback }: Migration): SqlFile {
  if (rollback === RESTORE) throw new Error(`${folder} has no rollback of its own`);
  return rollback;
}
