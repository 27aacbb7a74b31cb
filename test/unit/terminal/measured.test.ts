import { describe, expect, test } from "vitest";
import { measuredBefore, progressOf } from "../../../local/terminal/measured.ts";
import type { RowView, RunView } from "../../../local/terminal/view.ts";

const row = (state: string, seconds: number | undefined): RowView => ({
  state,
  status: seconds === undefined ? "working" : "done",
  startedAt: new Date(0),
  ...(seconds === undefined ? {} : { endedAt: new Date(seconds * 1000) }),
  failures: [],
});
const view = (...rows: RowView[]): RunView => ({
  phases: [{ phase: "Rehearse", status: "working", rows }],
  current: "Rehearse",
  stopping: false,
});

describe("how long a state will take", () => {
  test("is taken from the same work on staging, the longest of its times", () => {
    const now = row("Apply 002 to production", undefined);
    const all = view(
      row("Apply 002 to staging", 10),
      row("Apply 002 to staging again", 12),
      row("Apply 003 to staging", 99),
      now,
    );
    expect(measuredBefore(all, now)).toBe(12);
  });

  test("is unknown for work that was never done before", () => {
    const now = row("Take the final snapshot", undefined);
    expect(measuredBefore(view(row("Apply 002 to staging", 10), now), now)).toBeUndefined();
  });
});

describe("a bar shows how far long work is", () => {
  test.each([
    [0, 20, "░░░░░░░░░░ 0 %, about 20 s left"],
    [12, 20, "██████░░░░ 60 %, about 8 s left"],
    [19.9, 20, "█████████░ 99 %, about 1 s left"],
    [20, 20, "██████████ longer than the 20 s of the rehearsal"],
    [30, 3600, "░░░░░░░░░░ 0 %, about 59 min 30 s left"],
  ])("%d of %d s", (elapsed, measured, text) => {
    expect(progressOf(elapsed, measured)).toBe(text);
  });

  test("and there is none for work that is short, or was never measured", () => {
    expect(progressOf(1, 2)).toBeUndefined();
    expect(progressOf(1, undefined)).toBeUndefined();
  });
});
