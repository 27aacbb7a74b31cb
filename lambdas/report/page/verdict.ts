import { type Html, html } from "../../shared/html.ts";
import { causeAlone } from "../outcome.ts";
import type { Report } from "../schema.ts";
import { copyLines, databaseText } from "../summary.ts";
import { verdictOf } from "../verdict.ts";
import { duration, moment } from "../words.ts";

const TONES: Readonly<Record<Report["end"], string>> = {
  running: "",
  Succeeded: "good",
  Refused: "open",
  RolledBack: "open",
  Restored: "open",
  NeedsOperator: "bad",
};

/** The first thing that is read: how it ended, why, and on what database. */
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
    downtime.seconds === null
      ? ["Downtime, predicted", duration(downtime.predictedSeconds)]
      : [
          end === "NeedsOperator" ? "Behind the fence" : "Downtime",
          withGates(downtime.seconds, downtime.waitedSeconds ?? 0),
        ],
    ...(request?.reason ? ([["Reason", request.reason]] as [string, string][]) : []),
    ...(request?.outsideWindow === undefined
      ? []
      : ([["Allowed outside the maintenance window", request.outsideWindow]] as [string, string][])),
    ["Plan", plan.checksum === "" ? plan.name : `${plan.name}, ${plan.checksum.slice(0, 12)}`],
  ];
}

function withGates(seconds: number, waited: number): string {
  return waited >= 1 ? `${duration(seconds)}, of it ${duration(waited)} at gates` : duration(seconds);
}
