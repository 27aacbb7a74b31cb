import type { CompiledPlan } from "../../lambdas/shared/plan.ts";
import { isQuery } from "./in-transaction.ts";
import { reach } from "./outside.ts";
import { type Mistakes, PlanError } from "./plan-error.ts";
import { splitStatements, syntaxProblem } from "./statements.ts";

// SQL of plan.yaml that runs beside the migrations, outside of files of steps and checks: benchmarks, queries of the
// watch, and tasks after the opening.

/** Notes the mistakes in it. @param reaching routines of the plan that reach out of the database */
export function checkBeside(plan: CompiledPlan, reaching: ReadonlySet<string>, mistakes: Mistakes): void {
  checkRoles(plan, mistakes);
  const queries = queriesOf(plan);
  checkReadsOnly(queries, mistakes);
  checkReaching(plan, queries, reaching, mistakes);
}

interface Query {
  /** Key in plan.yaml. */
  where: string;
  sql: string;
  /** Such as `a metric is read`. */
  often: string;
}

function queriesOf({ benchmarks, watch }: CompiledPlan): Query[] {
  const measured = benchmarks.flatMap(({ query, baseline, needs }, index) =>
    Object.entries({ query, baseline, needs }).flatMap(([key, sql]) =>
      sql === undefined ? [] : [{ where: `benchmarks[${index}].${key}`, sql, often: "a benchmark is run" }],
    ),
  );
  const watched = (watch?.metrics ?? []).flatMap(({ source }, index) =>
    source.kind === "query"
      ? [{ where: `watch.metrics[${index}].query`, sql: source.sql, often: "a metric is read" }]
      : [],
  );
  return [...measured, ...watched];
}

function checkRoles({ benchmarks, applicationRoles, findRoles }: CompiledPlan, mistakes: Mistakes): void {
  for (const [index, { as, name }] of benchmarks.entries())
    if (as !== undefined && !applicationRoles.includes(as))
      mistakes.add(
        "plan.yaml",
        `benchmarks[${index}].as`,
        `${name} runs as ${as}, which is no application role${findRoles ? ": name it under applicationRoles" : ""}`,
      );
}

/** Requires one query each. What a query calls cannot write either: see withReadOnlyTransaction. */
function checkReadsOnly(queries: readonly Query[], mistakes: Mistakes): void {
  for (const { where, sql } of queries) {
    const statements = splitStatements(sql, 1);
    // The parser's mistake is reported elsewhere.
    if (statements.some(({ node }) => node === undefined)) continue;
    const [first, ...more] = statements;
    if (!first || more.length > 0 || !isQuery(first))
      mistakes.add(
        "plan.yaml",
        where,
        `is ${first ? (more.length > 0 ? `${statements.length} statements` : "not a SELECT that only reads") : "empty"}. It runs beside the migrations, where nothing may be written. Write it as one query`,
      );
  }
}

/** All of this SQL runs on staging too, and only a task after the opening may reach outside. */
function checkReaching(
  { afterOpening }: CompiledPlan,
  queries: readonly Query[],
  reaching: ReadonlySet<string>,
  mistakes: Mistakes,
): void {
  const tasks = afterOpening.flatMap(({ sql, outside }, index) => (outside ? [] : [{ sql, index }]));
  const texts = [
    ...tasks.map(({ sql, index }) => ({
      where: `afterOpening[${index}].sql`,
      sql,
      instead:
        ". Its rehearsal on staging reaches the real environment too. If that is meant, add to it: outside: allowed",
    })),
    ...queries.map(({ where, sql, often }) => ({
      where,
      sql,
      instead: `, and ${often} many times. Remove it`,
    })),
  ];
  for (const { where, sql, instead } of texts)
    for (const statement of splitStatements(sql, 1)) {
      const what = reach(statement, reaching);
      if (what !== undefined) mistakes.add("plan.yaml", where, `${what}${instead}`);
    }
}

/** What PostgreSQL's parser refuses in it. Benchmarks are left out: the database that measures them reports on them. */
export function besideThatDoesNotParse({ afterOpening, watch }: CompiledPlan): PlanError[] {
  const tasks = afterOpening.flatMap(({ sql }, index) =>
    problemOf(sql, "plan.yaml", `afterOpening[${index}].sql: `),
  );
  const watched = (watch?.metrics ?? []).flatMap(({ name, source }) =>
    source.kind === "query" ? problemOf(source.sql, `the query of metric ${name}`) : [],
  );
  return [...tasks, ...watched];
}

function problemOf(sql: string, path: string, key = ""): PlanError[] {
  const problem = syntaxProblem({ sql, line: 1 });
  return problem
    ? [new PlanError(path, `${key}line ${problem.line}, column ${problem.column}`, problem.message)]
    : [];
}
