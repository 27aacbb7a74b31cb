import { type Html, html } from "../../shared/html.ts";
import type { GateReport, Report } from "../schema.ts";
import { moment } from "../words.ts";
import { mark, section, table } from "./parts.ts";

export function gatesSection({ gates }: Report): Html | false {
  if (gates.length === 0) return false;
  return section(
    "gates",
    "Who decided",
    table<GateReport>(
      "Gates and their answers",
      [
        {
          head: "Gate",
          cell: ({ gate, attempt, escalation }) =>
            html`${gate}${attempt > 1 && html` <span class="soft small">asked ${attempt} times</span>`}${escalation && html` <span class="soft small">escalated</span>`}`,
        },
        { head: "Answer", plain: true, cell: answer },
        {
          head: "By",
          cell: ({ by, publishers = [] }) =>
            html`${by ?? "nobody"}${publishers.map((name) => html`<br><strong>${name === by ? "Also" : `${name} also`} published the plan</strong>`)}`,
        },
        { head: "When", cell: ({ decidedAt, expiresAt }) => moment(decidedAt ?? expiresAt) },
        {
          head: "Question and comment",
          cell: ({ question, comment, objections }) =>
            html`${question}${comment && html` <q>${comment}</q>`}${objections.map(
              ({ by, at, comment }) =>
                html`<br><strong>No-Go by ${by}</strong>, after the Go, ${moment(at)}: <q>${comment}</q>`,
            )}`,
        },
      ],
      gates,
    ),
    checklists(gates),
  );
}

function answer({ decision, withheld }: GateReport): Html {
  const said = mark(decision === null ? null : decision === "Go", {
    yes: "Go",
    no: "No-Go",
    unknown: "Not answered",
  });
  return withheld
    ? html`${said} <span class="small">did not take effect: ${withheld.join(" ")}</span>`
    : said;
}

function checklists(gates: readonly GateReport[]): Html | false {
  const open = gates.filter(
    ({ checklist, decision }) => decision === "Go" && checklist.some(({ ticked }) => !ticked),
  );
  if (open.length === 0) return false;
  return html`<details><summary>Not ticked on a Go's checklist</summary><ul>${open.flatMap(
    ({ gate, checklist }) =>
      checklist.filter(({ ticked }) => !ticked).map(({ item }) => html`<li>${gate}: ${item}</li>`),
  )}</ul></details>`;
}
