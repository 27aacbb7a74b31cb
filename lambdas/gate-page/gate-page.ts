import { ON_PRODUCTION, type Problem } from "../gate/decide.ts";
import type { Report } from "../report/schema.ts";
import type { GateDoc } from "../shared/documents.ts";
import { type Html, html } from "../shared/html.ts";
import type { RunSettings } from "../shared/settings.ts";
import type { GateForm } from "./form.ts";
import { layout, questionOf, time } from "./layout.ts";
import { measured } from "./measured.ts";

export interface GateView {
  doc: GateDoc;
  report: Report;
  settings: RunSettings;
}

/** What the page's forms need: where they are absent, the page is what is kept as evidence of what was shown. */
export interface FormState {
  key: string;
  /** SHA-256 of the page without forms. */
  shown: string;
  /** What was typed before, and what is wrong with it. */
  typed?: GateForm;
  problems: readonly Problem[];
}

export function gatePage(view: GateView, form?: FormState): Html {
  const { doc, report, settings } = view;
  const wrong = form !== undefined && form.problems.length > 0;
  return layout(
    {
      title: `${wrong ? "Not yet: " : ""}${questionOf(doc)} ${settings.instance}`,
      place: `gate ${doc.gate}`,
      skipTo: { id: "decide", text: "To the decision" },
      contacts: settings.contacts,
    },
    html`${wrong && problemList(form)}
<h1>${questionOf(doc)}</h1>
<p class="lead">${report.plan.title}, on <strong>${settings.instance}</strong></p>
${doc.escalation && html`<div class="note"><h2>Escalated</h2><p>Nobody answered this gate in time. Now it is asked of you.</p></div>`}
${
  doc.changed.length > 0 &&
  html`<div class="note"><h2>Asked again: a Go did not take effect, as this has changed since</h2>
<ul>${doc.changed.map((line) => html`<li>${line}</li>`)}</ul></div>`
}
<div class="card"><dl class="facts">
<dt>Database</dt><dd><strong>${settings.instance}</strong> · ${settings.database}</dd>
<dt>Plan</dt><dd>${report.plan.name} <code>${doc.basis.planChecksum.slice(0, 12)}</code></dd>
<dt>Run</dt><dd><code>${report.run}</code></dd>
<dt>Started</dt><dd>${report.request ? html`${time(report.request.startedAt)} by ${report.request.startedBy ?? "(not said)"}` : "(not known)"}</dd>
${report.request?.reason && html`<dt>Reason</dt><dd>${report.request.reason}</dd>`}
${
  doc.basis.fingerprint !== null &&
  html`<dt>Catalog</dt><dd><code>${doc.basis.fingerprint.slice(0, 12)}</code></dd>`
}
<dt>Answer by</dt><dd><strong>${time(doc.expiresAt)}</strong>${doc.escalation && ", or it counts as a No-Go"}</dd>
</dl></div>

<section aria-labelledby="measured"><h2 id="measured">Checked and measured so far</h2>
${measured(report)}
</section>

<section aria-labelledby="decide"><h2 id="decide" tabindex="-1">Your decision</h2>
<p>Only the first answer counts. A Go takes effect only if what this page shows is still so.</p>
<div class="choices">
${goCard(view, form)}
${noGoCard(view, form)}
</div>
</section>`,
  );
}

const FIELD_IDS: Readonly<Record<Problem["field"], string>> = {
  by: "by",
  comment: "comment",
  instance: "instance",
  ticked: "tick-0",
  page: "decide",
};

function fieldId(decision: GateForm["decision"], field: Problem["field"]): string {
  return field === "page" ? FIELD_IDS.page : `${decision === "Go" ? "go" : "no"}-${FIELD_IDS[field]}`;
}

function problemList({ problems, typed }: FormState): Html {
  const target = (problem: Problem) => fieldId(typed?.decision ?? "Go", problem.field);
  return html`<div class="note no" role="alert"><h2>Nothing was decided yet</h2>
<ul>${problems.map((problem) => html`<li><a href="#${target(problem)}">${problem.message}</a></li>`)}</ul></div>`;
}

function goCard({ doc, settings, report }: GateView, form: FormState | undefined): Html {
  const typed = form?.typed?.decision === "Go" ? form.typed : undefined;
  const problems = typed ? (form?.problems ?? []) : [];
  const onProduction = ON_PRODUCTION.includes(doc.kind);
  const starter = report.request?.startedBy;
  const notThem = starter
    ? `Somebody other than ${starter}, who started this run.`
    : "Somebody other than the one who started this run (its request does not say who).";
  return html`<div class="card go"><h3><span aria-hidden="true">✓ </span>Go</h3>
<p>${doc.go}</p>
${!form && doc.checklist.length > 0 && html`<ul>${doc.checklist.map((item) => html`<li>${item}</li>`)}</ul>`}
${
  form &&
  html`<form method="post" action="${doc.attempt}" autocomplete="off">
${hidden(form, "Go")}
${
  doc.checklist.length > 0 &&
  html`<fieldset${described(problems, "Go", "ticked")}><legend>All of this is so:</legend>
${doc.checklist.map(
  (item, i) =>
    html`<label class="tick" for="go-tick-${i}"><input type="checkbox" id="go-tick-${i}" name="tick" value="${i}" required${checked(typed?.tick.includes(i))}><span>${item}</span></label>`,
)}${wrong(problems, "Go", "ticked")}</fieldset>`
}
${field({
  decision: "Go",
  name: "by",
  label: "Your name",
  hint: settings.separateApprover && onProduction ? notThem : undefined,
  problems,
  control: (attributes) =>
    html`<input type="text" ${attributes} name="by" required maxlength="100" autocomplete="name" value="${typed?.by ?? ""}">`,
})}
${
  onProduction &&
  field({
    decision: "Go",
    name: "instance",
    label: html`Type <code>${settings.instance}</code>, the database that this changes`,
    problems,
    control: (attributes) =>
      html`<input type="text" ${attributes} name="instance" required maxlength="100" autocapitalize="none" autocorrect="off" spellcheck="false" value="${typed?.instance ?? ""}">`,
  })
}
${field({
  decision: "Go",
  name: "comment",
  label: "Comment",
  hint: "If there is something that the report should say.",
  problems,
  control: (attributes) =>
    html`<textarea ${attributes} name="comment" maxlength="1500">${"\n"}${typed?.comment ?? ""}</textarea>`,
})}
<button type="submit"><span aria-hidden="true">✓ </span>Go</button>
</form>`
}</div>`;
}

function noGoCard({ doc }: GateView, form: FormState | undefined): Html {
  const typed = form?.typed?.decision === "NoGo" ? form.typed : undefined;
  const problems = typed ? (form?.problems ?? []) : [];
  return html`<div class="card no"><h3><span aria-hidden="true">✕ </span>No-Go</h3>
<p>${doc.noGo}</p>
${
  form &&
  html`<form method="post" action="${doc.attempt}" autocomplete="off">
${hidden(form, "NoGo")}
${field({
  decision: "NoGo",
  name: "by",
  label: "Your name",
  problems,
  control: (attributes) =>
    html`<input type="text" ${attributes} name="by" required maxlength="100" autocomplete="name" value="${typed?.by ?? ""}">`,
})}
${field({
  decision: "NoGo",
  name: "comment",
  label: "Why",
  hint: "For those who read the report.",
  problems,
  control: (attributes) =>
    html`<textarea ${attributes} name="comment" required maxlength="1500">${"\n"}${typed?.comment ?? ""}</textarea>`,
})}
<button type="submit"><span aria-hidden="true">✕ </span>No-Go</button>
</form>`
}</div>`;
}

function hidden(form: FormState, decision: GateForm["decision"]): Html {
  return html`<input type="hidden" name="key" value="${form.key}">
<input type="hidden" name="shown" value="${form.shown}">
<input type="hidden" name="decision" value="${decision}">`;
}

function field(options: {
  decision: GateForm["decision"];
  name: Problem["field"];
  label: Html | string;
  hint?: string | undefined;
  problems: readonly Problem[];
  control(attributes: Html): Html;
}): Html {
  const { decision, name, problems } = options;
  const id = fieldId(decision, name);
  const invalid = problems.some((problem) => problem.field === name);
  return html`<div class="field"><label for="${id}">${options.label}${options.hint && html`<span class="hint">${options.hint}</span>`}</label>
${options.control(html`id="${id}"${invalid && html` aria-invalid="true"`}${described(problems, decision, name)}`)}${wrong(problems, decision, name)}</div>`;
}

function described(problems: readonly Problem[], decision: GateForm["decision"], name: Problem["field"]) {
  return (
    problems.some((problem) => problem.field === name) &&
    html` aria-describedby="${fieldId(decision, name)}-wrong"`
  );
}

function wrong(problems: readonly Problem[], decision: GateForm["decision"], name: Problem["field"]) {
  const messages = problems.filter((problem) => problem.field === name).map((problem) => problem.message);
  return (
    messages.length > 0 &&
    html`<span class="wrong" id="${fieldId(decision, name)}-wrong">${messages.join(" ")}</span>`
  );
}

function checked(yes: boolean | undefined) {
  return yes === true && html` checked`;
}
