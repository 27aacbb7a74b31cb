import { expect, test } from "vitest";
import { plainLines } from "../../../local/terminal/plain.ts";
import { EMPTY, reduce, type ViewEvent } from "../../../local/terminal/view.ts";
import { done, ended, entered, failed, left, started } from "./fake-run.ts";

const PLANNED = new Map([
  ["Admit", 15],
  ["Apply 002 to production", 45],
]);

function linesOf(...events: (ViewEvent | ViewEvent[])[]): string[] {
  let view = EMPTY;
  return events.flat().flatMap((event) => {
    const before = view;
    view = reduce(before, event);
    return plainLines(before, view, event, PLANNED);
  });
}

test("a log has a line for each state that is done, each failure and each phase that ended, with times", () => {
  const broken = "Apply 002 to production";
  expect(
    linesOf(
      started,
      done("Admit the run", 0, 0.4),
      done("Preflight", 1, 3),
      entered("Gate: readiness", 4),
      { type: "answered", answer: { decision: "Go", by: "ada" } },
      left("Gate: readiness", 9),
      entered("Restore staging", 10),
      left("Restore staging", 11),
      done("Restore staging", 15, 16),
      entered("Apply 002 to staging", 16),
      failed("Apply 002 to staging", 17, true, "deadlock\n  detected"),
      left("Apply 002 to staging", 20),
      entered(broken, 21),
      failed(broken, 22, false, "002_notes/migrate.sql:3: syntax error"),
      done("Roll back 002", 23, 24),
      done("Write the report", 25, 26),
      ended("RolledBack"),
    ),
  ).toEqual([
    "Run run-1: Notes with labels",
    "Evidence: /evidence/run-1",
    "Admit > Admit the run: done, 0.4 s",
    "Admit > Preflight: done, 2 s",
    "Admit: done, 4 s of 15 min planned",
    "Gate: readiness > Gate: readiness: Go by ada, 5 s",
    "Gate: readiness: done, 6 s",
    "Rehearse > Restore staging: done, 6 s",
    "Rehearse > Apply 002 to staging: failed, trying again: StatementFailed: deadlock detected",
    "Rehearse > Apply 002 to staging: done, at try 2, 4 s",
    "Rehearse: done, 11 s",
    "Migrate > Apply 002 to production: failed: StatementFailed: 002_notes/migrate.sql:3: syntax error",
    "Migrate: failed, 2 s",
    "Roll back > Roll back 002: done, 1 s",
    "Roll back: done, 2 s",
    "Close > Write the report: done, 1 s",
    "Close: done, 1 s",
  ]);
});

test("a gate with a No-Go shows who gave it, and that its phase turned back", () => {
  expect(
    linesOf(
      started,
      entered("Gate: readiness", 0),
      { type: "answered", answer: { decision: "NoGo", by: "ada" } },
      left("Gate: readiness", 5),
      entered("Write the report", 5),
    ).slice(2),
  ).toEqual(["Gate: readiness > Gate: readiness: No-Go by ada, 5 s", "Gate: readiness: turned back, 5 s"]);
});

test("progress is not repeated in a log", () => {
  expect(
    linesOf(started, entered("Restore staging", 0), {
      type: "progress",
      state: "Restore staging",
      line: "10 of 40 MB",
    }),
  ).toHaveLength(2);
});

test("a log has a line for each of two states side by side, with its own time", () => {
  const [slow, quick] = ["Restore staging", "Apply 002 to staging"] as const;
  expect(
    linesOf(
      entered(quick, 0),
      entered(slow, 0),
      left(quick, 2),
      left(slow, 5),
      done("Write the report", 6, 7),
      ended(),
    ),
  ).toEqual([
    "Rehearse > Apply 002 to staging: done, 2 s",
    "Rehearse > Restore staging: done, 5 s",
    "Rehearse: done, 6 s",
    "Close > Write the report: done, 1 s",
    "Close: done, 1 s",
  ]);
});
