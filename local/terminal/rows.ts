import { shorten } from "../../lambdas/shared/text.ts";
import { WAYS_BACK } from "../events.ts";
import { measuredBefore, progressOf } from "./measured.ts";
import type { Paint } from "./paint.ts";
import type { PhaseView, RowView, RunView } from "./view.ts";
import { answerOf, answerText, failureText, STOPPING, secondsOf, timeOf } from "./words.ts";

/** A row of the live list. */
export interface Row {
  title: string;
  look: "waiting" | "working" | "done" | "failed" | "back";
  below: readonly Row[];
}

/** How many states of each phase are already on the screen for good; `all` for a phase that is there as a whole. */
export type Printed = ReadonlyMap<string, number | "all">;

export interface RowOptions {
  now: Date;
  planned: ReadonlyMap<string, number>;
  paint: Paint;
  printed: Printed;
  /** The list stays on the screen and continues below: without current and future rows. */
  leaving: boolean;
}

/** Longer messages are in the evidence and below the verdict. */
const LONGEST_LINE = 300;

export function rowsOf(view: RunView, options: RowOptions): Row[] {
  const at = view.phases.findLastIndex(({ startedAt }) => startedAt !== undefined);
  const rows = view.phases.flatMap((phase, i) => phaseRow(view, phase, i > at, options));
  return [
    ...(at >= 0 || options.leaving ? [] : [{ title: "Prepare", look: "working" as const, below: [] }]),
    ...rows,
    ...(view.stopping && !options.leaving
      ? [{ title: options.paint("yellow", STOPPING), look: "back" as const, below: [] }]
      : []),
  ];
}

/** What is on the screen once the list was left. */
export function printedOf(view: RunView): Printed {
  return new Map(
    view.phases
      .filter(({ startedAt }) => startedAt !== undefined)
      .map(({ phase, endedAt, rows }) => [phase, endedAt ? ("all" as const) : Math.max(0, rows.length - 1)]),
  );
}

function phaseRow(view: RunView, phase: PhaseView, toCome: boolean, options: RowOptions): Row[] {
  const { now, planned, paint, printed, leaving } = options;
  const standing = printed.get(phase.phase) ?? 0;
  if (standing === "all") return [];
  if (phase.status === "waiting")
    return toCome && !leaving && !WAYS_BACK.has(phase.phase)
      ? [{ title: paint("dim", phase.phase), look: "waiting", below: [] }]
      : [];
  const working = phase.endedAt === undefined;
  const shown = phase.rows.slice(standing, leaving && working ? -1 : undefined);
  if (leaving && working && shown.length === 0) return [];
  const seconds = secondsOf(phase, now);
  const facts = [
    answerOf(phase),
    working && seconds < 1 ? undefined : timeOf(seconds, planned.get(phase.phase)),
  ];
  return [
    {
      title: titled(phase.phase, facts, paint),
      look: phase.status === "turned" ? "back" : phase.status,
      // For a phase that went well, its own row suffices.
      below: working || phase.status === "failed" ? shown.map((row) => stateRow(view, row, options)) : [],
    },
  ];
}

function stateRow(view: RunView, row: RowView, { now, planned, paint }: RowOptions): Row {
  const seconds = secondsOf(row, now);
  const working = row.endedAt === undefined;
  const facts = [
    row.answer === undefined ? undefined : answerText(row.answer),
    working && seconds < 1 ? undefined : timeOf(seconds, planned.get(row.state)),
    row.status === "working" ? progressOf(seconds, measuredBefore(view, row)) : undefined,
    row.failures.length > 0 && row.status !== "failed" ? `try ${row.failures.length + 1}` : undefined,
  ];
  const under = lineUnder(row);
  return {
    title: [titled(row.state, facts, paint), ...(under ? [paint("dim", `› ${under}`)] : [])].join("\n"),
    look: lookOf(row),
    below: [],
  };
}

function lookOf({ status, answer }: RowView): Row["look"] {
  if (status === "failed") return "failed";
  if (answer?.decision === "NoGo") return "back";
  return status === "done" ? "done" : "working";
}

function lineUnder({ status, line, failures }: RowView): string | undefined {
  const failure = failures.at(-1);
  if (failure && status === "failed") return shorten(failureText(failure), LONGEST_LINE);
  if (failure && status === "retrying")
    return shorten(`Trying again after ${failureText(failure)}`, LONGEST_LINE);
  return status === "working" ? line : undefined;
}

function titled(name: string, facts: readonly (string | undefined)[], paint: Paint): string {
  const shown = facts.filter((fact) => fact !== undefined).join(", ");
  return shown === "" ? name : `${name}  ${paint("dim", shown)}`;
}
