import type { Decision } from "../../lambdas/shared/documents.ts";
import type { RunEvent } from "../events.ts";

/** One entry into a state of the machine, including its loops and retries. */
export interface RowView {
  state: string;
  status: "working" | "retrying" | "done" | "failed";
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
      return changeRow(view, (row) => ({ ...row, line: event.line }));
    case "left":
      return changeRow(view, (row) => ({
        ...row,
        endedAt: event.at,
        status: row.status === "failed" ? "failed" : "done",
      }));
    case "failed":
      return changeRow(view, ({ line: _, ...row }) => ({
        ...row,
        status: event.willRetry ? "retrying" : "failed",
        failures: [...row.failures, { error: event.error, message: event.message }],
        ...(event.willRetry ? {} : { endedAt: event.at }),
      }));
    case "answered":
      return changeRow(view, (row) => ({ ...row, answer: event.answer ?? null }));
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
  const last = currentRow(begun)?.row;
  // A loop or a retry is the same piece of work; after a final failure it is a new one.
  if (last?.state === state && last.status !== "failed")
    return changeRow(begun, ({ endedAt: _, ...row }) => ({ ...row, status: "working" }));
  const row: RowView = { state, status: "working", startedAt: at, failures: [] };
  return changePhase(begun, (current) => ({ ...current, rows: [...current.rows, row] }));
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
  return changePhase(view, (phase) => ({ ...phase, endedAt: at, status: statusAtEnd(phase) }));
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

function changeRow(view: RunView, change: (row: RowView) => RowView): RunView {
  return changePhase(view, (phase) => {
    const last = phase.rows.at(-1);
    return last ? { ...phase, rows: [...phase.rows.slice(0, -1), change(last)] } : phase;
  });
}
