/**
 * A plan as handlers get it: parsed, checked and with its SQL cut into statements when the app was synthesized, so
 * that no handler needs a parser. See docs/plan-format.md.
 */
export interface CompiledPlan {
  /** Folder name of the plan, such as `knowledge-graph`. */
  name: string;
  title: string;
  /** SHA-256 (hex) over every file of the plan that can reach a deployed database. */
  checksum: string;
  schema: { table: string; expectedVersion: string };
  server: { minimumVersion: number; minimumConnections: number; minimumFreeGiB: number };
  extensions: readonly Extension[];
  applicationRoles: readonly string[];
  /** Tables whose rows people ask about by name: they must exist, and the report shows them first. */
  protect: readonly string[];
  rollbackSloMinutes: number;
  migrations: readonly Migration[];
  gates: GateTexts;
  benchmarks: readonly Benchmark[];
  application: Application;
  /** SQL run once after opening, each with a title; a failure is told, and rolls nothing back. */
  afterOpening: readonly { title: string; sql: string }[];
  /** What the plan expects each phase to last, in minutes. */
  expectedMinutes: { admit: number; prove: number; open: number };
  /** SQL that gives staging the data a benchmark needs where it has none. */
  stagingData: readonly SqlFile[];
}

export interface Extension {
  name: string;
  minimumVersion?: string | undefined;
  recommendedVersion?: string | undefined;
}

export interface Migration {
  /** As in the folder's name, such as `006`. */
  version: string;
  /** Folder, such as `006_knowledge_graph`. */
  folder: string;
  title: string;
  expectedMinutes: number;
  checklist: readonly string[];
  migrate: SqlFile;
  validate: CheckFile;
  rollback: SqlFile;
}

/** One SQL statement and the line of its file at which it starts (1 is the first). */
export interface Statement {
  sql: string;
  line: number;
}

export interface SqlFile {
  /** Path relative to the plan's folder. */
  path: string;
  steps: readonly Step[];
}

export interface Step {
  name: string;
  line: number;
  /** False: its one statement cannot run in a transaction. */
  transaction: boolean;
  statements: readonly Statement[];
  /** Of a CREATE INDEX CONCURRENTLY: the index, as written, to find an invalid one that a crash left behind. */
  index?: { schema?: string | undefined; name: string } | undefined;
}

export interface CheckFile {
  path: string;
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
