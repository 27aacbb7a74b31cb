import { describe, expect, test } from "vitest";
import type { GateAnswer } from "../../../lambdas/gate/confirm.ts";
import { confirmGate } from "../../../lambdas/gate/confirm.ts";
import { GO, MINUTES, NO_GO, type Scene, scene, TOKEN } from "./scene.ts";

const confirm = (s: Scene, heard: GateAnswer) =>
  confirmGate({ gate: "open", kind: "open", minutes: MINUTES, heard }, s.ports, s.evidence, s.catalog.read);
const about = {
  run: "run-1",
  gate: "open",
  question: "open the application?",
  instance: "orders-prod",
  database: "orders",
  plan: "A tiny plan",
};

describe("chat tools receive", () => {
  test("each opened gate: its kind, its subject, its time and the number of Goes it takes", async () => {
    const s = scene();
    await s.open({ kind: "open" });
    expect(s.ports.announced).toEqual([
      {
        type: "Gate Opened",
        detail: {
          ...about,
          attempt: 1,
          escalation: false,
          openedAt: "2026-11-03T02:00:00.000Z",
          expiresAt: "2026-11-03T03:00:00.000Z",
          approvals: 1,
          changed: [],
        },
      },
    ]);
    await s.open({ kind: "open", escalation: true });
    expect(s.ports.announced[1]?.detail).toMatchObject({ attempt: 2, escalation: true });
    const { gates } = s.ports.plan;
    s.ports.plan = { ...s.ports.plan, gates: { ...gates, keep: { ...gates.keep, approvals: 3 } } };
    await s.open({ kind: "keep" });
    expect(s.ports.announced[2]?.detail).toMatchObject({ gate: "keep", approvals: 3 });
  });

  test("each decided gate: the decision, who, when and why", async () => {
    const s = scene();
    const { path, key } = await s.open({ kind: "open" });
    await s.answerAs(path, key, NO_GO);
    expect(await confirm(s, "NoGo")).toEqual({ decision: "NoGo" });
    expect(s.ports.announced.slice(1)).toEqual([
      {
        type: "Gate Decided",
        detail: {
          ...about,
          attempt: 1,
          escalation: false,
          decision: "NoGo",
          by: "Grace Hopper",
          comment: "Not tonight.",
          decidedAt: "2026-11-03T02:00:00.000Z",
          withheld: [],
        },
      },
    ]);
  });

  test("a Go that did not take effect, and why", async () => {
    const s = scene();
    const { path, key } = await s.open({ kind: "open" });
    await s.answerAs(path, key, GO);
    s.catalog.objects = [];
    await confirm(s, "Go");
    expect(s.ports.announced[1]?.detail).toMatchObject({
      decision: "Go",
      withheld: expect.arrayContaining(["Production's catalog has changed:"]),
    });
    await s.open({ kind: "open" });
    expect(s.ports.announced[2]?.detail).toMatchObject({
      attempt: 2,
      changed: expect.arrayContaining(["Production's catalog has changed:"]),
    });
  });

  test("an unanswered gate, once it counts as a No-Go and not before", async () => {
    const s = scene();
    await s.open({ kind: "open" });
    s.ports.clock.pass(MINUTES * 60_000);
    await confirm(s, "nothing");
    expect(s.ports.announced).toHaveLength(1);
    await s.open({ kind: "open", escalation: true });
    await confirm(s, "nothing again");
    expect(s.ports.announced.slice(2)).toMatchObject([
      { type: "Gate Decided", detail: { decision: "NoGo", by: "Sluice" } },
    ]);
  });

  test("no token, no key and no link", async () => {
    const s = scene();
    const { path, key } = await s.open({ kind: "open" });
    await s.answerAs(path, key, GO);
    await confirm(s, "Go");
    const said = JSON.stringify(s.ports.announced);
    for (const secret of [TOKEN, key, "https://", path]) expect(said).not.toContain(secret);
  });
});

test("events without holding up a gate", async () => {
  const s = scene();
  s.ports.announcer.announce = () => Promise.reject(new Error("no way to EventBridge"));
  const { path, key } = await s.open({ kind: "open" });
  await s.answerAs(path, key, GO);
  expect(await confirm(s, "Go")).toEqual({ decision: "Go" });
  expect(s.ports.lines.filter((line) => line.includes("no way to EventBridge"))).toHaveLength(2);
});
