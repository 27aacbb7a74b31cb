import type { BackupKind } from "./settings.ts";
import type { Tool, ToolRow } from "./tool-rows.ts";

/**
 * A plan as handlers get it: parsed, checked and with its SQL cut into statements when it was published, so that no
 * handler needs a parser. See docs/plan-format.md. What is stored of it is in plan-document.ts: whoever changes this so
 * that a stored plan would be misread raises PLAN_FORMAT there.
 */
export interface CompiledPlan {
  /** Folder name of the plan, such as `knowledge-graph`. */
  name: string;
  title: string;
  /** SHA-256 (hex) of the compiled plan, by which it is stored and named. */
  checksum: string;
  /** SHA-256 (hex) over every file of the plan that can reach a deployed database, comments included. */
  sources: string;
  /** Where the schema's version stands; absent: no table of the team's is read or written for that. */
  schema?: SchemaVersion | undefined;
  server: { minimumVersion: number; minimumConnections: number; minimumFreeGiB: number };
  extensions: readonly Extension[];
  applicationRoles: readonly string[];
  /** Role that steps are done as, where it is not the one that Sluice logs in as; it may be the application's own. */
  runAs?: string | undefined;
  /** The plan does not name them: preflight finds them, and the first gate shows them. */
  findRoles?: true | undefined;
  /** Tables whose rows people ask about by name: they must exist, and the report shows them first. */
  protect: readonly string[];
  /** How the contents of tables and materialized views are read, by their names; of those that are not named, every row is. */
  contents: Readonly<Record<string, "full" | "sample" | "count" | "grows" | "none">>;
  /** How long the way back may take. */
  rollbackSloMinutes: number;
  /** How production is backed up; absent: as the deployment's settings say. */
  backup?: BackupKind | undefined;
  /** It may be run where nothing may be restored, though from its first restore-only migration on nothing leads back. */
  acceptNoWayBack?: true | undefined;
  migrations: readonly Migration[];
  gates: GateTexts;
  benchmarks: readonly Benchmark[];
  application: Application;
  /** SQL run once after opening, each with a title; a failure is told, and rolls nothing back. */
  afterOpening: readonly { title: string; sql: string; outside?: true | undefined }[];
  /** What is watched after a success; absent: nothing is. */
  watch?: Watch | undefined;
  /** What people still have to do after a success, each within so many days. */
  reminders: readonly Reminder[];
  /** What the plan expects each phase to last, in minutes; absent where it says nothing. */
  expectedMinutes?: { admit: number; prove: number; open: number } | undefined;
  /** SQL that gives staging the data a benchmark needs where it has none. */
  stagingData: readonly SqlFile[];
  /** How its files are read otherwise than they are written. */
  notices?: readonly { file: string; line: number; text: string }[] | undefined;
}

/** Such as `012_orders/migrate.sql, line 1: BEGIN and COMMIT ... are left out`. */
export function noticeText({ file, line, text }: { file: string; line: number; text: string }): string {
  return `${file}, line ${line}: ${text}`;
}

/** Where the schema's version is noted. */
export interface SchemaVersion {
  table: string;
  /** The version that the plan starts from, as the tool itself calls it; `none` where a tool's table has no row. */
  expectedVersion: string;
  /** Whose table it is, by whose rules it is read and written; absent: a table with a column `version`. */
  tool?: Tool | undefined;
}

export interface Extension {
  name: string;
  minimumVersion?: string | undefined;
  recommendedVersion?: string | undefined;
  /** The plan works without it: preflight reports whether it is available. */
  optional?: true | undefined;
}

/** Names of the extensions that the plan does not work without. */
export function neededExtensions({ extensions }: Pick<CompiledPlan, "extensions">): string[] {
  return extensions.filter(({ optional }) => !optional).map(({ name }) => name);
}

export interface Migration {
  /** As in the folder's name, such as `006`. */
  version: string;
  /** Folder, such as `006_knowledge_graph`. */
  folder: string;
  title: string;
  /** On production; absent where the plan says nothing: the rehearsal measures it. */
  expectedMinutes?: number | undefined;
  checklist: readonly string[];
  /** Nobody is asked once it is applied to production: the run goes on. */
  unasked?: true | undefined;
  /** All that it does to what was there before, by table or column; absent: what the rehearsal shows is agreed to. */
  changes?: Readonly<Record<string, readonly string[]>> | undefined;
  /** What the table of `schema.tool` holds about it once it is applied; absent: the plan names no tool. */
  rows?: readonly ToolRow[] | undefined;
  migrate: SqlFile;
  validate: CheckFile;
  /** Its way back: a rollback of its own, or, from its first step on, only the restore of the final snapshot. */
  rollback: SqlFile | typeof RESTORE;
  /** What its rollback may leave, as the catalog's differences name it (prove/leaves.ts); absent: nothing. */
  leaves?: readonly string[] | undefined;
}

/** A migration without a rollback of its own is called restore-only. */
export const RESTORE = "restore";

/** One SQL statement and the line of its file at which it starts (1 is the first). */
export interface Statement {
  sql: string;
  line: number;
}

export interface SqlFile {
  /** Path relative to the plan's folder. */
  path: string;
  /** SHA-256 (hex) of its steps: what an applied migration is known by. */
  checksum: string;
  steps: readonly Step[];
}

/** A part of a migration that is done as a whole or not at all. */
export type Step = TransactionStep | OutsideStep | BatchedStep;

interface StepOfFile {
  name: string;
  line: number;
  /** SHA-256 (hex) of its SQL. */
  checksum: string;
  statements: readonly Statement[];
  /** SET statements of the file's steps before this one, in order: each step may run in a session of its own. */
  settings: readonly string[];
  /** The relations that it names; absent where it may touch others, such as in a DO. */
  relations?: readonly ObjectName[] | undefined;
  /** Those of them that it does not make itself. */
  relationsBefore?: readonly ObjectName[] | undefined;
  /** It writes tables anew, and is meant to. */
  rewrites?: true | undefined;
  /** It reaches out of the database, and is meant to: what it does there no rollback takes back. */
  outside?: true | undefined;
  /** It picks rows by the time or by chance: later it may hit others, though the tables hold the same. */
  picksByTime?: true | undefined;
  /** Roles from whom its statements revoke CONNECT on the database; null: PUBLIC. Absent where there are none. */
  revokesConnect?: readonly (string | null)[] | undefined;
  /** What its statements need of relations that the role may lack. Absent where there is nothing. */
  rights?: readonly NeededRight[] | undefined;
  /** Extensions that it makes. Absent where there are none. */
  extensions?: readonly string[] | undefined;
}

/** To own a relation, or a right that can be granted. */
export type Right =
  | "OWNER"
  /** Its owner has it, and its schema's. */
  | "DROP"
  /** Before PostgreSQL 17 only its owner has it. */
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
  /** Of the statement. */
  line: number;
}

/** Its statements are one transaction. */
export interface TransactionStep extends StepOfFile {
  kind: "transaction";
  /** False: it holds only definitions, so that counting rows would count none. */
  changesRows: boolean;
  /** Places of statements that are queries: nobody takes their rows. */
  queries: readonly number[];
  builds: readonly IndexBuild[];
  /** Tables whose new files are no rewriting: those that the file made before, and those that the step empties. */
  notRewritten?: readonly ObjectName[] | undefined;
}

/** Its one statement cannot run in a transaction, and may be run again when nobody knows how it ended. */
export interface OutsideStep extends StepOfFile {
  kind: "outside";
  /** It waits for older transactions to end, which holds nobody up, instead of taking a lock that does. */
  concurrently: boolean;
  /** What it leaves behind, invalid, when it is broken off. */
  leaves?: Leftover | undefined;
  build?: IndexBuild | undefined;
}

/** Its one UPDATE or DELETE is done for a range of primary keys at a time. */
export interface BatchedStep extends StepOfFile {
  kind: "batches";
  batches: Batches;
}

/** A name as the file has it, without quotes; no schema: by the search path. */
export interface ObjectName {
  schema?: string | undefined;
  name: string;
}

/** An index that a statement builds. */
export interface IndexBuild {
  /** Place of the statement in its step. */
  statement: number;
  table: ObjectName;
  /** Access method, such as `btree` or `hnsw`. */
  method: string;
  /** The first column that is indexed, where it is one and not an expression. */
  column?: string | undefined;
  /** HNSW's `m`, where it is given. */
  neighbours?: number | undefined;
}

/** What a statement that is broken off leaves behind: an index, invalid, and such as end in `_ccnew` and `_ccold`. */
export interface Leftover {
  /** What the statement makes or makes anew. */
  of: "created index" | "index" | "table";
  /** Name of that index or table, without its schema. */
  name: string;
  /** In whose schema the leftovers are: of an index that is created its table, of another thing itself. */
  beside: ObjectName;
  ifNotExists: boolean;
}

/** A statement, cut where the condition that picks a range of keys is put in. */
export interface Batches {
  table: ObjectName;
  /** It leaves out the rows of tables that inherit from this one. */
  only?: true;
  /** What the statement calls the table. */
  alias: string;
  /** Columns that it sets; a key among them would move rows from batch to batch. */
  sets: readonly string[];
  /** Up to its WHERE and with it, or the whole of it where it has none. */
  head: string;
  /** What follows its WHERE. */
  condition?: string | undefined;
}

export interface CheckFile {
  path: string;
  /** None where the plan has no such file: then production must become what staging became. */
  checks: readonly Check[];
}

export interface Check {
  name: string;
  line: number;
  /** Role to run as; "each" is each application role in turn; absent is the migrating role itself. */
  as?: { role: string } | "each" | undefined;
  statements: readonly Statement[];
}

export interface GateText {
  /** The question as it stands in the graph and in the message, such as "go to production?". */
  question: string;
  /** What must be true for a Go; people tick these. */
  checklist: readonly string[];
  /** Minutes until the escalation contacts are asked, and again until it is a No-Go. */
  minutes: number;
  /** How many people, of different names, must say Go; one unless told. */
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
  /** The query that is measured. */
  query: string;
  /** Measured in the same way and taken off the figure; for an overhead. */
  baseline?: string | undefined;
  as?: string | undefined;
  settings: Readonly<Record<string, string>>;
  /** The limit for p95, in milliseconds. */
  sloMs: number;
  runs: number;
  /** Yields one boolean row: false means there is nothing to measure yet. */
  needs?: string | undefined;
  /** An index that the query's plan must use. */
  usesIndex?: string | undefined;
}

export interface Watch {
  /** In the order in which people read them. */
  metrics: readonly Metric[];
  /** Checks of these migrations are run once more, so long after the opening. */
  verifyAgain?: { afterMinutes: number; migrations: readonly string[] } | undefined;
}

export interface Metric {
  name: string;
  title: string;
  /** Such as `ms`, `%` or `GiB`; empty for plain counts. */
  unit: string;
  source: MetricSource;
  /** What it should satisfy. */
  target: Threshold;
  /** What it must not: people are told. */
  alert: Threshold;
  /** Where people read what to do about it; absent: the section of docs/watch.md about its source. */
  runbook?: string | undefined;
}

export type MetricSource =
  /** p95 of a benchmark of the plan, in milliseconds. */
  | { kind: "benchmark"; benchmark: string }
  /** Share of the sessions that clients may have, in percent. */
  | { kind: "connections" }
  /** Share of transactions that were rolled back since the reading before, in percent. */
  | { kind: "rollbacks" }
  /** Free disk in GiB, as the fleet tells it. */
  | { kind: "free-disk" }
  /** One number; of a counter, its growth since the reading before. */
  | { kind: "query"; sql: string; counter: boolean };

export const SERVER_READINGS = ["connections", "rollbacks", "free-disk"] as const;

export const OPERATORS = ["<=", ">=", "<", ">", "="] as const;

/** Such as `> 150`. */
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

/** The migration of that version; throws for one that the plan does not have. */
export function migrationOf(plan: CompiledPlan, version: string): Migration {
  const found = plan.migrations.find((migration) => migration.version === version);
  if (!found) throw new Error(`The plan ${plan.name} has no migration ${version}`);
  return found;
}

/** Its files of steps: there and, unless it is restore-only, back. */
export function stepFiles({ migrate, rollback }: Migration): SqlFile[] {
  return rollback === RESTORE ? [migrate] : [migrate, rollback];
}

export function isRestoreOnly({ rollback }: Migration): boolean {
  return rollback === RESTORE;
}

/** The migration from which on the restore is the only way back; undefined: each has a rollback of its own. */
export function restoreOnlyFrom({ migrations }: CompiledPlan): Migration | undefined {
  return migrations.find(isRestoreOnly);
}

/** Whether the restore is to be rehearsed as the way back: the plan has a migration that knows no other, and it may be done. */
export function restoreIsWayBack(plan: CompiledPlan, { restore }: { restore?: false | undefined }): boolean {
  return restore !== false && restoreOnlyFrom(plan) !== undefined;
}

/** That there is no way back from some migration on, and what helps; undefined: there is one, be it the restore. */
export function noWayBack(
  plan: CompiledPlan,
  { restore }: { restore?: false | undefined },
): { seen: string; mend: string } | undefined {
  const from = restoreOnlyFrom(plan);
  if (restore !== false || !from) return undefined;
  return {
    seen: `${from.folder} has the restore as its way back, and nothing may be restored here (setting restore: false)`,
    mend: 'Give it a rollback.sql, such as by keeping what it drops (docs/plan-format.md, "Keep what you drop"), or let production be restored. Where it must be so, write `acceptNoWayBack: true` in plan.yaml.',
  };
}

/** Throws for a restore-only migration: nothing may ask for what it does not have. */
export function rollbackOf({ folder, rollback }: Migration): SqlFile {
  if (rollback === RESTORE) throw new Error(`${folder} has no rollback of its own`);
  return rollback;
}
