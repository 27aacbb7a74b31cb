import { applicationRoles } from "../shared/places.ts";
import { type CompiledPlan, type ObjectName, type Step, stepFiles } from "../shared/plan.ts";
import type { Ports } from "../shared/ports.ts";
import { relationName } from "../shared/sql-text.ts";

/** What the plan's own statements need of a relation that was there before: to own it, or a right that can be granted. */
export interface NeededRight {
  relation: ObjectName;
  /** DROP: its owner has it, and its schema's. MAINTAIN: before PostgreSQL 17 only its owner. */
  right:
    | "OWNER"
    | "DROP"
    | "MAINTAIN"
    | "TRIGGER"
    | "INSERT"
    | "UPDATE"
    | "DELETE"
    | "TRUNCATE"
    | "REFERENCES";
  /** Where in the plan. */
  at: string;
}

type Right = NeededRight["right"];

/** A relation that stands in a statement of that kind after these words, or first, or anywhere, takes the right. */
interface Rule {
  begins: RegExp;
  takes: Right;
  /** Undefined: the one that is named first. */
  after?: RegExp;
  /** Every one that is named. */
  each?: true;
}

// By how a statement begins. What only reads is no matter here: the run reads every table in any case. What a routine's
// text names is not asked for: it is run later, if at all, and may be by somebody else.
// Not the ON of a join, within a policy's condition.
const ON = /^[^(]*\b(ON|TO)\s+$/i;
const RELATION = "(TABLE|INDEX|VIEW|MATERIALIZED\\s+VIEW|SEQUENCE|FOREIGN\\s+TABLE)\\b";
const CHANGES = /^(WITH|INSERT|UPDATE|DELETE|MERGE)\b/i;
const RULES: readonly Rule[] = [
  { begins: new RegExp(`^ALTER\\s+${RELATION}`, "i"), takes: "OWNER" },
  {
    begins: /^ALTER\s+TABLE\b/i,
    takes: "OWNER",
    after: /\b(ATTACH\s+PARTITION|DETACH\s+PARTITION|INHERIT)\s+$/i,
  },
  { begins: /^ALTER\s+(TRIGGER|POLICY|RULE)\b/i, takes: "OWNER", after: ON },
  { begins: new RegExp(`^DROP\\s+${RELATION}`, "i"), takes: "DROP", each: true },
  { begins: /^DROP\s+(TRIGGER|POLICY|RULE)\b/i, takes: "OWNER", after: ON },
  { begins: /^CREATE\s+(UNIQUE\s+)?INDEX\b/i, takes: "OWNER", after: ON },
  { begins: /^CREATE\s+(OR\s+REPLACE\s+)?(POLICY|RULE)\b/i, takes: "OWNER", after: ON },
  { begins: /^CREATE\s+(OR\s+REPLACE\s+)?(CONSTRAINT\s+)?TRIGGER\b/i, takes: "TRIGGER", after: ON },
  { begins: /^CREATE\s+STATISTICS\b/i, takes: "OWNER", after: /\bFROM\s+$/i },
  {
    begins: /^CREATE\s+(UNLOGGED\s+)?TABLE\b/i,
    takes: "OWNER",
    after: /\b(PARTITION\s+OF|INHERITS\s*\()\s*$/i,
  },
  { begins: new RegExp(`^COMMENT\\s+ON\\s+(${RELATION}|COLUMN\\b)`, "i"), takes: "OWNER" },
  { begins: /^COMMENT\s+ON\s+(CONSTRAINT|TRIGGER|POLICY|RULE)\b/i, takes: "OWNER", after: ON },
  { begins: /^(REINDEX|CLUSTER|REFRESH)\b/i, takes: "MAINTAIN" },
  { begins: /^TRUNCATE\b/i, takes: "TRUNCATE", each: true },
  { begins: CHANGES, takes: "INSERT", after: /\bINSERT\s+INTO\s+$/i },
  { begins: CHANGES, takes: "DELETE", after: /\bDELETE\s+FROM\s+$/i },
  // Not the words of FOR UPDATE, ON CONFLICT DO UPDATE and WHEN MATCHED THEN UPDATE, which name none.
  { begins: CHANGES, takes: "UPDATE", after: /(^|[(\s])UPDATE\s+$/i },
  {
    begins: /^INSERT\b[\s\S]*\bON\s+CONFLICT\b[\s\S]*\bDO\s+UPDATE\b/i,
    takes: "UPDATE",
    after: /^INSERT\s+INTO\s+$/i,
  },
  { begins: /^(WITH|MERGE)\b[\s\S]*\bTHEN\s+INSERT\b/i, takes: "INSERT", after: /\bMERGE\s+INTO\s+$/i },
  { begins: /^(WITH|MERGE)\b[\s\S]*\bTHEN\s+UPDATE\b/i, takes: "UPDATE", after: /\bMERGE\s+INTO\s+$/i },
  { begins: /^(WITH|MERGE)\b[\s\S]*\bTHEN\s+DELETE\b/i, takes: "DELETE", after: /\bMERGE\s+INTO\s+$/i },
  { begins: /^(ALTER|CREATE)\s/i, takes: "REFERENCES", after: /\bREFERENCES\s+$/i },
];

/** Of every migration and its way back; nothing of a step that may touch more than it names. */
export function neededRights(plan: CompiledPlan): NeededRight[] {
  const found = plan.migrations.flatMap((migration) =>
    stepFiles(migration).flatMap(({ path, steps }) => {
      const made = new Set(steps.flatMap(madeBy).map(relationName));
      return steps.flatMap((step) => rightsOfStep(step, path, made));
    }),
  );
  const once = new Map(found.map((need) => [`${relationName(need.relation)} ${need.right}`, need]));
  return [...once.values()];
}

/** Schemas in which the migrations make relations; null for the one that a name without a schema leads to. */
export function schemasMadeIn({ migrations }: CompiledPlan): (string | null)[] {
  const steps = migrations.flatMap(({ migrate }) => migrate.steps);
  // Where a step sets the search path, only that says where.
  const plain = steps.filter(({ settings }) => !settings.some((text) => /search_path/i.test(text)));
  return [...new Set(plain.flatMap((step) => madeBy(step).map(({ schema }) => schema ?? null)))];
}

/** Extensions that the plan asks for, and those that its migrations make. */
export function extensionsNeeded({ extensions, migrations }: CompiledPlan): string[] {
  const made = migrations
    .flatMap(({ migrate }) => migrate.steps.flatMap(({ statements }) => statements))
    .flatMap(({ sql }) => CREATE_EXTENSION.exec(withoutTexts(sql))?.[1] ?? []);
  return [...new Set([...extensions.map(({ name }) => name), ...made])];
}

const CREATE_EXTENSION = /^CREATE\s+EXTENSION\s+(?:IF\s+NOT\s+EXISTS\s+)?"?([\w-]+)/i;

/** Every role that the plan takes on beside the application's: those of checks and benchmarks. */
export function rolesTakenOn(ports: Ports): string[] {
  const { migrations, benchmarks } = ports.plan;
  const named = migrations.flatMap(({ validate }) =>
    validate.checks.flatMap(({ as }) => (as === undefined || as === "each" ? [] : as.role)),
  );
  const measured = benchmarks.flatMap(({ as }) => as ?? []);
  const application = applicationRoles(ports);
  return [...new Set([...named, ...measured])].filter((role) => !application.includes(role));
}

function madeBy({ relations = [], relationsBefore = [] }: Step): ObjectName[] {
  const before = new Set(relationsBefore.map(relationName));
  return relations.filter((relation) => !before.has(relationName(relation)));
}

function rightsOfStep(step: Step, path: string, made: ReadonlySet<string>): NeededRight[] {
  const there = (step.relationsBefore ?? []).filter((relation) => !made.has(relationName(relation)));
  return step.statements.flatMap(({ sql, line }) => {
    const text = withoutTexts(sql);
    const named = there
      .map((relation) => ({ relation, before: beforeEach(relation, text) }))
      .filter(({ before }) => before.length > 0)
      .sort((a, b) => (a.before[0]?.length ?? 0) - (b.before[0]?.length ?? 0));
    return RULES.filter(({ begins }) => begins.test(text)).flatMap(({ takes, after, each }) => {
      const found = after
        ? named.filter(({ before }) => before.some((words) => after.test(words)))
        : named.slice(0, each ? undefined : 1);
      return found.map(({ relation }) => ({ relation, right: takes, at: `${path}:${line}` }));
    });
  });
}

/** Comments and literals may name anything. */
function withoutTexts(sql: string): string {
  return sql
    .replace(/'(?:[^']|'')*'|--[^\n]*|\/\*[\s\S]*?\*\//g, (one) => (one[0] === "'" ? "''" : " "))
    .trimStart();
}

/** What stands before each place where the statement names it as a word, without its schema. */
function beforeEach({ name }: ObjectName, text: string): string[] {
  const word = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return [...text.matchAll(new RegExp(`(?<![\\w$])${word}(?![\\w$])`, "gi"))].map(({ index }) =>
    text.slice(0, index).replace(/(\bONLY\s+)?(\bIF\s+EXISTS\s+)?([^\s(,]+\.)?"?$/i, ""),
  );
}
