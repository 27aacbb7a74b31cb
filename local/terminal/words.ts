import { duration } from "../../lambdas/report/words.ts";
import type { Answer, PhaseView, RowView } from "./view.ts";

/** Such as `0.4 s of 45 min planned`. */
export function timeOf(seconds: number, planned: number | undefined): string {
  return `${duration(seconds)}${planned === undefined ? "" : ` of ${duration(planned * 60)} planned`}`;
}

/** Seconds from its start to its end; to `now`, in whole seconds, while it is worked on. */
export function secondsOf({ startedAt, endedAt }: PhaseView | RowView, now: Date): number {
  if (!startedAt) return 0;
  const seconds = ((endedAt ?? now).getTime() - startedAt.getTime()) / 1000;
  return endedAt ? seconds : Math.floor(seconds);
}

export function answerText(answer: Answer | null): string {
  if (answer === null) return "nobody answered in time";
  return `${answer.decision === "Go" ? "Go" : "No-Go"} by ${answer.by}`;
}

/** The first answer given in a phase that is a gate, or the last if it was asked again. */
export function answerIn({ rows }: PhaseView): string | undefined {
  const last = rows.findLast(({ answer }) => answer !== undefined)?.answer;
  return last === undefined ? undefined : answerText(last);
}

/** Such as `StatementFailed: ...`, on one line. */
export function failureText({ error, message }: { error: string; message: string }): string {
  const text = message.replace(/\s+/g, " ").trim();
  return text === "" ? error : `${error}: ${text}`;
}

/** What is said once when a run is asked to stop. */
export const STOPPING = "Stopping: going back by the run's own way; press Ctrl-C again to leave at once";
