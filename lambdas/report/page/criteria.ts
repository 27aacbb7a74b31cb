import { type Html, html } from "../../shared/html.ts";
import { remindersByDate } from "../left-to-do.ts";
import type { Criterion, Report } from "../schema.ts";
import { count, list } from "../words.ts";
import { evidenceNames, mark, section } from "./parts.ts";

export function criteriaSection({ criteria }: Report): Html {
  const met = criteria.filter(({ status }) => status === "met").length;
  return section(
    "criteria",
    `Success criteria: ${met} of ${criteria.length} met`,
    html`<ul class="plain criteria">${criteria.map(criterion)}</ul>`,
  );
}

function criterion({ title, status, detail, evidence }: Criterion): Html {
  const passed = status === "not known" ? null : status === "met";
  return html`<li>${mark(passed, { yes: "Met", no: "Not met", unknown: "Not known" })}<p><strong>${title}.</strong> <span class="soft">${detail}${evidence.length > 0 && html` <span class="names">${evidenceNames(evidence)}</span>`}</span></p></li>
`;
}

export function leftToDoSection(report: Report): Html | false {
  const { leftToDo, end } = report;
  if (leftToDo.length === 0 && end === "running") return false;
  return section(
    "left",
    "Left to do",
    leftToDo.length === 0
      ? html`<p>Nothing.</p>`
      : html`<ol>${leftToDo.map((item) => html`<li>${item}</li>`)}</ol>`,
    byDate(report),
  );
}

/** What the plan leaves to people, by the day on which it is due. */
function byDate(report: Report): Html | false {
  const days = remindersByDate(report);
  if (days.length === 0) return false;
  return html`<details class="dates"><summary>By date: ${list(
    days.map(({ by, titles }) => `${count(titles.length, "thing")} by ${by}`),
  )}</summary><dl>${days.map(
    ({ by, titles }) =>
      html`<div><dt>By <time datetime="${by}">${by}</time></dt><dd><ul>${titles.map((title) => html`<li>${title}</li>`)}</ul></dd></div>`,
  )}</dl></details>`;
}
