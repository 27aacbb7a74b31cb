import { applicationRoles } from "../shared/places.ts";
import type { CompiledPlan, ObjectName, Step } from "../shared/plan.ts";
import type { Ports } from "../shared/ports.ts";
import { relationName } from "../shared/sql-text.ts";

/** What the plan's own statements need of a relation that was there before: to own it, or a right that can be granted. */
export interface NeededRight {
  relation: ObjectName;
  right: "OWNER" | "INSERT" | "UPDATE" | "DELETE" | "TRUNCATE" | "REFERENCES";
  /** Where in the plan. */
  at: string;
}

// By how a statement begins. What only reads is no matter here: the run reads every table in any case.
const OWNERS_ONLY =
  /^(ALTER\s|DROP\s+(TABLE|INDEX|VIEW|MATERIALIZED|SEQUENCE|TRIGGER|POLICY|RULE)\b|CREATE\s+(UNIQUE\s+)?INDEX\b|CREATE\s+(OR\s+REPLACE\s+)?(CONSTRAINT\s+)?(TRIGGER|POLICY|RULE)\b|COMMENT\s+ON\s|REINDEX\s|CLUSTER\b|REFRESH\s)/i;
const BY_GRANT = /^(INSERT|UPDATE|DELETE|TRUNCATE)\b/i;

/** Of every migration and its way back; nothing of a step that may touch more than it names. */
export function neededRights(plan: CompiledPlan): NeededRight[] {
  const found = plan.migrations.flatMap(({ migrate, rollback }) =>
    [migrate, rollback].flatMap(({ path, steps }) => {
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
    const text = sql.replace(/--[^\n]*|\/\*[\s\S]*?\*\//g, " ").trimStart();
    const named = there
      .map((relation) => ({ relation, place: placeOf(relation, text) }))
      .filter(({ place }) => place >= 0)
      .sort((a, b) => a.place - b.place);
    const [first, ...others] = named;
    if (!first) return [];
    const at = `${path}:${line}`;
    const right = OWNERS_ONLY.test(text) ? "OWNER" : BY_GRANT.exec(text)?.[1]?.toUpperCase();
    const referenced = [...others, ...(right === undefined ? [first] : [])]
      .filter(({ place }) => /REFERENCES\s+(\S+\.)?"?$/i.test(text.slice(0, place)))
      .map(({ relation }) => ({ relation, right: "REFERENCES" as const, at }));
    return right === undefined
      ? referenced
      : [{ relation: first.relation, right: right as NeededRight["right"], at }, ...referenced];
  });
}

/** Where the statement first names it as a word; -1 where it does not. */
function placeOf({ name }: ObjectName, text: string): number {
  const word = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return text.search(new RegExp(`(?<![\\w$])${word}(?![\\w$])`, "i"));
}
