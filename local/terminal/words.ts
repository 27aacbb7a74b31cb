import { duration } from "../../lambdas/shared/text.ts";
import type { Answer, PhaseView, RowView } from "./view.ts";

/** Such as `0.4 s of 45 min planned`. */
export function timeOf(seconds: number, planned: number | undefined): string {
  return `${duration(seconds)}${planned === undefined ? "" : ` of ${duration(planned * 60)} planned`}`;
}

/** Seconds from start to end; until the end is known, whole seconds to `now`. */
export function secondsOf({ startedAt, endedAt }: PhaseView | RowView, now: Date): number {
  if (!startedAt) return 0;
  const seconds = ((endedAt ?? now).getTime() - startedAt.getTime()) / 1000;
  return endedAt ? seconds : Math.floor(seconds);
}

export function answerText(answer: Answer | null): string {
  if (answer === null) return "nobody answered in time";
  return `${answer.decision === "Go" ? "Go" : "No-Go"} by ${answer.by}`;
}

/** The answer that decided a phase: of a gate, or the No-Go that ended it. */
export function answerOf({ phase, status, rows }: PhaseView): string | undefined {
  const last = rows.findLast(({ answer }) => answer !== undefined)?.answer;
  return last !== undefined && (status === "turned" || phase.startsWith("Gate: "))
    ? answerText(last)
    : undefined;
}

/** Such as `StatementFailed: ...`, on one line. */
export function failureText({ error, message }: { error: string; message: string }): string {
  const text = message.replace(/\s+/g, " ").trim();
  return text === "" ? error : `${error}: ${text}`;
}

/** Shown once when a run is asked to stop. */
export const STOPPING = "Stopping: the run goes back its own way. Press Ctrl-C again to leave at once";
