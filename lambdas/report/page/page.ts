import { type Html, html } from "../../shared/html.ts";
import { count, duration, list, moment } from "../../shared/text.ts";
import { predictedDowntime } from "../downtime.ts";
import { remindersByDate } from "../left-to-do.ts";
import type { Criterion, GateReport, Report } from "../schema.ts";
import { copyLines, databaseText } from "../summary.ts";
import { causeAlone, verdictOf } from "../verdict.ts";
import { appendixSection } from "./appendix.ts";
import { benchmarksSection, locksSection, watchSection } from "./measurements.ts";
import { migrationsSection } from "./migrations.ts";
import { evidenceNames, mark, section, table, wholePage } from "./parts.ts";
import { proofsSection, stagingSection, wayBackSection } from "./proofs.ts";
import { timelineSection } from "./timeline.ts";

/** Renders the report as one self-contained page. */
export function renderReport(report: Report): string {
  return wholePage({
    title: `${verdictOf(report).title}: ${report.plan.title}`,
    main: mainOf(report),
    footer: html`<p>Made from the evidence of run <code>${report.run}</code> as of ${moment(report.asOf)}.</p>
${report.manifest !== null && html`<p>The SHA-256 of its manifest is <code>${report.manifest}</code>. <code>sluice verify DIR --hash ...</code> finds later changes.</p>`}`,
  });
}

function mainOf(report: Report): Html {
  return html`${verdictHeader(report)}
${leftToDoSection(report)}
${criteriaSection(report)}
${wayBackSection(report)}
${timelineSection(report)}
${gatesSection(report)}
${proofsSection(report)}
${locksSection(report)}
${benchmarksSection(report)}
${watchSection(report)}
${stagingSection(report)}
${migrationsSection(report)}
${appendixSection(report)}`;
}

const TONES: Readonly<Record<Report["end"], string>> = {
  running: "",
  Succeeded: "good",
  Refused: "open",
  RolledBack: "open",
  Restored: "open",
  NeedsOperator: "bad",
};

/** Returns the header: how the run ended, why, and on which database. */
export function verdictHeader(report: Report): Html {
  const { title, meaning } = verdictOf(report);
  return html`<header class="${TONES[report.end]}">
<p class="plan-name">${report.plan.title}</p>
<h1>${title}</h1>
<p class="meaning">${meaning}</p>
</header>
${report.cause && html`<p class="cause">${causeAlone(report.cause, report.end)}</p>`}
${report.now && html`<p class="cause">Now: ${report.now.state}, since ${moment(report.now.since)}</p>`}
<dl class="facts">${factsOf(report).map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

function factsOf({ end, request, timeline, downtime, plan }: Report): [string, string][] {
  return [
    ...(request ? ([["Database", databaseText(request)]] as [string, string][]) : []),
    ...(request?.copies ? ([["Copies", copyLines(request).join(" ")]] as [string, string][]) : []),
    ["Started", `${moment(timeline.startedAt)}${request?.startedBy ? ` by ${request.startedBy}` : ""}`],
    [timeline.endedAt ? "Took" : "So far", withGates(timeline.seconds, timeline.waitedSeconds)],
    ...downtimeOf({ end, downtime }),
    ...(request?.reason ? ([["Reason", request.reason]] as [string, string][]) : []),
    ...(request?.outsideWindow === undefined
      ? []
      : ([["Allowed outside the maintenance window", request.outsideWindow]] as [string, string][])),
    ["Plan", plan.checksum === "" ? plan.name : `${plan.name}, ${plan.checksum.slice(0, 12)}`],
  ];
}

function downtimeOf({ end, downtime }: Pick<Report, "end" | "downtime">): [string, string][] {
  const { seconds, waitedSeconds } = downtime;
  if (seconds !== null)
    return [
      [end === "NeedsOperator" ? "Behind the fence" : "Downtime", withGates(seconds, waitedSeconds ?? 0)],
    ];
  const predicted = predictedDowntime(downtime);
  return predicted === undefined ? [] : [["Downtime", predicted]];
}

function withGates(seconds: number, waited: number): string {
  return waited >= 1 ? `${duration(seconds)}, including ${duration(waited)} at gates` : duration(seconds);
}

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

/** The plan's reminders by due date. */
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
            html`${gate}${attempt > 1 && html` <span class="soft small">opened ${attempt} times</span>`}${escalation && html` <span class="soft small">escalated</span>`}`,
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
  return html`<details><summary>Checklist items not ticked at a Go</summary><ul>${open.flatMap(
    ({ gate, checklist }) =>
      checklist.filter(({ ticked }) => !ticked).map(({ item }) => html`<li>${gate}: ${item}</li>`),
  )}</ul></details>`;
}
