import type { Report } from "../report/schema.ts";
import { count, duration, milliseconds } from "../report/words.ts";
import { type Html, html } from "../shared/html.ts";

/** What somebody must weigh before anything else: whatever is not as it should be. Nothing where nothing was checked. */
export function concernsNote(report: Report): Html | false {
  if (!report.preflight) return false;
  const concerns = concernsOf(report);
  return concerns.length === 0
    ? html`<div class="note go"><h3><span aria-hidden="true">✓ </span>All that was checked passed</h3></div>`
    : html`<div class="note"><h3>Look at this first</h3>
<ul>${concerns.map((text) => html`<li>${text}</li>`)}</ul></div>`;
}

function concernsOf(report: Report): string[] {
  const { preflight, staging, proofs, failures, afterOpening, wayBack, loss } = report;
  return [
    ...(failures.length > 0 ? [`${count(failures.length, "failure")} on the way`] : []),
    ...(preflight?.checks ?? [])
      .filter(({ passed }) => passed !== true)
      .map(({ name, passed, seen }) => `${name}: ${passed === null ? seen : "not as it must be"}`),
    ...(staging.verified && !staging.verified.equal ? ["the restored copy differs from production"] : []),
    ...report.migrations.flatMap(failedChecks),
    ...proofs.filter(({ equal }) => !equal).map(({ title }) => `${title}: not equal`),
    ...report.benchmarks.flatMap(missed),
    ...report.hooks
      .flatMap(({ results }) => results)
      .filter(({ passed }) => passed !== true)
      .map(({ title, passed }) => `${title}: ${passed === null ? "not known" : "failed"}`),
    ...(wayBack && wayBack.restore.seconds > wayBack.sloSeconds
      ? [
          `A restore would take about ${duration(wayBack.restore.seconds)}, and the plan allows ${duration(wayBack.sloSeconds)}`,
        ]
      : []),
    ...(loss && !loss.applicationWasIn
      ? loss.tables.map(({ table }) => `${table} is not as recorded, though the application was kept out`)
      : []),
    ...afterOpening.filter(({ passed }) => !passed).map(({ title }) => `${title}: failed`),
  ];
}

const SIDES = ["staging", "production"] as const;

function failedChecks(migration: Report["migrations"][number]): string[] {
  return SIDES.flatMap((side) => {
    const results = migration[side].checks.flatMap((round) => round.results);
    const failed = results.filter(({ passed }) => !passed).length;
    return failed > 0
      ? [`${migration.version} on ${side}: ${failed} of ${count(results.length, "check")} failed`]
      : [];
  });
}

function missed(benchmark: Report["benchmarks"][number]): string[] {
  return SIDES.flatMap((side) => {
    const result = benchmark[side];
    if (!result || result.passed === true) return [];
    const seen = result.p95Ms === null ? "not measured" : `p95 ${milliseconds(result.p95Ms)}`;
    return [`${benchmark.title} on ${side}: ${seen}, limit ${milliseconds(benchmark.sloMs)}`];
  });
}
