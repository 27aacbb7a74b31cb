import type { Report } from "../report/schema.ts";
import { lossLines, lossTitle } from "../report/way-back.ts";
import { duration } from "../report/words.ts";
import { type Html, html } from "../shared/html.ts";
import { verdict } from "./verdict.ts";

/** How long it takes to bring production back, by either way, beside what the plan allows. */
export function wayBack({ wayBack }: Report): Html | null {
  if (!wayBack) return null;
  const { sloSeconds, rollback, restore, restoreFrom } = wayBack;
  const what = restore.replay ? "to the moment" : "the snapshot";
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
<p>As the rehearsal measured it, proofs included; the plan allows ${duration(sloSeconds)}.</p>
${rollback.parts.length > 0 && way(restoreFrom === undefined ? "Rolling back" : `Rolling back what comes before ${restoreFrom}`, rollback)}
${way(restoreFrom === undefined ? `Restoring ${what}` : `Restoring ${what}, the way back from ${restoreFrom} on`, restore)}
</div>`;
}

/** What a restore would lose; said also where it could not be counted, as people are about to decide. */
export function loss(report: Report): Html | null {
  const asked = report.gates.at(-1)?.gate === "restore";
  if (!report.loss && !asked) return null;
  const lines = lossLines(report);
  return html`<div class="card">
<h3>${report.loss ? lossTitle(report.loss) : "What a restore loses"}</h3>
${
  report.loss
    ? html`<ul class="plain">${lines.map((line) => html`<li>${line}</li>`)}</ul>`
    : html`<p>It could not be counted: production did not answer. What was written since the final snapshot is lost.</p>`
}
</div>`;
}
