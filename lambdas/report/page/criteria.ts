import { type Html, html } from "../../shared/html.ts";
import type { Criterion, Report } from "../schema.ts";
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
  return html`<li>${mark(passed, { yes: "Met", no: "Not met", unknown: "Not known" })}<span>${title}</span>
<span class="soft">${detail}${evidence.length > 0 && html` (${evidenceNames(evidence)})`}</span></li>
`;
}

export function leftToDoSection({ leftToDo, end }: Report): Html | false {
  if (leftToDo.length === 0 && end === "running") return false;
  return section(
    "left",
    "Left to do",
    leftToDo.length === 0
      ? html`<p>Nothing.</p>`
      : html`<ol>${leftToDo.map((item) => html`<li>${item}</li>`)}</ol>`,
  );
}
