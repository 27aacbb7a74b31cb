import { describe, expect, test } from "vitest";
import * as z from "zod";
import { Doc, docName, type FailureDoc, type StateDoc } from "../../lambdas/shared/documents.ts";
import { ErrorName, SluiceError } from "../../lambdas/shared/errors.ts";
import { evidenceOf } from "../../lambdas/shared/evidence.ts";
import { DONE, invoke, RUNNING, runFields, type Task, waitSeconds } from "../../lambdas/shared/task.ts";
import { statesNoted } from "../support/evidence-fixtures.ts";
import { memoryPorts, TestClock } from "../support/ports.ts";

const ports = () => {
  const clock = new TestClock();
  return { ...memoryPorts(), clock };
};
const EVENT = { run: "r", execution: "x", state: "Do it", planChecksum: "a".repeat(64) };
const task = (run: Task<z.infer<typeof shape>>["run"]): Task<z.infer<typeof shape>> => ({
  name: "test",
  event: shape,
  run,
});
const shape = z.strictObject(runFields);
const eventOf = (p: ReturnType<typeof ports>) => ({ ...EVENT, planChecksum: p.plan.checksum });

describe("a task refuses", () => {
  test("an event of the wrong shape, and names what is wrong with it", async () => {
    const p = ports();
    await expect(
      invoke(
        task(async () => DONE),
        { ...eventOf(p), colour: "blue" },
        p,
      ),
    ).rejects.toMatchObject({
      name: "RequestInvalid",
      message: expect.stringContaining("colour"),
    });
  });

  test.each([
    ["another run", { run: "another" }],
    ["another execution of this name", { execution: "y" }],
    ["an earlier start of this name", { executionStartedAt: "2025-01-01T00:00:00.000Z" }],
  ])("to act on the evidence of %s, and leaves it unchanged", async (_whose, another) => {
    const p = ports();
    const event = { ...eventOf(p), started: "2026-11-03T02:00:00.000Z" };
    const own = { run: event.run, execution: event.execution, executionStartedAt: event.started };
    const evidence = evidenceOf(p.evidence, event.run);
    await evidence.createOnce(docName(Doc.request), {
      ...own,
      ...another,
      startedAt: "2025-01-01T00:00:00.000Z",
    });
    let acted = false;
    const acting = task(async () => {
      acted = true;
      return DONE;
    });
    await expect(invoke(acting, event, p)).rejects.toMatchObject({
      name: "RequestInvalid",
      message: expect.stringContaining("belongs to another run"),
    });
    expect({ acted, documents: await evidence.list("") }).toEqual({ acted: false, documents: ["request"] });
  });

  test("to continue past its time limit, counted from its first call", async () => {
    const p = ports();
    const event = { ...eventOf(p), limitMinutes: 10 };
    const slow = task(async () => RUNNING);
    await expect(invoke(slow, event, p)).resolves.toMatchObject({ status: "running" });
    p.clock.pass(10 * 60_000);
    await expect(invoke(slow, event, p)).resolves.toMatchObject({ status: "running" });
    p.clock.pass(1);
    await expect(invoke(slow, event, p)).rejects.toMatchObject({
      name: "TookTooLong",
      message: expect.stringContaining("Do it"),
    });
  });
});

describe("a task that fails", () => {
  const failing = async (error: unknown) => {
    const p = ports();
    const thrown = await invoke(
      task(async () => {
        throw error;
      }),
      eventOf(p),
      p,
    ).catch((caught: Error) => caught);
    const evidence = evidenceOf(p.evidence, "r");
    const [name = ""] = await evidence.list("failures/");
    return { thrown: thrown as Error, kept: await evidence.read(docName<FailureDoc>(name)) };
  };

  test("writes its whole message to the evidence, and gives the machine as much as its state may carry", async () => {
    const message = "m".repeat(50_000);
    const { thrown, kept } = await failing(new SluiceError(ErrorName.StepFailed, message));
    expect(thrown).toMatchObject({ name: "StepFailed", message: "m".repeat(2_000), stack: "" });
    expect(kept).toMatchObject({ state: "Do it", error: "StepFailed", message });
  });

  test.each([
    [
      "a lost connection",
      Object.assign(new Error("Connection terminated unexpectedly"), {}),
      "ConnectionLost",
    ],
    [
      "a server that shuts down",
      Object.assign(new Error("terminating"), { code: "57P01" }),
      "ConnectionLost",
    ],
    ["a lock that was not granted", Object.assign(new Error("canceling"), { code: "55P03" }), "LockTimeout"],
    ["a deadlock", Object.assign(new Error("deadlock"), { code: "40P01" }), "LockTimeout"],
  ])("names %s so that it is done again", async (_what, error, name) => {
    expect((await failing(error)).thrown.name).toBe(name);
  });
});

describe("a state's beginning", () => {
  const entered = Doc.stateEntered("do-it");

  test("is noted before anything is done, and once, however often it is called", async () => {
    const p = ports();
    const evidence = evidenceOf(p.evidence, "r");
    const before: unknown[] = [];
    const noting = task(async () => {
      before.push(await evidence.read(entered));
      return DONE;
    });
    await invoke(noting, eventOf(p), p);
    p.clock.pass(60_000);
    await invoke(noting, eventOf(p), p);
    expect(before).toEqual([expect.objectContaining({ state: "Do it" }), before[0]]);
  });

  test("is in its worker's link if it works on a migration, and noted if another worker continues", async () => {
    const p = ports();
    const evidence = evidenceOf(p.evidence, "r");
    const event = { ...eventOf(p), version: "006", limitMinutes: 10 };
    const name = Doc.stateEntered("do-006-it");
    await invoke(
      task(async () => RUNNING),
      event,
      p,
    );
    const first = await evidence.require(docName<StateDoc>(name));
    p.clock.pass(60_000);
    await invoke(
      task(async () => DONE),
      event,
      p,
    );
    expect(await evidence.read(name)).toEqual(first);
    expect(await statesNoted(evidence)).toMatchObject([
      { enteredAt: first.at, doneAt: null },
      { enteredAt: "2026-11-03T02:01:00.000Z", doneAt: "2026-11-03T02:01:00.000Z" },
    ]);
  });
});

test("polling slows down: six hours take fewer than 500 calls", () => {
  let [now, calls] = [0, 0];
  for (; now < 6 * 3600_000; calls++) now += waitSeconds(0, now) * 1000;
  expect(waitSeconds(0, 0)).toBe(5);
  expect(calls).toBeLessThan(500);
});
