import { duration } from "../../lambdas/shared/text.ts";
import type { RowView, RunView } from "./view.ts";
import { secondsOf } from "./words.ts";

/** Shorter work needs no progress bar. */
const LONG_SECONDS = 3;
const BAR_WIDTH = 10;

/** Seconds that the same work took before in this run: on staging, or the first time. */
export function measuredBefore(view: RunView, row: RowView): number | undefined {
  const same = work(row.state);
  const seconds = view.phases
    .flatMap(({ rows }) => rows)
    .filter((other) => other !== row && other.status === "done" && work(other.state) === same)
    .map((other) => secondsOf(other, other.endedAt ?? other.startedAt));
  return seconds.length === 0 ? undefined : Math.max(...seconds);
}

/** Such as `██████░░░░ 60 %, about 8 s left`, from the measured time; undefined for work that is short or not measured. */
export function progressOf(elapsed: number, measured: number | undefined): string | undefined {
  if (measured === undefined || measured < LONG_SECONDS) return undefined;
  const bar = (part: number) => {
    const full = Math.floor(part * BAR_WIDTH);
    return `${"█".repeat(full)}${"░".repeat(BAR_WIDTH - full)}`;
  };
  // Work that takes longer than measured has no known rest.
  if (elapsed >= measured) return `${bar(1)} longer than the ${duration(measured)} of the rehearsal`;
  const part = elapsed / measured;
  return `${bar(part)} ${Math.floor(part * 100)} %, about ${duration(Math.ceil(measured - elapsed))} left`;
}

/** The work without its place: names of states include where it is done, and the rehearsal does the same work. */
function work(state: string): string {
  return state.replace(/ again$/, "").replace(/\bproduction\b/, "staging");
}
