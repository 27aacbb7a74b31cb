import { describe, expect, test } from "vitest";
import type { GateAnswer } from "../../../lambdas/gate/confirm.ts";
import { confirmGate } from "../../../lambdas/gate/confirm.ts";
import { decide } from "../../../lambdas/gate/decide.ts";
import { gateTask } from "../../../lambdas/gate/task.ts";
import { docName, type GateDecisionDoc, type RequestDoc } from "../../../lambdas/shared/documents.ts";
import type { GateKind } from "../../../lambdas/shared/gates.ts";
import { invoke } from "../../../lambdas/shared/task.ts";
import { GATE_PAGE } from "../../../lib/functions/specs.ts";
import { GO, MINUTES, NO_GO, RUN, type Scene, scene, shownOn, TOKEN } from "./scene.ts";

const HOUR = 3_600_000;
const BOUND = ["readiness", "rehearsal", "after", "open"] as const;
const FOR_PEOPLE_ALONE = ["keep", "restore"] as const;

/** The run's window ends in so many minutes. */
async function windowEnds(s: Scene, minutes: number, override: string | null = null) {
  const ends = new Date(s.ports.clock.now().getTime() + minutes * 60_000).toISOString();
  const window: RequestDoc["window"] = { begins: "2026-11-03T00:00:00.000Z", ends, override };
  await s.evidence.createOnce(docName("request"), {
    run: RUN,
    execution: "arn:x",
    startedBy: "Ada Lovelace",
    window,
  });
  return ends;
}

const nameOf = (kind: GateKind) => (kind === "after" ? "after-002" : kind);
const open = (s: Scene, kind: GateKind, escalation = false) =>
  s.open({ kind, gate: nameOf(kind), version: kind === "after" ? "002" : null, escalation });
const confirm = (s: Scene, kind: GateKind, heard: GateAnswer) =>
  confirmGate({ gate: nameOf(kind), kind, minutes: MINUTES, heard }, s.ports, s.evidence, s.catalog.read);
const time = (s: Scene, kind: GateKind) =>
  invoke(
    gateTask,
    {
      run: RUN,
      execution: "arn:x",
      planChecksum: "a".repeat(64),
      state: "Time: x",
      action: "time",
      gate: nameOf(kind),
      kind,
      minutes: MINUTES,
    },
    s.ports,
  );
const decisionOf = (s: Scene, kind: GateKind, attempt = 1) =>
  s.evidence.read(docName<GateDecisionDoc>(`gates/${nameOf(kind)}-${attempt}/decision`));

describe("a gate's time", () => {
  test("is its own minutes; the machine waits longer, by more than a page may take over an answer", async () => {
    expect(await time(scene(), "readiness")).toEqual({ until: "2026-11-03T03:00:00.000Z", seconds: 3630 });
    expect(3630 - MINUTES * 60).toBeGreaterThan(GATE_PAGE.seconds);
  });

  test.each(BOUND)("is cut short by the end of the maintenance window at %s", async (kind) => {
    const s = scene();
    const until = await windowEnds(s, 10);
    expect(await time(s, kind)).toEqual({ until, seconds: 630 });
  });

  test.each(FOR_PEOPLE_ALONE)("is not cut short at %s", async (kind) => {
    const s = scene();
    await windowEnds(s, 10);
    expect(await time(s, kind)).toMatchObject({ until: "2026-11-03T03:00:00.000Z" });
    s.ports.clock.pass(HOUR);
    expect(await time(s, kind)).toMatchObject({ until: "2026-11-03T04:00:00.000Z" });
  });

  test.each(BOUND)("is none at %s once the window has ended: that fails the gate", async (kind) => {
    const s = scene();
    await windowEnds(s, 10);
    s.ports.clock.pass(10 * 60_000);
    await expect(time(s, kind)).rejects.toMatchObject({
      name: "WindowClosed",
      message: expect.stringContaining("counts as a No-Go"),
    });
  });

  test("is a whole number of seconds above zero, as the machine requires", async () => {
    const s = scene();
    await windowEnds(s, 0.0011);
    const { seconds } = await time(s, "open");
    expect(Number.isInteger(seconds)).toBe(true);
    expect(seconds).toBeGreaterThan(0);
  });
});

describe("at the end of its time", () => {
  test("a gate is escalated, for the same time again", async () => {
    const s = scene();
    await open(s, "open");
    s.ports.clock.pass(HOUR + 30_000);
    expect(await confirm(s, "open", "nothing")).toEqual({
      decision: "Escalate",
      until: "2026-11-03T04:00:30.000Z",
      seconds: 3630,
    });
    expect(await decisionOf(s, "open")).toBeUndefined();
  });

  test("an escalated gate is a No-Go, by nobody, and no later answer changes that", async () => {
    const s = scene();
    await open(s, "open");
    const { path, key } = await open(s, "open", true);
    const { body } = await s.get(path, key);
    expect(body).toContain(". If nobody answers, that counts as a No-Go.");
    const shown = shownOn(body);
    s.ports.clock.pass(HOUR);
    const over = (await s.get(path, key)).body;
    expect(over).toContain("If nobody answered in time, that counts as a No-Go.");
    expect(over).not.toContain("escalation contacts");
    expect(await confirm(s, "open", "nothing again")).toEqual({ decision: "NoGo" });
    expect(await decisionOf(s, "open", 2)).toMatchObject({
      decision: "NoGo",
      by: "Sluice",
      comment: "Nobody had answered by 2026-11-03 03:00:00 UTC, the escalation contacts included.",
    });
    s.ports.callbacks.behaviour = "nobody waits";
    const late = await s.post(path, { key, shown, ...GO });
    expect(late.status).toBe(409);
    expect(late.body).toContain("No-Go, by Sluice");
    expect((await s.get(path, key)).body).not.toContain("The run no longer waits at this gate");
  });

  test("the window's end is a No-Go at once: no time is left for an escalation", async () => {
    const s = scene();
    const ends = await windowEnds(s, 10);
    const { path, key } = await open(s, "open");
    expect((await s.get(path, key)).body).toContain(
      "when the maintenance window ends. If nobody answers, that counts as a No-Go.",
    );
    s.ports.clock.pass(10 * 60_000);
    const over = await s.get(path, key);
    expect(over.status).toBe(410);
    expect(over.body).toContain("Then the maintenance window ended.");
    expect(await confirm(s, "open", "nothing")).toEqual({ decision: "NoGo" });
    expect((await decisionOf(s, "open"))?.comment).toBe(
      `Nobody had answered when the maintenance window ended, at ${ends.slice(0, 19).replace("T", " ")} UTC.`,
    );
  });

  test("the window's end cuts an escalation short too", async () => {
    const s = scene();
    const until = await windowEnds(s, 90);
    await open(s, "open");
    s.ports.clock.pass(HOUR);
    expect(await confirm(s, "open", "nothing")).toEqual({
      decision: "Escalate",
      until,
      seconds: 30 * 60 + 30,
    });
    const { path, key } = await open(s, "open", true);
    expect((await s.get(path, key)).body).toContain("when the maintenance window ends");
    s.ports.clock.pass(30 * 60_000);
    expect((await s.get(path, key)).status).toBe(410);
    expect(await confirm(s, "open", "nothing again")).toEqual({ decision: "NoGo" });
  });

  test.each(FOR_PEOPLE_ALONE)("the window's end leaves %s to people", async (kind) => {
    const s = scene();
    await windowEnds(s, 10);
    const { path, key } = await open(s, kind);
    s.ports.clock.pass(30 * 60_000);
    const page = await s.get(path, key);
    expect(page.status).toBe(200);
    expect(page.body).not.toContain("maintenance window");
    expect((await s.answerAs(path, key, GO)).status).toBe(200);
    expect(await confirm(s, kind, "Go")).toEqual({ decision: "Go" });
  });

  test.each([
    ["Go", "Go"],
    ["NoGo", "NoGo"],
  ] as const)("a stored %s counts, even if its call to the run was lost", async (decision, outcome) => {
    const s = scene();
    const { path, key } = await open(s, "open");
    s.ports.callbacks.behaviour = "fails";
    expect((await s.answerAs(path, key, { ...NO_GO, ...GO, decision })).status).toBe(202);
    s.ports.clock.pass(HOUR);
    expect(await confirm(s, "open", "nothing")).toEqual({ decision: outcome });
    expect(await decisionOf(s, "open")).toMatchObject({ decision, by: "Grace Hopper" });
    // The machine has the answer: the page shows no doubt to a later reader.
    s.ports.callbacks.behaviour = "nobody waits";
    const later = (await s.get(path, key)).body;
    expect(later).not.toContain("The run does not have the answer yet");
    expect(later).not.toContain("The run no longer waits at this gate");
  });

  test("a stored Go counts only if its basis is unchanged", async () => {
    const s = scene();
    const { path, key } = await open(s, "open");
    s.ports.callbacks.behaviour = "fails";
    await s.answerAs(path, key, GO);
    s.catalog.objects = [];
    expect(await confirm(s, "open", "nothing")).toMatchObject({
      decision: "Ask",
      until: expect.any(String),
      seconds: expect.any(Number),
    });
  });

  test("closing it and answering it at once make one decision", async () => {
    for (let i = 0; i < 20; i++) {
      const s = scene();
      await open(s, "open", true);
      const [, closed] = await Promise.all([
        decide(s.ports, {
          run: RUN,
          gate: "open",
          attempt: 1,
          decision: "Go",
          by: "Grace",
          comment: "",
          from: "prompt",
        }),
        Promise.resolve(i % 2 ? undefined : null).then(() => confirm(s, "open", "nothing again")),
      ]);
      const stored = await decisionOf(s, "open");
      expect(closed).toEqual({ decision: stored?.decision });
    }
  });

  test("a gate that could not be opened at all is a No-Go", async () => {
    for (const heard of ["nothing", "nothing again"] as const)
      expect(await confirm(scene(), "open", heard)).toEqual({ decision: "NoGo" });
  });
});

describe("the result that the machine passes on", () => {
  const heard = (s: Scene, answer: unknown) =>
    invoke(
      gateTask,
      {
        run: RUN,
        execution: "arn:x",
        planChecksum: "a".repeat(64),
        state: "Confirm: x",
        action: "confirm",
        gate: "readiness",
        kind: "readiness",
        minutes: MINUTES,
        answer,
      },
      s.ports,
    );
  const caught = { Error: "States.Timeout", Cause: "" };

  test("leads to the escalation after a first silence, and to No-Go after a second", async () => {
    const s = scene();
    await open(s, "readiness");
    const first = { until: "x", seconds: 1, unanswered: caught };
    expect(await heard(s, first)).toMatchObject({ decision: "Escalate" });
    const second = { decision: "Escalate", until: "x", seconds: 1, unansweredAgain: caught };
    expect(await heard(s, second)).toEqual({ decision: "NoGo" });
    expect((await decisionOf(s, "readiness"))?.comment).toMatch(/^Nobody had answered/);
  });

  test("is no way past a No-Go, or to a Go", async () => {
    const s = scene();
    const { path, key } = await open(s, "readiness");
    await s.answerAs(path, key, NO_GO);
    for (const forged of [{ decision: "Go" }, { unanswered: caught }, { unansweredAgain: caught }])
      expect(await heard(s, forged)).toEqual({ decision: "NoGo" });
  });

  test("stops the run if it is No-Go against a stored Go, and shows why the Go did not count", async () => {
    const s = scene();
    const { path, key } = await open(s, "readiness");
    await s.answerAs(path, key, GO);
    expect(await heard(s, { decision: "NoGo" })).toEqual({ decision: "NoGo" });
    const { body } = await s.get(path, key);
    expect(body).toContain("a No-Go that nobody gave on the page");
    expect(body).toContain("It counts as a No-Go.");
  });

  test("closes the gate if nobody gave it on the page: no later answer counts", async () => {
    const s = scene();
    const { path, key } = await open(s, "readiness");
    expect(await heard(s, { decision: "Go" })).toEqual({ decision: "NoGo" });
    expect((await s.answerAs(path, key, GO)).status).toBe(409);
    expect(await decisionOf(s, "readiness")).toMatchObject({
      decision: "NoGo",
      comment: "The run received a Go that nobody gave on the gate's page.",
    });
  });
});

describe("the page of a run with a window", () => {
  test("shows its end, and shows the approvers why a run may be outside it", async () => {
    const s = scene();
    s.report.request = { ...s.report.request, startedBy: "Ada Lovelace" } as never;
    await windowEnds(s, 90, "<b>the release cannot wait</b> https://evil.example");
    const { path, key } = await open(s, "readiness");
    const { body } = await s.get(path, key);
    expect(body).toContain("Allowed outside the maintenance window");
    expect(body).toContain("<q>&lt;b&gt;the release cannot wait&lt;/b&gt;");
    expect(body).toMatch(/<dt>Window<\/dt><dd>until <time datetime="2026-11-03T03:30:00.000Z">/);
    const notice = s.ports.notices[0]?.text ?? "";
    expect(notice).toContain("may continue outside the maintenance window. Reason: <b>the release");
    expect(notice.match(/https?:\/\//g)).toHaveLength(1);
  });

  test("warns if the remaining work is predicted not to fit into it", async () => {
    const phase = (seconds: number, startedAt: string | null = null) =>
      ({ id: "x", title: "x", kind: "work", predictedSeconds: seconds, startedAt }) as never;
    const page = async (seconds: number) => {
      const s = scene();
      s.report.timeline.phases = [phase(seconds), phase(60), phase(9_000, "2026-11-03T01:00:00.000Z")];
      await windowEnds(s, 30);
      const { path, key } = await open(s, "readiness");
      return (await s.get(path, key)).body;
    };
    expect(await page(29 * 60)).not.toContain("may not fit");
    const tight = await page(29 * 60 + 1);
    expect(tight).toContain("This may not fit into the maintenance window");
    expect(tight).toContain("had 30 min left");
  });

  test("explains in the message what its end means", async () => {
    const s = scene();
    await windowEnds(s, 10);
    await open(s, "open");
    expect(s.ports.notices[0]?.text).toContain(
      "Answer by 2026-11-03 02:10 UTC. Then the maintenance window ends. If nobody has answered, that counts as a No-Go.",
    );
  });
});

test("a request for a token requires a valid time", async () => {
  const event = {
    run: RUN,
    execution: "arn:x",
    planChecksum: "a".repeat(64),
    state: "Gate: x",
    action: "open",
    gate: "readiness",
    kind: "readiness",
    token: TOKEN,
    escalation: false,
  };
  for (const until of [undefined, "", "tomorrow", 5])
    await expect(invoke(gateTask, { ...event, until }, scene().ports)).rejects.toMatchObject({
      name: "RequestInvalid",
    });
});
