import type { GateDoc, RequestDoc } from "../shared/documents.ts";
import { type Html, html } from "../shared/html.ts";
import type { Range, Results } from "../shared/rollout-documents.ts";
import type { RunSettings } from "../shared/settings.ts";
import { duration } from "../shared/text.ts";
import { choices, type FormState } from "./choices.ts";
import type { GateView } from "./gate-page.ts";
import { layout, questionOf, time } from "./layout.ts";

/** What the page of a wave's gate is made of. */
export interface WaveView {
  doc: GateDoc;
  request: RequestDoc;
  results: Results;
  settings: RunSettings;
}

/** What people see before they decide on a wave: what became of it, or of the one before. */
export function wavePage({ doc, request, results, settings }: WaveView, form?: FormState): Html {
  const wrong = form !== undefined && form.problems.length > 0;
  return layout(
    {
      title: `${wrong ? "Not yet: " : ""}${questionOf(doc)} ${settings.instance}`,
      place: `gate ${doc.gate}`,
      skipTo: { id: "decide", text: "To the decision" },
      contacts: settings.contacts,
    },
    html`${wrong && html`<div class="note no" role="alert" tabindex="-1" autofocus><h2>Nothing was decided yet</h2><ul>${form.problems.map(({ message }) => html`<li>${message}</li>`)}</ul></div>`}
<h1>${questionOf(doc)}</h1>
${doc.warnings && html`<div class="note no"><h2>Read this first</h2><ul>${doc.warnings.map((line) => html`<li>${line}</li>`)}</ul></div>`}
<p class="lead">${request.plan.title}, rollout <strong>${settings.instance}</strong> on ${settings.database}</p>
${doc.escalation && html`<div class="note"><h2>Escalated</h2><p>This gate was not decided in time. Now it is yours to decide.</p></div>`}
<div class="card"><dl class="facts">
<dt>Answer by</dt><dd><strong>${time(doc.expiresAt)}</strong></dd>
<dt>Plan</dt><dd>${request.plan.name} <code>${doc.basis.planChecksum.slice(0, 12)}</code></dd>
<dt>Started</dt><dd>${time(request.startedAt)} by ${request.startedBy ?? "(not said)"}</dd>
${request.reason && html`<dt>Reason</dt><dd>${request.reason}</dd>`}
</dl></div>
${resultsSection(results)}
<section aria-labelledby="decide"><h2 id="decide" tabindex="-1">Your decision</h2>
${choices(asGate(doc, request, settings), form)}
</section>`,
  );
}

function resultsSection({
  wave,
  ends,
  downtime,
  predictedDowntime,
  worstLock,
  groups,
  lines,
  databases,
}: Results): Html {
  const more = databases - lines.length;
  return html`<section aria-labelledby="results"><h2 id="results">Wave ${wave}</h2>
<div class="card"><dl class="facts">
<dt>Ends</dt><dd>${Object.entries(ends)
    .map(([end, n]) => `${end}: ${n}`)
    .join(", ")}</dd>
<dt>Downtime</dt><dd>${range(downtime)}; predicted ${range(predictedDowntime)}</dd>
<dt>Worst lock</dt><dd>${worstLock ? `${worstLock.text}, ${worstLock.database}` : "none"}</dd>
</dl></div>
<h3>Equal catalogs before the migration</h3>
<ul>${groups.map(({ fingerprint, databases: n, some }) => html`<li>${fingerprint === null ? "not read" : html`<code>${fingerprint.slice(0, 12)}</code>`}: ${n} (${some.join(", ")}${n > some.length && ", ..."})</li>`)}</ul>
<h3>Databases</h3>
<div class="wide"><table><thead><tr><th>Database</th><th>End</th><th>Downtime</th><th>Predicted</th><th>Worst lock</th><th>Catalog</th></tr></thead><tbody>
${lines.map((line) => html`<tr><td>${line.database}</td><td>${line.end}${line.cause !== "" && line.end !== "Succeeded" && html`<br>${line.cause}`}</td><td>${seconds(line.downtime)}</td><td>${seconds(line.predictedDowntime)}</td><td>${line.worstLock?.text ?? ""}</td><td>${line.fingerprint?.slice(0, 12) ?? ""}</td></tr>`)}
</tbody></table></div>
${more > 0 && html`<p>${more} more are not shown here. They are like most: see the rollout's page in the evidence.</p>`}
</section>`;
}

function range(of: Range | null): string {
  if (!of) return "not known";
  return of.least === of.most
    ? duration(of.most)
    : `${duration(of.least)} to ${duration(of.most)}, half below ${duration(of.median)}`;
}

function seconds(value: number | null): string {
  return value === null ? "" : duration(value);
}

/** The forms ask of a report who started it and who published the plan, and nothing else. */
function asGate(doc: GateDoc, request: RequestDoc, settings: RunSettings): GateView {
  const report = {
    request: { startedBy: request.startedBy ?? null },
    plan: { published: request.published },
  } as GateView["report"];
  return { doc, report, settings };
}
