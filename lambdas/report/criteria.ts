import type { BenchmarkResult, CheckResult, HookDoc, Target } from "../shared/documents.ts";
import { count, list, milliseconds } from "../shared/text.ts";
import type { Facts, Named } from "./facts.ts";
import type { BenchmarkReport, Criterion } from "./schema.ts";

/**
 * Returns the success criteria, all about production. "Not known" means that nothing measured it. It never counts as
 * met, and "not met" needs evidence too.
 */
export function criteriaOf(facts: Facts): Criterion[] {
  return [
    executed(facts),
    checksPass(facts, "checks", "All checks pass on production", () => true),
    noDataLoss(facts),
    checksPass(facts, "isolation", "Isolation holds for the application's roles", ({ as }) => as !== null),
    ...benchmarks(facts),
    starts(facts),
    hook(facts, "integration", "Integration tests pass", "test", facts.plan.application.test),
    noRollback(facts),
  ];
}

type Verdict = Omit<Criterion, "id" | "title">;

const met = (detail: string, evidence: string[]): Verdict => ({ status: "met", detail, evidence });
const notMet = (detail: string, evidence: string[]): Verdict => ({ status: "not met", detail, evidence });
const notKnown = (detail: string, evidence: string[] = []): Verdict => ({
  status: "not known",
  detail,
  evidence,
});

function executed(facts: Facts): Criterion {
  const { plan, outcome, rollback } = facts;
  const total = plan.migrations.length;
  const titled = (verdict: Verdict) => ({
    id: "migrations",
    title: total === 1 ? "The migration is executed" : `All ${total} migrations are executed`,
    ...verdict,
  });
  const applied = facts.steps.filter(
    ({ target, direction }) => target === "production" && direction === "migrate",
  );
  const versions = plan.migrations.map(({ version }) => version);
  const done = versions.filter((version) => applied.some((doc) => doc.version === version));
  const evidence = applied.map((doc) => doc.evidence);
  if (rollback)
    return titled(
      notMet(
        outcome?.end === "RolledBack" || outcome?.end === "Restored"
          ? "Production is back in its former state"
          : "Production went back and is not proven back",
        [...evidence, "rollback"],
      ),
    );
  if (done.length === total) return titled(met(`${list(done)} on production`, evidence));
  const text = done.length === 0 ? "None on production" : `Only ${list(done)} on production`;
  if (outcome) return titled(notMet(text, [...evidence, "outcome"]));
  return titled(notKnown(`${text} so far`, evidence));
}

function checksPass(
  facts: Facts,
  id: string,
  title: string,
  counts: (check: CheckResult) => boolean,
): Criterion {
  // The last round of each migration counts: all are checked once more after the last migration.
  const onProduction = facts.checks.filter(({ target }) => target === "production");
  const rounds = onProduction.filter(
    (doc) => onProduction.findLast(({ version }) => version === doc.version) === doc,
  );
  const results = rounds.flatMap((round) =>
    round.results.filter(counts).map((result) => ({ ...result, version: round.version })),
  );
  const evidence = rounds.filter((round) => round.results.some(counts)).map((round) => round.evidence);
  const failed = results.filter(({ passed }) => !passed);
  const seen = new Set(rounds.map(({ version }) => version));
  const missing = facts.plan.migrations.map(({ version }) => version).filter((version) => !seen.has(version));
  const titled = (verdict: Verdict) => ({ id, title, ...verdict });
  if (failed.length > 0) {
    const names = failed.map(({ name, version }) => `'${name}' of ${version}`);
    return titled(notMet(`${count(failed.length, "check")} failed: ${list(names)}`, evidence));
  }
  const passed = `${count(results.length, "check")} passed`;
  if (missing.length > 0)
    return titled(
      notKnown(
        `${results.length > 0 ? `${passed}; ` : ""}${list(missing)} not checked on production`,
        evidence,
      ),
    );
  if (results.length === 0) return titled(notKnown("The plan has no such check"));
  return titled(met(passed, evidence));
}

/** The latest proof of production's contents decides, which after a rollback or restore is that one's. */
function noDataLoss({ proofs, outcome }: Facts): Criterion {
  const titled = (verdict: Verdict) => ({ id: "data", title: "No data is lost", ...verdict });
  const proof = proofs.findLast(({ name }) => name.startsWith("production-"));
  if (proof) {
    const tables = count(proof.tablesBefore.length, "table");
    return titled(
      proof.equal
        ? met(
            proof.agreed.length === 0
              ? `The rows of ${tables} are as before`
              : `${count(proof.agreed.length, "table")} changed as the rehearsal showed, the rows of all others are as before`,
            [proof.evidence],
          )
        : notMet(proof.differences.slice(0, 3).join("; ") || `${tables}: not as before`, [proof.evidence]),
    );
  }
  if (outcome?.end === "Refused") return titled(met("No migration was run on production", ["outcome"]));
  return titled(notKnown("Production's contents were not compared with the record"));
}

function benchmarks(facts: Facts): Criterion[] {
  const document = facts.benchmarks.production?.evidence;
  return benchmarksOf(facts).map(({ name, title, sloMs, production, staging }) => {
    const titled = (verdict: Verdict) => ({
      id: `benchmark:${name}`,
      title: `${title}: p95 within ${milliseconds(sloMs)}`,
      ...verdict,
    });
    const rehearsed = staging?.p95Ms == null ? "" : `; on staging p95 was ${milliseconds(staging.p95Ms)}`;
    if (!production) return titled(notKnown(`Not measured on production${rehearsed}`));
    const evidence = document ? [document] : [];
    if (production.p95Ms === null || production.passed === null) {
      const why = production.note ? `: ${production.note}` : "";
      return titled(notKnown(`Not measured on production${why}${rehearsed}`, evidence));
    }
    const figure = `p95 ${milliseconds(production.p95Ms)}${production.note ? ` (${production.note})` : ""}`;
    return titled(production.passed ? met(figure, evidence) : notMet(figure, evidence));
  });
}

function starts(facts: Facts): Criterion {
  const { start, smoke } = facts.plan.application;
  const wanted = [...(start ? ["start"] : []), ...(smoke > 0 ? ["smoke"] : [])];
  const titled = (verdict: Verdict) => ({
    id: "application",
    title: "The application starts and connects",
    ...verdict,
  });
  if (wanted.length === 0) return titled(notKnown("The plan has neither a start hook nor smoke tests"));
  return titled(verdictOfHooks(wanted, facts.hooks));
}

function hook(facts: Facts, id: string, title: string, name: string, has: boolean): Criterion {
  const verdict = has ? verdictOfHooks([name], facts.hooks) : notKnown(`The plan has no ${name} hook`);
  return { id, title, ...verdict };
}

function verdictOfHooks(wanted: readonly string[], ran: readonly Named<HookDoc>[]): Verdict {
  const docs = wanted.map((name) => ran.findLast((doc) => doc.name === name));
  const found = docs.filter((doc) => doc !== undefined);
  const results = found.flatMap((doc) => doc.results);
  const evidence = found.map((doc) => doc.evidence);
  const failed = results.filter(({ passed }) => passed === false);
  if (failed.length > 0) {
    const texts = failed.map(({ title, expected, seen }) => `${title}: expected ${expected}, seen ${seen}`);
    return notMet(texts.join("; "), evidence);
  }
  const open = results.filter(({ passed }) => passed === null);
  if (found.length < wanted.length)
    return notKnown(`Not done: ${list(wanted.filter((_, i) => docs[i] === undefined))}`, evidence);
  if (open.length > 0)
    return notKnown(open.map(({ title, seen }) => `${title}: ${seen}`).join("; "), evidence);
  return met(list(results.map(({ title }) => title)), evidence);
}

function noRollback({ rollback, restore, outcome }: Facts): Criterion {
  const titled = (verdict: Verdict) => ({ id: "rollback", title: "No rollback was required", ...verdict });
  if (restore)
    return titled(
      notMet(restore.moment === undefined ? "Restored from the snapshot" : "Restored to the moment", [
        "restore",
      ]),
    );
  if (rollback) return titled(notMet(`Rolled back: ${rollback.why}`, ["rollback"]));
  if (outcome?.end === "Succeeded") return titled(met("Nothing was rolled back", ["outcome"]));
  if (outcome?.end === "Refused") return titled(notKnown("Nothing was applied to production", ["outcome"]));
  return titled(notKnown(outcome ? "The evidence does not show it" : "None so far"));
}

/** Returns every benchmark of the plan, measured or not, then any other that was measured. */
export function benchmarksOf({ plan, benchmarks }: Facts): BenchmarkReport[] {
  const measured = [...(benchmarks.staging?.results ?? []), ...(benchmarks.production?.results ?? [])];
  const all = new Map([...measured, ...plan.benchmarks].map((b) => [b.name, b]));
  const planned = plan.benchmarks.map(({ name }) => name);
  const names = [...planned, ...[...all.keys()].filter((name) => !planned.includes(name))];
  const of = (target: Target, name: string) => {
    const found = benchmarks[target]?.results.find((result) => result.name === name);
    return found ? figures(found) : null;
  };
  return names.flatMap((name) => {
    const benchmark = all.get(name);
    if (!benchmark) return [];
    const { title, sloMs } = benchmark;
    return [{ name, title, sloMs, staging: of("staging", name), production: of("production", name) }];
  });
}

function figures(result: BenchmarkResult): NonNullable<BenchmarkReport["staging"]> {
  const { p50Ms, p95Ms, runs, passed, note, warmUp, generated, plan } = result;
  return {
    p50Ms,
    p95Ms,
    runs,
    // A benchmark without a figure has not passed, whatever the document states.
    passed: p95Ms === null ? null : passed,
    note,
    warmUpRuns: warmUp?.runs ?? null,
    firstMs: warmUp?.firstMs ?? null,
    generated: generated ?? false,
    plan: [...(plan ?? [])],
  };
}
