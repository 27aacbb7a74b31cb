import type { Report } from "../report/schema.ts";
import type { GateDoc } from "../shared/documents.ts";
import { endsWithWindow } from "../shared/gates.ts";
import { type Html, html } from "../shared/html.ts";
import { knownAs, type RunSettings } from "../shared/settings.ts";
import { choices, type FormState } from "./choices.ts";
import { concernsNote, windowNotes } from "./concerns.ts";
import { fieldId } from "./form.ts";
import { layout, questionOf, time } from "./layout.ts";
import { measured } from "./measured.ts";

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
${doc.escalation && html`<div class="note"><h2>Escalated</h2><p>This gate was not decided in time. Now it is yours to decide.</p></div>`}
${
  doc.changed.length > 0 &&
  html`<div class="note"><h2>Asked again: a Go did not take effect, as this has changed since</h2>
<ul>${doc.changed.map((line) => html`<li>${line}</li>`)}</ul></div>`
}
${windowNotes(view)}
${facts(view)}

<section aria-labelledby="measured"><h2 id="measured">Checked and measured so far</h2>
${form && reportLink(doc.attempt, form.key)}
${view.brief ? html`${concernsNote(report)}<div class="card"><p>It is too much for this page. The whole report has it: read it before you decide.</p></div>` : measured(report)}
</section>

<section aria-labelledby="decide"><h2 id="decide" tabindex="-1">Your decision</h2>
${choices(view, form)}
</section>`,
  );
}

/** Has the focus when the page comes, so that it is read first, and by a screen reader too. */
function problemList({ problems, typed }: FormState): Html {
  const target = (field: (typeof problems)[number]["field"]) => fieldId(typed?.decision ?? "Go", field);
  return html`<div class="note no" role="alert" tabindex="-1" autofocus><h2>Nothing was decided yet</h2>
<ul>${problems.map(({ field, message }) => html`<li><a href="#${target(field)}">${message}</a></li>`)}</ul></div>`;
}

/** To the report, as it stands now. A form, so that the key is nowhere on the page but in forms. */
function reportLink(attempt: number, key: string): Html {
  return html`<form method="get" action="${attempt}/report" target="_blank"><input type="hidden" name="key" value="${key}"><button type="submit" class="link">The whole report so far</button></form>`;
}

/** What the page of an open gate is made of. */
export interface GateView {
  doc: GateDoc;
  report: Report;
  settings: RunSettings;
  /** Leaves out what was measured: the whole of it is more than an answer can hold. */
  brief?: boolean;
}

/** What is asked about: which database, which plan, which run, and until when. */
function facts({ doc, report, settings }: GateView): Html {
  const { request } = report;
  const zone = settings.maintenanceWindow?.timeZone;
  return html`<div class="card"><dl class="facts">
<dt>Database</dt><dd><strong>${settings.instance}</strong> · ${settings.database}</dd>
<dt>Answer by</dt><dd><strong>${time(doc.expiresAt)}</strong>${inZone(doc.expiresAt, zone)}${atItsEnd(doc)}</dd>
<dt>Plan</dt><dd>${report.plan.name} <code>${doc.basis.planChecksum.slice(0, 12)}</code></dd>
${publishedRow(report.plan)}
<dt>Run</dt><dd><code>${report.run}</code></dd>
<dt>Started</dt><dd>${request ? html`${time(request.startedAt)} by ${request.startedBy ?? "(not said)"}` : "(not known)"}</dd>
${request?.reason && html`<dt>Reason</dt><dd>${request.reason}</dd>`}
${
  doc.basis.fingerprint !== null &&
  html`<dt>Catalog</dt><dd><code>${doc.basis.fingerprint.slice(0, 12)}</code></dd>`
}
${doc.window && html`<dt>Window</dt><dd>until ${time(doc.window.ends)}${inZone(doc.window.ends, zone)}</dd>`}
</dl></div>`;
}

/** By the clock on the wall, where the settings say whose: `Tue 04:13 in Europe/Berlin`. */
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
  if (endsWithWindow(doc)) return ", when the maintenance window ends: then it counts as a No-Go";
  return doc.escalation && ", or it counts as a No-Go";
}

/** Whose plan it is: by AWS's word who it was, by the publisher's when. */
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
    lines.push(
      html`<strong>by nobody who is noted</strong>: whoever put it there went round \`sluice publish\``,
    );
  return html`<dt>Published</dt><dd>${lines.map((line, i) => html`${i > 0 && html`<br>`}${line}`)}</dd>`;
}
