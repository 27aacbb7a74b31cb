import type { BenchmarkResult } from "../shared/documents.ts";

/** What took longer than that is not measured twice: it was not one bad moment, and a worker's time ends. */
const LONGEST_SECONDS = 60;

/**
 * A time over the limit is measured once more, and the better one counts: one bad moment of the machine is no reason to
 * take a migration back. An index that is not used does not come back by asking again.
 */
export async function confirmMiss(measure: () => Promise<BenchmarkResult>): Promise<BenchmarkResult> {
  const first = await measure();
  const { p95Ms, sloMs, passed, seconds = 0 } = first;
  if (passed !== false || p95Ms === null || p95Ms <= sloMs || seconds > LONGEST_SECONDS) return first;
  const second = await measure();
  const better = second.p95Ms !== null && second.p95Ms < p95Ms ? second : first;
  const notes = [
    ...(better.note === null ? [] : [better.note]),
    `measured twice, p95 ${said(first)} and ${said(second)}`,
  ];
  return { ...better, note: notes.join("; "), seconds: seconds + (second.seconds ?? 0) };
}

function said({ p95Ms }: BenchmarkResult): string {
  return p95Ms === null ? "not measured" : `${p95Ms.toFixed(1)} ms`;
}
