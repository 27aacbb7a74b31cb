import { join } from "node:path";
import { predictedDowntime } from "../../lambdas/report/downtime.ts";
import { criteriaText, summaryLines } from "../../lambdas/report/summary.ts";
import { verdictOf } from "../../lambdas/report/verdict.ts";
import type { End } from "../../lambdas/shared/documents.ts";
import { count, duration } from "../../lambdas/shared/text.ts";
import type { LocalEnd } from "../events.ts";
import type { Paint } from "./paint.ts";
import { wrap } from "./wrap.ts";

const LOOK: Readonly<Record<End, { mark: string; color: "green" | "yellow" | "red" }>> = {
  Succeeded: { mark: "✔", color: "green" },
  Refused: { mark: "✖", color: "yellow" },
  RolledBack: { mark: "←", color: "yellow" },
  Restored: { mark: "←", color: "yellow" },
  NeedsOperator: { mark: "✖", color: "red" },
};

/** Shown by the verdict, or under another heading. */
const SAID_ELSEWHERE = new Set(["Run", "Left to do"]);

/** The final text of a run: how it ended and why, the facts, where everything is, and what to do next. */
export function endText(end: LocalEnd, paint: Paint, columns?: number): string[] {
  const { mark, color } = LOOK[end.end];
  const { title, meaning } = verdictOf(end.report);
  const section = (name: string, lines: readonly string[]) =>
    lines.length === 0
      ? []
      : ["", paint("bold", name), ...lines.flatMap((line) => wrap(line, columns, "  ", "    "))];
  return [
    "",
    `${paint(["bold", color], `${mark} ${title}`)}`,
    ...wrap(meaning, columns, "  "),
    ...wrap(causeOf(end), columns, "  "),
    ...(end.end === "Refused" ? [] : [`  ${criteriaText(end.report.criteria)}`]),
    ...summaryLines(end.report)
      .filter((part) => !SAID_ELSEWHERE.has(part.title))
      .flatMap((part) => section(part.title, part.lines)),
    "",
    `${paint("bold", "Evidence")}  ${end.evidence}`,
    `${paint("bold", "Report")}    ${join(end.evidence, "report.html")}`,
    ...(end.report.manifest === null ? [] : [`${paint("bold", "Manifest")}  ${end.report.manifest}`]),
    ...(end.leftBehind.length === 0
      ? ["", `${paint("bold", "Left behind")}  nothing`]
      : section("Left behind", end.leftBehind)),
    ...section(
      "Not broken, as the run never reached it",
      end.neverReached.map((state) => `"${state}"`),
    ),
    ...section("What to do next", nextSteps(end)),
  ];
}

/** After a success: what a reader needs at once, in at most ten lines. The report has the rest. */
export function shortEndText(end: LocalEnd, paint: Paint): string[] {
  const { color, mark } = LOOK[end.end];
  const { title, meaning } = verdictOf(end.report);
  const { criteria, downtime, migrations } = end.report;
  const predicted = predictedDowntime(downtime);
  const took =
    downtime.seconds === null
      ? []
      : [`  Downtime ${duration(downtime.seconds)}${predicted === undefined ? "" : `; ${predicted}`}`];
  const [first, ...others] = nextSteps(end);
  const more = others.length === 0 ? "" : ` And ${count(others.length, "more thing")} to do.`;
  return [
    "",
    paint(["bold", color], `${mark} ${title}`),
    `  ${meaning}`,
    `  ${causeOf(end)}`,
    `  ${count(migrations.length, "migration")}: ${migrations.map(({ version }) => version).join(", ")}`,
    `  ${criteriaText(criteria)}`,
    ...took,
    ...(first === undefined ? [] : [`  To do: ${first}${more}`]),
    `${paint("bold", "Report")}    ${join(end.evidence, "report.html")}`,
    "--verbose shows the whole report here.",
  ];
}

/** The end in one line, for --quiet. */
export function endLine(end: LocalEnd): string {
  return `${verdictOf(end.report).title}: ${causeOf(end)}`;
}

/** The cause without its end, which the console needs and which the line above shows here. */
function causeOf({ end, cause }: LocalEnd): string {
  return cause.startsWith(`${end}: `) ? cause.slice(end.length + 2) : cause;
}

function nextSteps({ report, leftBehind }: LocalEnd): string[] {
  return report.leftToDo.filter((line) => !leftBehind.includes(line));
}
