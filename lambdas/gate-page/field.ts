import type { Problem } from "../gate/decide.ts";
import { type Html, html } from "../shared/html.ts";
import type { GateForm } from "./form.ts";

const IDS: Readonly<Record<Problem["field"], string>> = {
  by: "by",
  comment: "comment",
  instance: "instance",
  ticked: "tick-0",
  page: "decide",
};

/** Id of the control that a problem is about; the page has two forms. */
export function fieldId(decision: GateForm["decision"], field: Problem["field"]): string {
  return field === "page" ? IDS.page : `${decision === "Go" ? "go" : "no"}-${IDS[field]}`;
}

export interface Field {
  decision: GateForm["decision"];
  name: Problem["field"];
  label: Html | string;
  hint?: string | false;
  problems: readonly Problem[];
  /** The control itself, with the attributes that tie it to its label and to what is wrong. */
  control(attributes: Html): Html;
}

/** A control with its label, its hint and what is wrong with it. */
export function field({ decision, name, label, hint, problems, control }: Field): Html {
  const id = fieldId(decision, name);
  const invalid = problems.some((problem) => problem.field === name);
  return html`<div class="field"><label for="${id}">${label}${hint && html`<span class="hint">${hint}</span>`}</label>
${control(html`id="${id}"${invalid && html` aria-invalid="true"`}${described(problems, decision, name)}`)}${wrong(problems, decision, name)}</div>`;
}

export function described(
  problems: readonly Problem[],
  decision: GateForm["decision"],
  name: Problem["field"],
) {
  return (
    problems.some((problem) => problem.field === name) &&
    html` aria-describedby="${fieldId(decision, name)}-wrong"`
  );
}

export function wrong(problems: readonly Problem[], decision: GateForm["decision"], name: Problem["field"]) {
  const messages = problems.filter((problem) => problem.field === name).map((problem) => problem.message);
  return (
    messages.length > 0 &&
    html`<span class="wrong" id="${fieldId(decision, name)}-wrong">${messages.join(" ")}</span>`
  );
}
