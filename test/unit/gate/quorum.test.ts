import { describe, expect, test } from "vitest";
import { confirmGate } from "../../../lambdas/gate/confirm.ts";
import { decide } from "../../../lambdas/gate/decide.ts";
import { docName } from "../../../lambdas/shared/documents.ts";
import type { GateKind } from "../../../lambdas/shared/gates.ts";
import type { GateTexts } from "../../../lambdas/shared/plan.ts";
import type { PortOverrides } from "../../support/ports.ts";
import { decisionOf, GO, MINUTES, NO_GO, RUN, type Scene, scene, shownOn, TOKEN } from "./scene.ts";

const ADA = { ...GO, by: "Ada Lovelace" };
const GRACE = { ...GO, by: "Grace Hopper" };
const ALAN = { ...GO, by: "Alan Turing" };

/** A plan whose gates need so many Goes. */
function needing(approvals: number, overrides: PortOverrides = {}): Scene {
  const gates = Object.fromEntries(
    Object.entries(scene().ports.plan.gates).map(([kind, text]) => [kind, { ...text, approvals }]),
  ) as unknown as GateTexts;
  return scene({ ...overrides, plan: { gates } });
}

const confirm = (s: Scene, heard: "Go" | "nothing" | "nothing again") =>
  confirmGate(
    { gate: "rehearsal", kind: "rehearsal", minutes: MINUTES, heard },
    s.ports,
    s.evidence,
    s.catalog.read,
  );

describe("a gate that needs two Goes", () => {
  test("is not decided by one, and shows everybody who gave it", async () => {
    const s = needing(2);
    const { path, key } = await s.open();
    expect((await s.get(path, key)).body).toContain("Go so far: 0 of 2");
    expect(s.ports.notices[0]?.text).toContain("A Go needs 2 people with different names");
    const first = await s.answerAs(path, key, { ...ADA, comment: "Fine with me." });
    expect(first.status).toBe(202);
    expect(first.body).toContain("Your Go is counted");
    expect(first.body).toContain("1 other person must give a Go");
    expect(await decisionOf(s)).toBeUndefined();
    expect(s.ports.callbacks.calls).toEqual([]);
    const page = (await s.get(path, key)).body;
    expect(page).toContain("Go so far: 1 of 2");
    expect(page).toContain("Ada Lovelace");
    expect(page).toContain("Fine with me.");
    expect(page).toContain("<form");
  });

  test("is decided by the second, and the decision names both and keeps each by itself", async () => {
    const s = needing(2);
    const { path, key } = await s.open();
    await s.answerAs(path, key, { ...ADA, comment: "Fine with me." });
    s.ports.clock.pass(60_000);
    const second = await s.answerAs(path, key, { ...GRACE, comment: "And me." });
    expect(second.status).toBe(200);
    expect(second.body).toContain("Go, by Ada Lovelace and Grace Hopper");
    const decision = await decisionOf(s);
    expect(decision).toMatchObject({
      gate: "readiness",
      attempt: 1,
      decision: "Go",
      by: "Ada Lovelace and Grace Hopper",
      comment: "Ada Lovelace: Fine with me.\nGrace Hopper: And me.",
      at: "2026-11-03T02:01:00.000Z",
      from: "192.0.2.7",
      ticked: ["the lead is on call", "the runbook was read"],
      approvals: [
        { by: "Ada Lovelace", at: "2026-11-03T02:00:00.000Z", from: "192.0.2.7" },
        { by: "Grace Hopper", at: "2026-11-03T02:01:00.000Z", from: "192.0.2.7" },
      ],
    });
    for (const { shown } of decision?.approvals ?? [])
      expect(
        s.ports.evidence.files.get(`runs/${RUN}/gates/readiness-1/shown-${shown.slice(0, 16)}.html`),
      ).toContain("Is everybody ready?");
    expect(s.ports.callbacks.calls).toEqual([{ token: TOKEN, output: { decision: "Go" } }]);
  });

  test.each([
    "ada lovelace",
    "  ADA   LOVELACE ",
    "Ada Lovelace.",
    "Ádá Lovelace",
    "ada.lovelace@example.com",
  ])("does not count Ada Lovelace again as %j", async (by) => {
    const s = needing(2);
    const { path, key } = await s.open();
    await s.answerAs(path, key, ADA);
    const again = await s.answerAs(path, key, { ...GO, by });
    expect(again.status).toBe(409);
    expect(again.body).toContain("Not counted: this name has already given a Go");
    expect(await decisionOf(s)).toBeUndefined();
  });

  test("counts a form sent twice as the same answer, before the gate is decided and after", async () => {
    const s = needing(2);
    const { path, key } = await s.open();
    const shown = shownOn((await s.get(path, key)).body);
    const form = [["key", key], ["shown", shown], ...Object.entries(ADA), ["tick", "0"], ["tick", "1"]] as [
      string,
      string,
    ][];
    const answers = await Promise.all([s.post(path, form), s.post(path, form)]);
    expect(answers.map(({ status }) => status)).toEqual([202, 202]);
    expect((await s.post(path, form)).body).toContain("Your Go is counted");
    await s.answerAs(path, key, GRACE);
    expect((await s.post(path, form)).body).toContain("Your Go is given");
    expect((await decisionOf(s))?.approvals).toHaveLength(2);
  });

  test("is ended at once by anybody's No-Go, including the first person's own", async () => {
    for (const by of [ADA.by, GRACE.by]) {
      const s = needing(2);
      const { path, key } = await s.open();
      await s.answerAs(path, key, ADA);
      expect((await s.answerAs(path, key, { ...NO_GO, by })).status).toBe(200);
      expect(await decisionOf(s)).toMatchObject({ decision: "NoGo", by });
      const late = await s.answerAs(path, key, ALAN);
      expect(late.status).toBe(409);
      expect(s.ports.callbacks.calls).toEqual([{ token: TOKEN, output: { decision: "NoGo" } }]);
    }
  });

  test("counts both of two first Goes that arrive at once", async () => {
    const s = needing(2);
    const { path, key } = await s.open();
    const answers = await Promise.all([s.answerAs(path, key, ADA), s.answerAs(path, key, GRACE)]);
    expect(answers.map(({ status }) => status).sort()).not.toContain(409);
    expect((await decisionOf(s))?.approvals?.map(({ by }) => by).sort()).toEqual([ADA.by, GRACE.by]);
  });

  test("is not decided by a hundred Goes of the same person at once", async () => {
    const s = needing(2);
    const { path, key } = await s.open();
    await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        s.answerAs(path, key, { ...ADA, by: i % 2 ? "Ada Lovelace" : "ADA LOVELACE", comment: `${i}` }),
      ),
    );
    expect(await decisionOf(s)).toBeUndefined();
    expect((await s.get(path, key)).body).toContain("Go so far: 1 of 2");
    expect((await s.evidence.list("gates/readiness-1/go-")).length).toBe(1);
  });

  test("has one decision, which all receive, if hundreds answer at once with Go and No-Go", async () => {
    const s = needing(3);
    const { path, key } = await s.open();
    const answers = await Promise.all(
      Array.from({ length: 300 }, (_, i) =>
        s.answerAs(path, key, i === 150 ? { ...NO_GO, by: "Nora" } : { ...GO, by: `Person ${i}` }),
      ),
    );
    const decision = await decisionOf(s);
    expect(decision).toBeDefined();
    if (decision?.decision === "Go") expect(decision.approvals).toHaveLength(3);
    expect(new Set(s.ports.callbacks.calls.map((call) => JSON.stringify(call)))).toEqual(
      new Set([JSON.stringify({ token: TOKEN, output: { decision: decision?.decision } })]),
    );
    for (const { status } of answers) expect(status).toBeOneOf([200, 202, 409]);
  });

  test("is decided even if the worker died between the last Go and the decision", async () => {
    const s = needing(2);
    const { path, key } = await s.open();
    await s.answerAs(path, key, ADA);
    await s.answerAs(path, key, GRACE);
    s.ports.evidence.files.delete(`runs/${RUN}/gates/readiness-1/decision.json`);
    s.ports.evidence.files.delete(`runs/${RUN}/gates/readiness-1/told.json`);
    expect((await s.get(path, key)).body).toContain("This gate is decided: Go");
    expect(await decisionOf(s)).toMatchObject({ by: "Ada Lovelace and Grace Hopper" });
    expect(s.ports.callbacks.calls).toHaveLength(2);
  });

  test("does not count another's Go as a change of what its page shows", async () => {
    const s = needing(2);
    const { path, key } = await s.open();
    const shown = shownOn((await s.get(path, key)).body);
    await s.answerAs(path, key, ADA);
    const second = await s.post(path, [
      ["key", key],
      ["shown", shown],
      ...Object.entries(GRACE),
      ["tick", "0"],
      ["tick", "1"],
    ]);
    expect(second.status).toBe(200);
  });

  test("lists a tick only if all have ticked it", async () => {
    const s = needing(2);
    await s.open();
    const answer = {
      run: RUN,
      gate: "readiness",
      attempt: 1,
      decision: "Go",
      comment: "",
      from: "x",
    } as const;
    await decide(s.ports, { ...answer, by: "Ada", ticked: ["the lead is on call", "the runbook was read"] });
    await decide(s.ports, { ...answer, by: "Grace", ticked: ["the runbook was read"] });
    expect((await decisionOf(s))?.ticked).toEqual(["the runbook was read"]);
  });

  test("does not count the person who started the run for production", async () => {
    const s = needing(2, { settings: { separateApprover: true } });
    await s.evidence.createOnce(docName("request"), { startedBy: "ada.lovelace@example.com" });
    const { path, key } = await s.open({ kind: "rehearsal" });
    expect((await s.answerAs(path, key, ADA)).status).toBe(422);
    await s.answerAs(path, key, GRACE);
    expect((await s.answerAs(path, key, ALAN)).status).toBe(200);
  });
});

describe("while it is open", () => {
  test("an escalation takes over the Goes given for the same state, and one more decides", async () => {
    const s = needing(2);
    const first = await s.open({ kind: "rehearsal" });
    await s.answerAs(first.path, first.key, ADA);
    s.ports.clock.pass(MINUTES * 60_000);
    expect(await confirm(s, "nothing")).toMatchObject({ decision: "Escalate" });
    const second = await s.open({ kind: "rehearsal", escalation: true, token: "second" });
    expect((await s.get(second.path, second.key)).body).toContain("Go so far: 1 of 2");
    expect((await s.answerAs(second.path, second.key, ADA)).body).toContain("Your Go is counted");
    expect(await s.evidence.list("gates/rehearsal-2/go-")).toEqual([]);
    expect((await s.answerAs(second.path, second.key, GRACE)).status).toBe(200);
    expect(s.ports.callbacks.calls).toEqual([{ token: "second", output: { decision: "Go" } }]);
    expect(await decisionOf(s, "rehearsal", 2)).toMatchObject({
      attempt: 2,
      by: "Ada Lovelace and Grace Hopper",
      approvals: [{ attempt: 1 }, { attempt: 2 }],
    });
    expect(await confirm(s, "Go")).toEqual({ decision: "Go" });
  });

  test("an escalation drops them if something has changed meanwhile", async () => {
    for (const change of ["catalog", "evidence"]) {
      const s = needing(2);
      const first = await s.open({ kind: "rehearsal" });
      await s.answerAs(first.path, first.key, ADA);
      if (change === "catalog") s.catalog.objects = [];
      else await s.evidence.createOnce(docName("benchmarks/staging"), { results: [] });
      const second = await s.open({ kind: "rehearsal", escalation: true });
      expect((await s.get(second.path, second.key)).body).toContain("Go so far: 0 of 2");
      expect((await s.answerAs(second.path, second.key, GRACE)).status).toBe(202);
    }
  });

  test("the end of the time is a No-Go, and shows who had said Go", async () => {
    const s = needing(2);
    const { path, key } = await s.open({ kind: "rehearsal" });
    await s.answerAs(path, key, ADA);
    s.ports.clock.pass(MINUTES * 60_000);
    await confirm(s, "nothing");
    await s.open({ kind: "rehearsal", escalation: true });
    s.ports.clock.pass(MINUTES * 60_000);
    expect(await confirm(s, "nothing again")).toEqual({ decision: "NoGo" });
    expect((await decisionOf(s, "rehearsal", 2))?.comment).toContain(
      "Only 1 of 2 Goes had been given (Ada Lovelace)",
    );
  });

  test("a change makes both Goes void: the gate opens again for two, and shows what changed", async () => {
    const s = needing(2);
    const { path, key } = await s.open({ kind: "rehearsal" });
    await s.answerAs(path, key, ADA);
    s.catalog.objects = [
      ...s.catalog.objects,
      { kind: "index", name: "public.sneaked_in", definition: "on t" },
    ];
    await s.answerAs(path, key, GRACE);
    expect(await confirm(s, "Go")).toMatchObject({
      decision: "Ask",
      until: expect.any(String),
      seconds: expect.any(Number),
    });
    const again = await s.open({ kind: "rehearsal" });
    const page = (await s.get(again.path, again.key)).body;
    expect(page).toContain("index public.sneaked_in added");
    expect(page).toContain("Go so far: 0 of 2");
    await s.answerAs(again.path, again.key, GRACE);
    expect(await decisionOf(s, "rehearsal", 2)).toBeUndefined();
  });

  test("void Goes are not counted again, even if the change is undone", async () => {
    const s = needing(2);
    const { path, key } = await s.open({ kind: "rehearsal" });
    const before = s.catalog.objects;
    await s.answerAs(path, key, ADA);
    await s.answerAs(path, key, GRACE);
    s.catalog.objects = [];
    expect(await confirm(s, "Go")).toMatchObject({
      decision: "Ask",
      until: expect.any(String),
      seconds: expect.any(Number),
    });
    s.catalog.objects = before;
    const again = await s.open({ kind: "rehearsal" });
    expect((await s.get(again.path, again.key)).body).toContain("Go so far: 0 of 2");
  });

  test("a late Go on the old link does not count its giver twice", async () => {
    const s = needing(2);
    await s.open();
    const { path, key } = await s.open({ escalation: true });
    await s.answerAs(path, key, ADA);
    await s.evidence.createOnce(docName("gates/readiness-1/go-1"), {
      at: "2026-11-03T02:00:00.000Z",
      comment: "",
      ...ADA,
    });
    expect((await s.get(path, key)).body).toContain("Go so far: 1 of 2");
    expect(await decisionOf(s, "readiness", 2)).toBeUndefined();
  });

  test("workers that died and opened the gate again lose no Go", async () => {
    const s = needing(2);
    const first = await s.open();
    await s.answerAs(first.path, first.key, ADA);
    await s.open();
    const third = await s.open();
    expect((await s.answerAs(third.path, third.key, GRACE)).status).toBe(200);
  });

  test("a Go on a link that a newer one supersedes at that moment states so", async () => {
    const s = needing(2);
    const { path, key } = await s.open();
    const shown = shownOn((await s.get(path, key)).body);
    const create = s.ports.evidence.create.bind(s.ports.evidence);
    s.ports.evidence.create = async (name, body) => {
      const won = await create(name, body);
      if (name.endsWith("/go-1.json")) {
        s.ports.evidence.create = create;
        await s.open({ escalation: true });
      }
      return won;
    };
    const answered = await s.post(path, [
      ["key", key],
      ["shown", shown],
      ...Object.entries(ADA),
      ["tick", "0"],
      ["tick", "1"],
    ]);
    expect(answered.status).toBe(410);
    expect(answered.body).toContain("A newer link");
  });
});

describe("a run without a known starter", () => {
  const unnamed = async (startedBy: string | undefined, kind: GateKind, settings = {}) => {
    const s = scene({ settings: { separateApprover: true, ...settings } });
    await s.evidence.createOnce(docName("request"), { startedBy });
    return {
      s,
      ...(await s.open({ kind, ...(kind === "after" ? { gate: "after-002", version: "002" } : {}) })),
    };
  };

  test.each([undefined, "", "  ", "-", "\u200b", "..."])(
    "(%j) takes two people for a Go for production, as one of two did not start it",
    async (startedBy) => {
      for (const kind of ["rehearsal", "after", "open", "restore"] as const) {
        const { s, path, key } = await unnamed(startedBy, kind);
        const page = (await s.get(path, key)).body;
        expect(page).toContain("two people with different names");
        expect(page).toContain("it is not recorded who started this run");
        expect((await s.answerAs(path, key, ADA)).status).toBe(202);
        expect((await s.answerAs(path, key, GRACE)).status).toBe(200);
      }
    },
  );

  test("takes one if production is not at stake, or the settings require no second person", async () => {
    for (const { s, path, key } of [
      await unnamed(undefined, "readiness"),
      await unnamed(undefined, "keep"),
      await unnamed(undefined, "open", { separateApprover: false }),
      await unnamed("Alan Turing", "open"),
    ])
      expect((await s.answerAs(path, key, ADA)).status).toBe(200);
  });

  test("takes two at the first gate if that begins the downtime", async () => {
    const { s, path, key } = await unnamed(undefined, "readiness", { rehearse: "inside" });
    expect((await s.answerAs(path, key, { ...ADA, instance: "" })).status).toBe(422);
    expect((await s.answerAs(path, key, ADA)).status).toBe(202);
  });

  test("takes the plan's number if that is two or more", async () => {
    const s = needing(3, { settings: { separateApprover: true } });
    await s.evidence.createOnce(docName("request"), {});
    const { path, key } = await s.open({ kind: "open" });
    expect((await s.get(path, key)).body).toContain("three people with different names");
  });
});
