import type { Decision } from "../../lambdas/shared/documents.ts";
import type { RunEvent } from "../events.ts";

/** One entry into a state of the machine, including its loops and retries. */
export interface RowView {
  state: string;
  status: "working" | "retrying" | "done" | "failed";
  /** It was done when another state was entered. Entering it later is another piece of work. */
  over?: true;
  startedAt: Date;
  endedAt?: Date;
  failures: readonly { error: string; message: string }[];
  /** Its last line of progress. */
  line?: string;
  /** The gate's answer; null: nobody answered in time. */
  answer?: Answer | null;
}

export interface Answer {
  decision: Decision;
  by: string;
}

export interface PhaseView {
  phase: string;
  /** `turned`: a No-Go ended it. */
  status: "waiting" | "working" | "done" | "turned" | "failed";
  startedAt?: Date;
  endedAt?: Date;
  rows: readonly RowView[];
}

/** What can be shown of a run. */
export interface RunView {
  phases: readonly PhaseView[];
  /** The phase in progress. */
  current: string | undefined;
  stopping: boolean;
}

/** What changes the view: events of the run, answers to its gates, and a request to stop. */
export type ViewEvent = RunEvent | { type: "answered"; answer: Answer | undefined } | { type: "stopping" };

export const EMPTY: RunView = { phases: [], current: undefined, stopping: false };

export function reduce(view: RunView, event: ViewEvent): RunView {
  switch (event.type) {
    case "started":
      return {
        ...view,
        phases: event.phases.map(({ phase }) => ({ phase, status: "waiting", rows: [] })),
      };
    case "entered":
      return enter(view, event);
    case "progress":
      return changeRow(view, event.state, (row) => ({ ...row, line: event.line }));
    case "left":
      return changeRow(view, event.state, (row) => ({
        ...row,
        endedAt: event.at,
        status: row.status === "failed" ? "failed" : "done",
      }));
    case "failed":
      return changeRow(view, event.state, ({ line: _, ...row }) => ({
        ...row,
        status: event.willRetry ? "retrying" : "failed",
        failures: [...row.failures, { error: event.error, message: event.message }],
        ...(event.willRetry ? {} : { endedAt: event.at }),
      }));
    case "answered":
      return changeRow(view, currentRow(view)?.row.state, (row) => ({
        ...row,
        answer: event.answer ?? null,
      }));
    case "stopping":
      return { ...view, stopping: true };
    case "ended":
      return { ...endCurrent(view, lastMoment(view)), current: undefined };
    case "gate":
      return view;
  }
}

/** The phase in progress, and its current state. */
export function currentRow(view: RunView): { phase: PhaseView; row: RowView } | undefined {
  const phase = view.phases.find((candidate) => candidate.phase === view.current);
  const row = phase?.rows.at(-1);
  return phase && row ? { phase, row } : undefined;
}

function enter(view: RunView, { state, phase, at }: Extract<RunEvent, { type: "entered" }>): RunView {
  const begun = view.current === phase ? view : begin(endCurrent(view, at), phase, at);
  const known = rowOf(begun, state);
  const going = changePhase(begun, (phase) => overBut(phase, state));
  // A loop or a retry is the same piece of work; after a final failure it is a new one.
  if (known && !known.over && known.status !== "failed")
    return changeRow(going, state, ({ endedAt: _, ...row }) => ({ ...row, status: "working" }));
  const row: RowView = { state, status: "working", startedAt: at, failures: [] };
  return changePhase(going, (current) => ({ ...current, rows: [...current.rows, row] }));
}

/** Marks done states as over, except the one being entered. States that run beside it may still be working. */
function overBut(phase: PhaseView, state?: string): PhaseView {
  const rows = phase.rows.map((row) =>
    row.status === "done" && row.state !== state ? { ...row, over: true as const } : row,
  );
  return { ...phase, rows };
}

function rowOf(view: RunView, state: string | undefined): RowView | undefined {
  const phase = view.phases.find((candidate) => candidate.phase === view.current);
  return phase?.rows.findLast((row) => row.state === state);
}

function begin(view: RunView, phase: string, at: Date): RunView {
  const known = view.phases.some((candidate) => candidate.phase === phase);
  const phases: readonly PhaseView[] = known
    ? view.phases
    : [...view.phases, { phase, status: "waiting", rows: [] }];
  return changePhase({ ...view, phases, current: phase }, ({ endedAt: _, ...current }) => ({
    ...current,
    status: "working",
    startedAt: current.startedAt ?? at,
  }));
}

function endCurrent(view: RunView, at: Date): RunView {
  return changePhase(view, (phase) => ({ ...overBut(phase), endedAt: at, status: statusAtEnd(phase) }));
}

function statusAtEnd({ rows }: PhaseView): PhaseView["status"] {
  const answer = rows.findLast((row) => row.answer !== undefined)?.answer;
  if (answer === null || answer?.decision === "NoGo") return "turned";
  return rows.at(-1)?.status === "failed" ? "failed" : "done";
}

function lastMoment(view: RunView): Date {
  const row = currentRow(view)?.row;
  return row?.endedAt ?? row?.startedAt ?? new Date(0);
}

function changePhase(view: RunView, change: (phase: PhaseView) => PhaseView): RunView {
  return {
    ...view,
    phases: view.phases.map((phase) => (phase.phase === view.current ? change(phase) : phase)),
  };
}

function changeRow(view: RunView, state: string | undefined, change: (row: RowView) => RowView): RunView {
  const found = rowOf(view, state);
  return changePhase(view, (phase) => ({
    ...phase,
    rows: phase.rows.map((row) => (row === found ? change(row) : row)),
  }));
}
