import type { Report } from "../report/schema.ts";
import { lossLines, lossTitle } from "../report/way-back.ts";
import { type Html, html } from "../shared/html.ts";
import { count, duration, milliseconds } from "../shared/text.ts";
import type { GateView } from "./gate-page.ts";
import { time } from "./layout.ts";

/** Returns a note of everything that is not as it should be, to be read first; false where nothing was checked yet. */
export function concernsNote(report: Report): Html | false {
  if (!report.preflight) return false;
  const concerns = concernsOf(report);
  return concerns.length === 0
    ? html`<div class="note go"><h3><span aria-hidden="true">✓ </span>All checks passed</h3></div>`
    : html`<div class="note"><h3>Look at this first</h3>
<ul>${concerns.map((text) => html`<li>${text}</li>`)}</ul></div>`;
}

function concernsOf(report: Report): string[] {
  const { preflight, staging, proofs, failures, afterOpening, wayBack, loss } = report;
  return [
    ...(failures.length > 0 ? [`${count(failures.length, "failure")} on the way`] : []),
    ...(preflight?.checks ?? [])
      .filter(({ passed }) => passed !== true)
      .map(({ name, passed, seen }) => `${name}: ${passed === null ? seen : "failed"}`),
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

/** Shows a verdict as a sign, a word and a colour, so that each alone is enough. */
export function verdict(passed: boolean | null, words: [yes: string, no: string, open: string]): Html {
  if (passed === null)
    return html`<span class="status is-open"><span aria-hidden="true">– </span>${words[2]}</span>`;
  return passed
    ? html`<span class="status is-go"><span aria-hidden="true">✓ </span>${words[0]}</span>`
    : html`<span class="status is-no"><span aria-hidden="true">✕ </span>${words[1]}</span>`;
}

/** Returns how long each way back takes, compared with the plan's limit. */
export function wayBack({ wayBack, backup }: Report): Html | null {
  if (!wayBack) return null;
  const { sloSeconds, rollback, restore, restoreFrom } = wayBack;
  const what = backup?.by === "point-in-time" ? "to the moment" : "the snapshot";
  const way = (
    title: string,
    { seconds, parts, leavesOut }: typeof rollback,
  ) => html`<div class="entry"><h4>${title}</h4>
<p>about ${duration(seconds)} · ${verdict(seconds <= sloSeconds, [`within ${duration(sloSeconds)}`, `over ${duration(sloSeconds)}`, ""])}</p>
<details><summary>How it is made up</summary>
<ul class="plain">${parts.map(({ what, seconds }) => html`<li>${what}: ${duration(seconds)}</li>`)}</ul></details>
${leavesOut.length > 0 && html`<p>Not counted:</p><ul class="plain">${leavesOut.map((line) => html`<li>${line}</li>`)}</ul>`}</div>`;
  return html`<div class="card">
<h3>The way back</h3>
<p>The rehearsal measured these times, proofs included. The plan allows ${duration(sloSeconds)}.</p>
${rollback.parts.length > 0 && way(restoreFrom === undefined ? "Rolling back" : `Rolling back the migrations before ${restoreFrom}`, rollback)}
${way(restoreFrom === undefined ? `Restoring ${what}` : `Restoring ${what}, the way back from ${restoreFrom} on`, restore)}
</div>`;
}

/** Returns what a restore would lose. At the gate "restore" it also states that the loss could not be counted. */
export function loss(report: Report): Html | null {
  const asked = report.gates.at(-1)?.gate === "restore";
  if (!report.loss && !asked) return null;
  const lines = lossLines(report);
  return html`<div class="card">
<h3>${report.loss ? lossTitle(report.loss) : "What a restore loses"}</h3>
${
  report.loss
    ? html`<ul class="plain">${lines.map((line) => html`<li>${line}</li>`)}</ul>`
    : html`<p>The loss could not be counted, because production did not answer. Everything written since the final snapshot would be lost.</p>`
}
</div>`;
}

/** Returns notes on the maintenance window: the run may continue outside it, or may not finish in time. */
export function windowNotes({ doc, report }: GateView): Html | false {
  const { window } = doc;
  if (!window) return false;
  const seconds = secondsToCome(report);
  const left = (Date.parse(window.ends) - Date.parse(doc.openedAt)) / 1000;
  return html`${
    window.override !== null &&
    html`<div class="note"><h2>Allowed outside the maintenance window</h2>
<p>Reason, given by ${report.request?.startedBy ?? "the person who started the run"}: <q>${window.override}</q></p>
<p>The run may continue until ${time(window.ends)}.</p></div>`
  }
${
  seconds > left &&
  html`<div class="note"><h2>This may not fit into the maintenance window</h2>
<p>The remaining work is predicted to take ${duration(seconds)}, without the time that people take at gates. The window ends at ${time(window.ends)}; when this gate opened, it had ${duration(left)} left. A gate that is open at the end of the window counts as a No-Go.</p></div>`
}`;
}

/** Predicted seconds of the work that has not begun. */
function secondsToCome({ timeline }: GateView["report"]): number {
  return timeline.phases
    .filter(({ kind, startedAt }) => kind === "work" && startedAt === null)
    .reduce((sum, { predictedSeconds }) => sum + (predictedSeconds ?? 0), 0);
}
