import { type Html, html, raw } from "../../shared/html.ts";
import { clock, duration, secondsBetween } from "../../shared/text.ts";
import { predictedDowntime } from "../downtime.ts";
import type { Phase, Report } from "../schema.ts";
import { downtimeParts } from "./measurements.ts";
import { stepsSection } from "./migrations.ts";
import { section } from "./parts.ts";

/** Wide enough to hide rounding to whole units. */
const WIDTH = 1000;

/**
 * Returns the chart: for each phase a line with its place in time, its duration and its prediction. The phases before
 * production and those on production have separate scales, because one would otherwise shrink the other to nothing. The
 * scale is the actual time; a longer prediction is cut off, and its number shows the full value.
 */
export function timelineSection(report: Report): Html {
  const { timeline } = report;
  const phases = placed(timeline, report.asOf);
  const fence = phases.findIndex(({ id }) => id === "fence");
  const charts =
    fence > 0
      ? [
          chart("Before production", phases.slice(0, fence), timeline),
          chart("On production", phases.slice(fence), timeline),
        ]
      : [chart("", phases, timeline)];
  return section(
    "timeline",
    "Timeline",
    html`<p class="small soft key"><span>${swatch("actual")} took</span><span>${swatch("wait")} waited for people</span><span>${swatch("predicted")} expected, by the ${timeline.phases.some(({ predictedBy }) => predictedBy === "plan") ? "rehearsal where it measured the phase, else by the plan" : "rehearsal"}</span></p>`,
    charts,
    html`<p>${totalText(timeline)} ${downtimeText(report)}</p>`,
    downtimeParts(report),
    stepsSection(report),
    statesOf(timeline.phases),
  );
}

function chart(title: string, phases: readonly Placed[], { startedAt }: Report["timeline"]): Html {
  const begins = phases[0]?.from ?? 0;
  const ends = Math.max(begins + 1, ...phases.map(({ from, took }) => from + (took ?? 0)), ...ahead(phases));
  const within = { begins, span: ends - begins };
  return html`${title !== "" && html`<h3>${title}</h3>`}
<ol class="plain phases">${phases.map((phase) => line(phase, within))}</ol>
<div class="axis" aria-hidden="true"><i></i><span><b>${clock(at(startedAt, begins))}</b><b>${clock(at(startedAt, ends))}</b></span><i></i></div>`;
}

/** Where a chart begins, in seconds after the start of the run, and how many seconds it shows. */
interface Window {
  begins: number;
  span: number;
}

interface Placed extends Phase {
  /** Actual or expected beginning, in seconds after the start of the run. */
  from: number;
  took: number | null;
}

/** Planned phases follow one another as predicted. */
function placed({ phases, startedAt }: Report["timeline"], asOf: string): Placed[] {
  let next = secondsBetween(startedAt, asOf);
  return phases.map((phase) => {
    if (phase.startedAt !== null)
      return { ...phase, from: secondsBetween(startedAt, phase.startedAt), took: phase.seconds };
    const from = next;
    next += phase.predictedSeconds ?? 0;
    return { ...phase, from, took: null };
  });
}

function ahead(phases: readonly Placed[]): number[] {
  return phases
    .filter(({ startedAt }) => startedAt === null)
    .map(({ from, predictedSeconds }) => from + (predictedSeconds ?? 0));
}

function line(phase: Placed, within: Window): Html {
  return html`<li><span class="title">${phase.title}</span>${bars(phase, within)}<span class="time">${timeText(phase)}</span></li>
`;
}

function bars(phase: Placed, { begins, span }: Window): Html {
  const x = (seconds: number) => Math.round((Math.min(seconds - begins, span) / span) * WIDTH);
  const from = x(phase.from);
  const rect = (kind: string, to: number, y: number, height: number) =>
    html`<rect class="${kind}" x="${from}" y="${y}" width="${Math.max(3, to - from)}" height="${height}"/>`;
  const kind = phase.kind === "gate" ? "wait" : phase.endedAt === null ? "going" : "actual";
  return html`<svg viewBox="0 0 ${WIDTH} 20" preserveAspectRatio="none" role="img" aria-label="${labelOf(phase)}">${
    phase.took !== null && rect(kind, x(phase.from + phase.took), 3, 9)
  }${phase.predictedSeconds !== null && rect("predicted", x(phase.from + phase.predictedSeconds), 13, 4)}</svg>`;
}

function timeText({ took, endedAt, predictedSeconds, kind }: Placed): Html {
  const actual =
    took === null
      ? kind === "gate"
        ? "to come"
        : ""
      : `${duration(took)}${endedAt === null ? " so far" : ""}`;
  const expected = predictedSeconds === null ? "" : `expected ${duration(predictedSeconds)}`;
  return html`${actual}${actual && expected && " "}${expected && html`<span class="soft">${took === null ? expected : `(${expected})`}</span>`}`;
}

function labelOf({ title, took, predictedSeconds, predictedBy }: Placed): string {
  const actual = took === null ? "to come" : `took ${duration(took)}`;
  return predictedSeconds === null
    ? `${title}: ${actual}`
    : `${title}: ${actual}, expected ${duration(predictedSeconds)} by the ${predictedBy}`;
}

function totalText({ seconds, waitedSeconds, endedAt, plannedSeconds }: Report["timeline"]): Html {
  return html`<strong>${endedAt === null ? "So far" : "Total"}</strong> ${duration(seconds)}, including ${duration(waitedSeconds)} of waiting for people${plannedSeconds === null ? "" : `; the plan itself expects ${duration(plannedSeconds)}`}.`;
}

function downtimeText({ downtime, rollback, restore, end }: Report): Html {
  const { seconds, waitedSeconds, openedAt, parts } = downtime;
  const expected = predictedDowntime(downtime);
  // The prediction is for the way forward, which this run did not complete.
  const forward = rollback || restore ? " for the complete way forward" : "";
  const predicted =
    expected !== undefined &&
    html`; ${expected} without waiting at gates${forward} (${parts
      .map(({ what, seconds }) => `${what.toLowerCase()} ${duration(seconds)}`)
      .join(", ")})`;
  if (seconds === null)
    return html`<strong>Downtime</strong>: none${end === "running" && " so far"}${predicted}.`;
  const so = openedAt === null ? " so far" : "";
  const work = seconds - (waitedSeconds ?? 0);
  return html`<strong>Downtime</strong>, from the fence to its lifting: ${duration(seconds)}${so} (${duration(work)} work, ${duration(waitedSeconds ?? 0)} at gates)${predicted}.`;
}

function statesOf(phases: readonly Phase[]): Html | false {
  const states = phases.flatMap(({ states }) => states);
  if (states.length === 0) return false;
  return html`<details><summary>All ${states.length} states, one by one</summary><ul class="small">${states.map(
    ({ state, enteredAt, doneAt }) =>
      html`<li><code>${clock(enteredAt)}</code> ${state} <span class="soft">${
        doneAt === null ? "not done" : duration(secondsBetween(enteredAt, doneAt))
      }</span></li>`,
  )}</ul></details>`;
}

function swatch(kind: "actual" | "wait" | "predicted"): Html {
  const shape = kind === "predicted" ? raw(`y="3" height="5"`) : raw(`y="1" height="9"`);
  return html`<svg viewBox="0 0 24 11" aria-hidden="true"><rect class="${kind}" x="1" width="22" ${shape}/></svg>`;
}

function at(start: string, seconds: number): string {
  return new Date(Date.parse(start) + seconds * 1000).toISOString();
}
