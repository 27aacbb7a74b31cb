import { describe, expect, test } from "vitest";
import type { RunEvent } from "../../../local/events.ts";
import { EMPTY, type RunView, reduce, type ViewEvent } from "../../../local/terminal/view.ts";
import { at, done, ended, entered, FakeGate, failed, left, started } from "./fake-run.ts";

function viewOf(...events: (ViewEvent | RunEvent[])[]): RunView {
  return events.flat().reduce(reduce, EMPTY);
}

function phase(view: RunView, name: string) {
  const found = view.phases.find((candidate) => candidate.phase === name);
  if (!found) throw new Error(`There is no phase ${name}`);
  return found;
}

describe("the view of a run", () => {
  test("all its phases wait when it starts", () => {
    const view = viewOf(started);
    expect(view.phases.map(({ status }) => status)).toEqual(Array(8).fill("waiting"));
    expect(view.current).toBeUndefined();
  });

  test("a state appears in its phase when it is entered, and the phase lasts until another one is entered", () => {
    const working = viewOf(started, done("Admit the run", 0, 1), entered("Preflight", 1));
    expect(phase(working, "Admit")).toMatchObject({ status: "working", startedAt: at(0) });
    expect(phase(working, "Admit").rows).toMatchObject([
      { state: "Admit the run", status: "done", startedAt: at(0), endedAt: at(1) },
      { state: "Preflight", status: "working" },
    ]);
    const next = viewOf(started, done("Admit the run", 0, 1), entered("Gate: readiness", 3));
    expect(phase(next, "Admit")).toMatchObject({ status: "done", endedAt: at(3) });
    expect(next.current).toBe("Gate: readiness");
  });

  test("a state that loops stays one, from its first entry to its last exit", () => {
    const view = viewOf(started, done("Restore staging", 0, 1), done("Restore staging", 5, 6));
    expect(phase(view, "Rehearse").rows).toMatchObject([
      { status: "done", startedAt: at(0), endedAt: at(6), failures: [] },
    ]);
  });

  test("parallel states are two, each finished when it is left itself", () => {
    const [slow, quick] = ["Restore staging", "Apply 002 to staging"] as const;
    const begun = viewOf(
      started,
      entered(quick, 0),
      entered(slow, 0),
      { type: "progress", state: quick, line: "half of it" },
      failed(quick, 1, true),
      left(quick, 2),
    );
    expect(phase(begun, "Rehearse").rows).toMatchObject([
      { state: quick, status: "done", endedAt: at(2), failures: [{ message: "it broke" }] },
      { state: slow, status: "working", failures: [] },
    ]);
    expect(phase(begun, "Rehearse").rows[1]).not.toHaveProperty("endedAt");
    const both = reduce(begun, left(slow, 5));
    expect(phase(both, "Rehearse").rows).toMatchObject([
      { endedAt: at(2) },
      { status: "done", endedAt: at(5) },
    ]);
  });

  test("a state that is tried again stays one, with its failures counted, and is finished at the end", () => {
    const state = "Apply 002 to staging";
    const retrying = viewOf(started, entered(state, 0), failed(state, 1, true), failed(state, 3, true));
    expect(phase(retrying, "Rehearse").rows).toMatchObject([{ status: "retrying" }]);
    const view = viewOf(
      started,
      entered(state, 0),
      failed(state, 1, true),
      failed(state, 3, true),
      left(state, 5),
    );
    expect(phase(view, "Rehearse").rows).toHaveLength(1);
    expect(phase(view, "Rehearse").rows[0]).toMatchObject({ status: "done", endedAt: at(5) });
    expect(phase(view, "Rehearse").rows[0]?.failures).toHaveLength(2);
  });

  test("a state that failed for good fails its phase, and no phase that was never entered", () => {
    const state = "Apply 002 to production";
    const view = viewOf(
      started,
      entered(state, 0),
      failed(state, 1, false),
      done("Roll back 002", 2, 3),
      done("Write the report", 3, 4),
      ended("RolledBack"),
    );
    expect(phase(view, "Migrate").status).toBe("failed");
    expect(phase(view, "Roll back").status).toBe("done");
    expect(phase(view, "Open").status).toBe("waiting");
    expect(phase(view, "Restore").status).toBe("waiting");
  });

  test("a failure that the phase itself recovers from does not fail the phase", () => {
    const view = viewOf(
      started,
      entered("Gate: readiness", 0),
      failed("Gate: readiness", 60, false),
      done("Confirm: readiness", 61, 62),
      entered("Restore staging", 62),
    );
    expect(phase(view, "Gate: readiness").status).toBe("done");
    expect(phase(view, "Gate: readiness").rows[0]?.status).toBe("failed");
  });

  test("a state entered again after its final failure is a separate piece of work", () => {
    const view = viewOf(
      started,
      entered("Gate: readiness", 0),
      failed("Gate: readiness", 1, false),
      entered("Gate: readiness", 2),
    );
    expect(phase(view, "Gate: readiness").rows.map(({ status }) => status)).toEqual(["failed", "working"]);
  });

  test("the newest line of progress belongs to the current state", () => {
    const view = viewOf(
      started,
      entered("Restore staging", 0),
      { type: "progress", state: "Restore staging", line: "10 of 40 MB" },
      { type: "progress", state: "Restore staging", line: "20 of 40 MB" },
    );
    expect(phase(view, "Rehearse").rows[0]?.line).toBe("20 of 40 MB");
  });

  test("a No-Go and a missing answer turn the phase back, a Go does not", () => {
    const gate = { type: "gate", gate: new FakeGate() } as const;
    const answered = (answer: { decision: "Go" | "NoGo"; by: string } | undefined) =>
      phase(
        viewOf(
          started,
          entered("Gate: readiness", 0),
          gate,
          { type: "answered", answer },
          left("Gate: readiness", 5),
          entered("Write the report", 6),
        ),
        "Gate: readiness",
      ).status;
    expect(answered({ decision: "Go", by: "ada" })).toBe("done");
    expect(answered({ decision: "NoGo", by: "ada" })).toBe("turned");
    expect(answered(undefined)).toBe("turned");
  });

  test("the end ends the current work", () => {
    const view = viewOf(started, done("Write the report", 0, 2), ended());
    expect(view.current).toBeUndefined();
    expect(phase(view, "Close")).toMatchObject({ status: "done", endedAt: at(2) });
  });

  test("a phase that was not announced is shown too", () => {
    const view = viewOf(started, { type: "entered", state: "Surprise", phase: "New", at: at(0) });
    expect(view.phases.at(-1)).toMatchObject({ phase: "New", status: "working" });
  });
});
