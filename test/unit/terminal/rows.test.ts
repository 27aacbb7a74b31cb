import { describe, expect, test } from "vitest";
import { plain } from "../../../local/terminal/paint.ts";
import { type Printed, printedOf, type Row, rowsOf } from "../../../local/terminal/rows.ts";
import { EMPTY, type RunView, reduce, type ViewEvent } from "../../../local/terminal/view.ts";
import { at, done, ended, entered, failed, started } from "./fake-run.ts";

const PLANNED = new Map([
  ["Admit", 15],
  ["Apply 002 to production", 45],
]);

function viewOf(...events: (ViewEvent | ViewEvent[])[]): RunView {
  return events.flat().reduce(reduce, EMPTY);
}

function rows(view: RunView, seconds: number, given: { printed?: Printed; leaving?: boolean } = {}): Row[] {
  const { printed = new Map(), leaving = false } = given;
  return rowsOf(view, { now: at(seconds), planned: PLANNED, paint: plain, printed, leaving });
}

const titles = (list: readonly Row[]) => list.map(({ title }) => title);

describe("the live list", () => {
  test("shows how far long work is, from the same work on staging", () => {
    const view = viewOf(started, done("Apply 002 to staging", 0, 40), entered("Apply 002 to production", 50));
    expect(titles(rows(view, 80).flatMap(({ below }) => below))).toEqual([
      "Apply 002 to production  30 s of 45 min planned, ███████░░░ 75 %, about 10 s left",
    ]);
  });

  test("shows what is to come, and ways back only when they are entered", () => {
    expect(titles(rows(viewOf(started), 0))).toEqual([
      "Prepare",
      "Admit",
      "Gate: readiness",
      "Rehearse",
      "Migrate",
      "Open",
      "Close",
    ]);
    const back = viewOf(
      started,
      entered("Apply 002 to production", 0),
      failed("Apply 002 to production", 1, false),
      entered("Roll back 002", 1),
    );
    expect(titles(rows(back, 1))).toEqual(["Migrate  1 s", "Roll back", "Close"]);
  });

  test("shows the current phase's states, the time so far, and the planned time", () => {
    const [migrate] = rows(viewOf(started, entered("Apply 002 to production", 0)), 61.7);
    expect(migrate).toMatchObject({ title: "Migrate  1 min 1 s", look: "working" });
    expect(migrate?.below).toEqual([
      { title: "Apply 002 to production  1 min 1 s of 45 min planned", look: "working", below: [] },
    ]);
  });

  test("a finished phase takes one row, with its time beside the plan's", () => {
    const view = viewOf(started, done("Admit the run", 0, 0.4), entered("Restore staging", 0.4));
    expect(rows(view, 1)[0]).toEqual({ title: "Admit  0.4 s of 15 min planned", look: "done", below: [] });
  });

  test("shows below a state its last progress, or why it is tried again, or why it failed", () => {
    const state = "Apply 002 to staging";
    const under = (...events: ViewEvent[]) =>
      rows(viewOf(started, entered(state, 0), ...events), 0).find(({ below }) => below.length > 0)?.below[0];
    expect(under({ type: "progress", state, line: "half-way" })?.title).toBe(`${state}\n› half-way`);
    expect(under(failed(state, 0, true))).toMatchObject({
      title: `${state}  try 2\n› Trying again after StatementFailed: it broke`,
      look: "working",
    });
    expect(under(failed(state, 0, false))).toMatchObject({
      title: `${state}  0 s\n› StatementFailed: it broke`,
      look: "failed",
    });
  });

  test("a gate's phase shows who answered", () => {
    const view = viewOf(
      started,
      entered("Gate: readiness", 0),
      { type: "answered", answer: { decision: "NoGo", by: "ada" } },
      entered("Write the report", 7),
    );
    expect(rows(view, 7)[0]).toMatchObject({ title: "Gate: readiness  No-Go by ada, 7 s", look: "back" });
  });

  test("continues below a question with what was not shown above it", () => {
    const asked = viewOf(
      started,
      done("Admit the run", 0, 1),
      done("Apply 002 to production", 1, 2),
      entered("Gate: after 002", 2),
    );
    const above = rows(asked, 3, { leaving: true });
    expect(titles(above)).toEqual(["Admit  1 s of 15 min planned", "Migrate  2 s"]);
    expect(titles(above[1]?.below ?? [])).toEqual(["Apply 002 to production  1 s of 45 min planned"]);

    const below = rows(asked, 3, { printed: printedOf(asked) });
    expect(titles(below)).toEqual(["Migrate  2 s", "Open", "Close"]);
    expect(titles(below[0]?.below ?? [])).toEqual(["Gate: after 002  1 s"]);
  });

  test("shows last that the run is being stopped", () => {
    const view = viewOf(started, entered("Admit the run", 0), { type: "stopping" });
    expect(rows(view, 0).at(-1)?.title).toMatch(/^Stopping: .*Press Ctrl-C again to leave at once$/);
  });

  test("after the end nothing in the list waits", () => {
    const view = viewOf(started, done("Write the report", 0, 1), ended("Refused"));
    expect(titles(rows(view, 9))).toEqual(["Close  1 s"]);
  });
});
