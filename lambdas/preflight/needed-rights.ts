import { applicationRoles } from "../shared/places.ts";
import {
  type CompiledPlan,
  type NeededRight,
  type ObjectName,
  type Step,
  stepFiles,
} from "../shared/plan.ts";
import type { Ports } from "../shared/ports.ts";
import { relationName } from "../shared/sql-text.ts";

/** What a statement of the plan needs of a relation that was there before, and where in the plan it stands. */
export interface RightAt extends NeededRight {
  at: string;
}

/** Of every migration and its way back, each once. */
export function neededRights(plan: CompiledPlan): RightAt[] {
  const found = plan.migrations.flatMap((migration) =>
    stepFiles(migration).flatMap(({ path, steps }): RightAt[] => {
      const made = new Set(steps.flatMap(madeBy).map(relationName));
      return steps
        .flatMap(({ rights = [] }) => rights)
        .filter(({ relation }) => !made.has(relationName(relation)))
        .map((need) => ({ ...need, at: `${path}:${need.line}` }));
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
  const made = migrations.flatMap(({ migrate }) => migrate.steps.flatMap((step) => step.extensions ?? []));
  return [...new Set([...extensions.map(({ name }) => name), ...made])];
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

const FORCE = /\bFORCE\s+ROW\s+LEVEL\s+SECURITY\b/i;
const ENABLE = /\bENABLE\s+ROW\s+LEVEL\s+SECURITY\b/i;
const NO_FORCE = /\bNO\s+FORCE\s+ROW\s+LEVEL\s+SECURITY\b/i;

const ALTERS = /^ALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?(\S+)/i;

/** A statement that forces row-level security on a table's owner. */
export interface Forced {
  at: string;
  /** Null: its text does not tell. */
  name: string | null;
  relname: string | null;
  /** The plan itself enables it somewhere. */
  enables: boolean;
}

/** None where the plan takes FORCE off somewhere: what is left of it the rehearsal shows. */
export function forcedByPlan({ migrations }: CompiledPlan): Forced[] {
  const statements = migrations.flatMap(({ migrate: { path, steps } }) =>
    steps.flatMap((step) => step.statements.map(({ sql, line }) => ({ sql, at: `${path}:${line}` }))),
  );
  if (statements.some(({ sql }) => NO_FORCE.test(sql))) return [];
  const enables = statements.some(({ sql }) => ENABLE.test(sql));
  return statements
    .filter(({ sql }) => FORCE.test(sql))
    .map(({ sql, at }) => {
      const name = ALTERS.exec(sql)?.[1] ?? null;
      const relname = name?.split(".").at(-1)?.replaceAll('"', "") ?? null;
      return { at, name, relname, enables };
    });
}
