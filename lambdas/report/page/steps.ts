import { type Html, html } from "../../shared/html.ts";
import type { Phase, Report } from "../schema.ts";
import { clock, duration } from "../words.ts";
import { table } from "./parts.ts";

/** What is shorter says nothing by itself: its prediction is as short. */
const WORTH_A_BAR_SECONDS = 0.5;

interface Line {
  what: string;
  level: "phase" | "part" | "step";
  startedAt: string | null;
  endedAt: string | null;
  seconds: number | null;
  predictedSeconds: number | null;
  by: string;
}

/** The timeline as a table: every phase, what it is made of, and the longer steps of each migration. */
export function stepsSection(report: Report): Html | false {
  const lines = report.timeline.phases.flatMap((phase) => linesOf(phase, report));
  if (lines.length === 0) return false;
  return html`<details><summary>Step by step, predicted against actual</summary>${table<Line>(
    "Timeline",
    [
      { head: "What", cell: ({ what, level }) => html`<span class="${level}">${what}</span>` },
      { head: "Start", number: true, cell: ({ startedAt }) => (startedAt ? clock(startedAt) : "") },
      { head: "End", number: true, cell: ({ endedAt }) => (endedAt ? clock(endedAt) : "") },
      { head: "Took", number: true, cell: ({ seconds }) => (seconds === null ? "–" : duration(seconds)) },
      {
        head: "Predicted",
        number: true,
        cell: ({ predictedSeconds, by }) =>
          predictedSeconds === null
            ? "–"
            : html`${duration(predictedSeconds)}${by !== "" && html` <span class="soft small">${by}</span>`}`,
      },
      { head: "Off by", number: true, cell: offBy },
    ],
    lines,
  )}</details>`;
}

function linesOf(phase: Phase, report: Report): Line[] {
  const { title, kind, startedAt, endedAt, seconds, predictedSeconds, predictedBy, parts } = phase;
  return [
    {
      what: title,
      level: "phase",
      startedAt,
      endedAt,
      seconds: kind === "gate" && startedAt === null ? null : seconds,
      predictedSeconds,
      by: predictedBy === "plan" ? "by the plan" : "",
    },
    ...parts.flatMap(({ what, ...times }): Line[] => [
      { what, level: "part", startedAt: null, endedAt: null, by: "", ...times },
      ...stepsOf(what, report),
    ]),
  ];
}

/** The steps of what was applied or rolled back, by the name of the part. */
function stepsOf(what: string, { migrations }: Report): Line[] {
  return migrations.flatMap(({ version, production }) => {
    const direction = { [`Apply ${version}`]: "migrate", [`Roll back ${version}`]: "rollback" }[what];
    const pass = production.passes.findLast((candidate) => candidate.direction === direction);
    return (pass?.steps ?? [])
      .filter(
        ({ seconds, predictedSeconds }) => Math.max(seconds, predictedSeconds ?? 0) >= WORTH_A_BAR_SECONDS,
      )
      .map(
        ({ name, startedAt, seconds, predictedSeconds }): Line => ({
          what: name,
          level: "step",
          startedAt,
          endedAt: null,
          seconds,
          predictedSeconds,
          by: "",
        }),
      );
  });
}

export function offBy({
  seconds,
  predictedSeconds,
  by,
}: Pick<Line, "seconds" | "predictedSeconds" | "by">): string {
  if (seconds === null || !predictedSeconds || by !== "") return "";
  if (Math.max(seconds, predictedSeconds) < WORTH_A_BAR_SECONDS) return "";
  const percent = Math.round((seconds / predictedSeconds - 1) * 100);
  return `${percent > 0 ? "+" : percent < 0 ? "−" : ""}${Math.abs(percent)} %`;
}
