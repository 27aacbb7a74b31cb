import { publisherNamed } from "../gate/approvals.ts";
import type { Problem } from "../gate/decide.ts";
import { approverOf } from "../gate/link.ts";
import { isName } from "../gate/names.ts";
import type { GateApprovalDoc, GateDoc } from "../shared/documents.ts";
import { leadsToProduction, takesName } from "../shared/gates.ts";
import { type Html, html } from "../shared/html.ts";
import { knownAs } from "../shared/settings.ts";
import type { GateView } from "./gate-page.ts";
import { time } from "./layout.ts";
import { described, field, fieldId, type GateForm, wrong } from "./request.ts";

/** What the page's forms need. The page without forms is stored as evidence of what was shown. */
export interface FormState {
  key: string;
  /** SHA-256 of the page without forms. */
  shown: string;
  /** The Goes given so far, at a gate that needs several. They are not part of `shown`: they change nothing in question. */
  approvals: readonly GateApprovalDoc[];
  /** What was typed before, together with `problems`. */
  typed?: GateForm;
  problems: readonly Problem[];
}

/** The cards Go and No-Go: what each leads to and, if `form` is given, the form to answer with. */
export function choices(view: GateView, form: FormState | undefined): Html {
  return html`<p>${goesNeeded(view.doc)} A Go takes effect only if nothing on this page has changed meanwhile.</p>
${form && goesSoFar(view.doc, form.approvals)}
<div class="choices">
${goCard(view, form)}
${noGoCard(view, form)}
</div>`;
}

function goCard({ doc, settings, report }: GateView, form: FormState | undefined): Html {
  const typed = form?.typed?.decision === "Go" ? form.typed : undefined;
  const problems = typed ? (form?.problems ?? []) : [];
  const onProduction = leadsToProduction(doc.kind, settings);
  return card(
    "Go",
    doc.go,
    html`${!form && doc.checklist.length > 0 && html`<ul>${doc.checklist.map((item) => html`<li>${item}</li>`)}</ul>`}
${
  form &&
  html`${opening(form, doc.attempt, "Go")}
${
  doc.checklist.length > 0 &&
  html`<fieldset${described(problems, "Go", "ticked")}><legend>I confirm that all of this is true:</legend>
${doc.checklist.map(
  (item, i) =>
    html`<label class="tick" for="go-tick-${i}"><input type="checkbox" id="go-tick-${i}" name="tick" value="${i}" required${checked(typed?.tick.includes(i))}><span>${item}</span></label>`,
)}${wrong(problems, "Go", "ticked")}</fieldset>`
}
${nameField(
  doc,
  form,
  "Go",
  problems,
  typed,
  hintsOf(
    settings.separateApprover && onProduction && starterHint(report.request?.startedBy),
    publisherHint(report.plan.published?.by, approverOf(form.key, doc)),
  ),
)}
${
  takesName(doc.kind, settings) &&
  field({
    decision: "Go",
    name: "instance",
    label: html`Type <code>${knownAs(settings)}</code>, ${namedAs(doc, onProduction)}`,
    problems,
    control: (attributes) =>
      html`<input type="text" ${attributes} name="instance" required maxlength="200" autocapitalize="none" autocorrect="off" spellcheck="false" value="${typed?.instance ?? ""}">`,
  })
}
${field({
  decision: "Go",
  name: "comment",
  label: "Comment",
  hint: "Optional. The report shows it.",
  problems,
  control: (attributes) =>
    html`<textarea ${attributes} name="comment" maxlength="1500">${"\n"}${typed?.comment ?? ""}</textarea>`,
})}
<button type="submit"><span aria-hidden="true">✓ </span>Go</button>
</form>`
}`,
  );
}

/** What the name is of that a Go takes. */
function namedAs({ kind }: GateView["doc"], onProduction: boolean): string {
  if (kind === "wave") return "the rollout that this is about";
  return `the database that this ${onProduction ? "changes" : "run changes"}`;
}

function noGoCard({ doc }: GateView, form: FormState | undefined): Html {
  const typed = form?.typed?.decision === "NoGo" ? form.typed : undefined;
  const problems = typed ? (form?.problems ?? []) : [];
  return card(
    "NoGo",
    doc.noGo,
    form
      ? html`${opening(form, doc.attempt, "NoGo")}
${nameField(doc, form, "NoGo", problems, typed)}
${field({
  decision: "NoGo",
  name: "comment",
  label: "Reason",
  hint: "The report shows it.",
  problems,
  control: (attributes) =>
    html`<textarea ${attributes} name="comment" required maxlength="1500">${"\n"}${typed?.comment ?? ""}</textarea>`,
})}
<button type="submit"><span aria-hidden="true">✕ </span>No-Go</button>
</form>`
      : html``,
  );
}

const LOOKS = {
  Go: { name: "go", sign: "✓ ", word: "Go" },
  NoGo: { name: "no", sign: "✕ ", word: "No-Go" },
} as const;

function card(decision: GateForm["decision"], leadsTo: string, content: Html): Html {
  const { name, sign, word } = LOOKS[decision];
  return html`<div class="card ${name}"><h3 id="${name}-title"><span aria-hidden="true">${sign}</span>${word}</h3>
<p>${leadsTo}</p>
${content}</div>`;
}

/** The form is named by its card, so that a screen reader distinguishes the two forms. */
function opening({ key, shown }: FormState, attempt: number, decision: GateForm["decision"]): Html {
  return html`<form method="post" action="${attempt}" autocomplete="off" aria-labelledby="${LOOKS[decision].name}-title">
<input type="hidden" name="key" value="${key}">
<input type="hidden" name="shown" value="${shown}">
<input type="hidden" name="decision" value="${decision}">`;
}

function nameField(
  doc: GateView["doc"],
  { key }: FormState,
  decision: GateForm["decision"],
  problems: readonly Problem[],
  typed: GateForm | undefined,
  hint: string | false = false,
): Html {
  const named = approverOf(key, doc);
  if (named !== undefined)
    // Focusable, because a problem with the name links here.
    return html`<p id="${fieldId(decision, "by")}" tabindex="-1">You answer as <strong>${named}</strong>: this link was sent only to you.${hint && html` <span class="hint">${hint}</span>`}${wrong(problems, decision, "by")}</p>`;
  return field({
    decision,
    name: "by",
    label: "Your name",
    hint,
    problems,
    control: (attributes) =>
      html`<input type="text" ${attributes} name="by" required maxlength="100" autocomplete="name" value="${typed?.by ?? ""}">`,
  });
}

function starterHint(starter: string | null | undefined): string | false {
  return isName(starter) && `Not ${starter}, who started this run.`;
}

function checked(yes: boolean | undefined) {
  return yes === true && html` checked`;
}

function hintsOf(...hints: readonly (string | false)[]): string | false {
  return hints.filter((hint) => hint !== false).join(" ") || false;
}

/** A person who approves their own plan must know that the report shows it. */
function publisherHint(
  published: NonNullable<GateView["report"]["plan"]["published"]>["by"] = [],
  named: string | undefined,
): string | false {
  if (named !== undefined)
    return (
      publisherNamed(published, named) !== undefined &&
      "You published this plan yourself. The report will show that beside your answer."
    );
  const names = [...new Set(published.map(({ by }) => by))];
  return (
    names.length > 0 &&
    `Published by ${names.join(", ")}. If that is you, the report will show it beside your answer.`
  );
}

const NUMBERS = ["", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

/** How many answers decide the gate. */
function goesNeeded({ quorum }: GateDoc): Html | string {
  if (!quorum) return "Only the first answer counts.";
  const many = `${NUMBERS[quorum.approvals]} people with different names`;
  return quorum.starterUnknown
    ? html`A Go needs <strong>${many}</strong>: it is not recorded who started this run, and that person may not decide alone. A No-Go needs one.`
    : html`A Go needs <strong>${many}</strong>. A No-Go needs one.`;
}

/** The Goes given so far, with names, times and comments. */
export function goesSoFar({ quorum }: GateDoc, approvals: readonly GateApprovalDoc[]): Html | false {
  if (!quorum) return false;
  return html`<div class="note${approvals.length > 0 && " go"}"><h3>Go so far: ${approvals.length} of ${quorum.approvals}</h3>
${
  approvals.length > 0 &&
  html`<ul>${approvals.map(({ by, at, comment }) => html`<li><strong>${by}</strong>, ${time(at)}${comment !== "" && html`<br><span class="comment">${comment}</span>`}</li>`)}</ul>`
}</div>`;
}
