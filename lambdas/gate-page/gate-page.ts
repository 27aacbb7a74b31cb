import { type Html, html } from "../shared/html.ts";
import { knownAs } from "../shared/run-database.ts";
import { choices, type FormState } from "./choices.ts";
import { concernsNote } from "./concerns.ts";
import { facts } from "./facts.ts";
import { fieldId } from "./field.ts";
import { layout, questionOf } from "./layout.ts";
import { measured } from "./measured.ts";
import type { GateView } from "./view.ts";
import { windowNotes } from "./window.ts";

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
