import type { Report } from "../report/schema.ts";
import type { GateDoc, RequestDoc } from "../shared/documents.ts";
import { endsWithWindow } from "../shared/gates.ts";
import { type Html, html } from "../shared/html.ts";
import type { Range, Results } from "../shared/rollout-documents.ts";
import { knownAs, type RunSettings } from "../shared/settings.ts";
import { duration } from "../shared/text.ts";
import { choices, type FormState } from "./choices.ts";
import { concernsNote, windowNotes } from "./concerns.ts";
import { layout, questionOf, time } from "./layout.ts";
import { measured } from "./measured.ts";
import { fieldId } from "./request.ts";

export function gatePage(view: GateView, form?: FormState): Html {
  const { doc, report, settings } = view;
  const wrong = form !== undefined && form.problems.length > 0;
  return layout(
    {
      title: `${wrong ? "Not yet: " : ""}${questionOf(doc)} ${knownAs(settings)}`,
      place: `gate ${doc.gate}`,
      skipTo: { id: "decide", text: "To the decision" },
      contacts: settings.contacts,
    },
    html`${wrong && problemList(form)}
<h1>${questionOf(doc)}</h1>
${doc.warnings && html`<div class="note no"><h2>Read this first</h2><ul>${doc.warnings.map((line) => html`<li>${line}</li>`)}</ul></div>`}
<p class="lead">${report.plan.title}, on <strong>${knownAs(settings)}</strong></p>
<p><a href="#decide">To the decision</a></p>
${doc.escalation && html`<div class="note"><h2>Escalated</h2><p>Nobody decided this gate in time. The decision is now yours.</p></div>`}
${
  doc.changed.length > 0 &&
  html`<div class="note"><h2>Opened again: the last Go did not take effect, because this has changed since</h2>
<ul>${doc.changed.map((line) => html`<li>${line}</li>`)}</ul></div>`
}
${windowNotes(view)}
${facts(view)}

<section aria-labelledby="measured"><h2 id="measured">Checked and measured so far</h2>
${form && reportLink(doc.attempt, form.key)}
${view.brief ? html`${concernsNote(report)}<div class="card"><p>The results are too large for this page. They are in the whole report: read it before you decide.</p></div>` : measured(report)}
</section>

<section aria-labelledby="decide"><h2 id="decide" tabindex="-1">Your decision</h2>
${choices(view, form)}
</section>`,
  );
}

/** Takes the focus when the page loads, so that a screen reader reads it first too. */
function problemList({ problems, typed }: FormState): Html {
  const target = (field: (typeof problems)[number]["field"]) => fieldId(typed?.decision ?? "Go", field);
  return html`<div class="note no" role="alert" tabindex="-1" autofocus><h2>Nothing is decided yet</h2>
<ul>${problems.map(({ field, message }) => html`<li><a href="#${target(field)}">${message}</a></li>`)}</ul></div>`;
}

/** The link to the current report. It is a form, so that the key stands only in forms. */
function reportLink(attempt: number, key: string): Html {
  return html`<form method="get" action="${attempt}/report" target="_blank"><input type="hidden" name="key" value="${key}"><button type="submit" class="link">The whole report so far</button></form>`;
}

/** The data of an open gate's page. */
export interface GateView {
  doc: GateDoc;
  report: Report;
  settings: RunSettings;
  /** Leave out the measurements, because the page with them is too large for a response. */
  brief?: boolean;
}

/** The subject of the gate: database, plan, run and deadline. */
function facts({ doc, report, settings }: GateView): Html {
  const { request } = report;
  const zone = settings.maintenanceWindow?.timeZone;
  return html`<div class="card"><dl class="facts">
<dt>Database</dt><dd><strong>${settings.instance}</strong> · ${settings.database}</dd>
<dt>Answer by</dt><dd><strong>${time(doc.expiresAt)}</strong>${inZone(doc.expiresAt, zone)}${atItsEnd(doc)}</dd>
<dt>Plan</dt><dd>${report.plan.name} <code>${doc.basis.planChecksum.slice(0, 12)}</code></dd>
${publishedRow(report.plan)}
<dt>Run</dt><dd><code>${report.run}</code></dd>
<dt>Started</dt><dd>${request ? html`${time(request.startedAt)} by ${request.startedBy ?? "(not known)"}` : "(not known)"}</dd>
${request?.reason && html`<dt>Reason</dt><dd>${request.reason}</dd>`}
${
  doc.basis.fingerprint !== null &&
  html`<dt>Catalog</dt><dd><code>${doc.basis.fingerprint.slice(0, 12)}</code></dd>`
}
${doc.window && html`<dt>Window</dt><dd>until ${time(doc.window.ends)}${inZone(doc.window.ends, zone)}</dd>`}
</dl></div>`;
}

/** Local time, if the settings name a time zone: `Tue 04:13 in Europe/Berlin`. */
function inZone(iso: string, timeZone: string | undefined): string | false {
  if (timeZone === undefined) return false;
  const format = {
    timeZone,
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  } as const;
  const parts = new Intl.DateTimeFormat("en-GB", format).formatToParts(new Date(iso));
  const part = (type: string) => parts.find((found) => found.type === type)?.value ?? "";
  return ` (${part("weekday")} ${part("hour")}:${part("minute")} in ${timeZone})`;
}

function atItsEnd(doc: GateView["doc"]): string | false {
  if (endsWithWindow(doc))
    return ", when the maintenance window ends. If nobody answers, that counts as a No-Go.";
  return doc.escalation && ". If nobody answers, that counts as a No-Go.";
}

/** Who published the plan and when. AWS vouches for the identity; the time is the publisher's own. */
function publishedRow({ published }: GateView["report"]["plan"]): Html | false {
  if (!published) return false;
  const lines = [
    ...(published.deployed ? [html`deployed with the stack`] : []),
    ...published.by.map(
      ({ by, arn, at }) =>
        html`${at !== "" && html`${time(at)} `}by <strong>${by}</strong> <code>${arn}</code>`,
    ),
  ];
  if (lines.length === 0)
    lines.push(html`<strong>publisher not recorded</strong>: the plan was not stored by \`sluice publish\``);
  return html`<dt>Published</dt><dd>${lines.map((line, i) => html`${i > 0 && html`<br>`}${line}`)}</dd>`;
}

/** What the page of a wave's gate is made of. */
interface WaveView {
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
