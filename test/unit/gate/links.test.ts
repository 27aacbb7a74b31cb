import { describe, expect, test } from "vitest";
import { decisionOf, GO, linkOf, NO_GO, scene, shownOn } from "./scene.ts";

describe("an invalid link", () => {
  test("with a guessed key shows nothing of the gate and decides nothing", async () => {
    const s = scene();
    const { path } = await s.open();
    for (const key of ["", "x", "A".repeat(43), "A".repeat(5000), "../../x", "%00", "[object Object]"]) {
      const shown = await s.get(path, key);
      expect(shown.status).toBe(404);
      expect(shown.body).not.toContain("orders-prod");
      expect(shown.body).not.toContain("Is everybody ready?");
      expect((await s.answerAs(path, key, GO)).status).toBeOneOf([400, 404]);
    }
    expect(await decisionOf(s)).toBeUndefined();
    expect(s.ports.callbacks.calls).toEqual([]);
  });

  test("with any one character of its key altered is unknown", async () => {
    const s = scene();
    const { path, key } = await s.open();
    for (let i = 0; i < key.length; i++) {
      const altered = key.slice(0, i) + (key[i] === "A" ? "B" : "A") + key.slice(i + 1);
      expect((await s.get(path, altered)).status).toBe(404);
      expect((await s.answerAs(path, altered, GO)).status).toBe(404);
    }
    expect(await decisionOf(s)).toBeUndefined();
  });

  test("looks the same whether the gate exists or not", async () => {
    const s = scene();
    const { path, key } = await s.open();
    const wrongKey = await s.get(path, "x".repeat(43));
    const noGate = await s.get("/gates/run-1/open/1", key);
    const noRun = await s.get("/gates/run-9/readiness/1", key);
    expect(noGate).toEqual(wrongKey);
    expect(noRun).toEqual(wrongKey);
  });

  test("does not open another gate, another attempt or another run", async () => {
    const s = scene();
    const first = await s.open();
    const other = await s.open({ kind: "open" });
    expect((await s.answerAs(other.path, first.key, GO)).status).toBe(404);
    expect((await s.answerAs(first.path, other.key, GO)).status).toBe(404);
    const elsewhere = scene({}, "run-2");
    await elsewhere.open();
    for (const [key, body] of elsewhere.ports.evidence.files) s.ports.evidence.files.set(key, body);
    const there = linkOf(elsewhere.ports);
    expect((await s.answerAs(there.path, first.key, GO)).status).toBe(404);
    expect(await decisionOf(s)).toBeUndefined();
    expect(await decisionOf(s, "open")).toBeUndefined();
  });

  test.each([
    "/",
    "/gates",
    "/gates/run-1/readiness",
    "/gates/run-1/readiness/0",
    "/gates/run-1/readiness/01",
    "/gates/run-1/readiness/1e0",
    "/gates/run-1/readiness/1/more",
    "/gates/../readiness/1",
    "/gates/%2e%2e/readiness/1",
    "/gates/run-1%2f..%2frun-1/readiness/1",
    "/gates/run-1/readiness%2f..%2freadiness/1",
    "/gates/run-1%00/readiness/1",
    "/gates/%E0%A4%A/readiness/1",
  ])("at the path %s is unknown", async (path) => {
    const s = scene();
    const { key } = await s.open();
    expect((await s.get(path, key)).status).toBe(404);
  });

  test("is over at its last second, not one later", async () => {
    const s = scene();
    const { path, key } = await s.open();
    const before = await s.get(path, key);
    s.ports.clock.pass(60 * 60_000 - 1);
    expect((await s.get(path, key)).status).toBe(200);
    s.ports.clock.pass(1);
    const after = await s.get(path, key);
    expect(after.status).toBe(410);
    expect(after.body).toContain("The time to answer is over");
    expect(after.body).toContain("The gate is now open for the escalation contacts");
    const late = await s.post(path, { key, shown: shownOn(before.body), ...GO, tick: "0" });
    expect(late.status).toBe(410);
    expect(await decisionOf(s)).toBeUndefined();
    expect(s.ports.callbacks.calls).toEqual([]);
  });

  test("that a newer one superseded states so and decides nothing", async () => {
    const s = scene();
    const old = await s.open();
    const page = await s.get(old.path, old.key);
    const newer = await s.open({ escalation: true, token: "second" });
    expect((await s.get(old.path, old.key)).status).toBe(410);
    const posted = await s.post(old.path, { key: old.key, shown: shownOn(page.body), ...NO_GO });
    expect(posted.status).toBe(410);
    expect(posted.body).toContain("A newer link replaces this one");
    expect(posted.body).not.toContain(newer.key);
    expect(s.ports.callbacks.calls).toEqual([]);
    expect((await s.answerAs(newer.path, newer.key, GO)).status).toBe(200);
    expect(s.ports.callbacks.calls).toEqual([{ token: "second", output: { decision: "Go" } }]);
    const shownPages = [...s.ports.evidence.files.keys()].filter((name) => name.includes("/shown-"));
    expect(shownPages).toEqual([expect.stringContaining("gates/readiness-2/shown-")]);
  });
});
