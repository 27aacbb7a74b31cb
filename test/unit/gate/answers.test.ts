import { describe, expect, test } from "vitest";
import { docName } from "../../../lambdas/shared/documents.ts";
import { decisionOf, GO, NO_GO, scene, shownOn, TOKEN } from "./scene.ts";

describe("an answer needs", () => {
  test("a name, always", async () => {
    const s = scene();
    const { path, key } = await s.open();
    for (const fields of [
      { ...GO, by: "  " },
      { ...NO_GO, by: "" },
    ]) {
      const answered = await s.answerAs(path, key, fields);
      expect(answered.status).toBe(422);
      expect(answered.body).toContain("Type your name.");
      expect(answered.body).toMatch(/<title>Not yet: /);
      expect(answered.body).toContain('aria-invalid="true"');
    }
    expect(await decisionOf(s)).toBeUndefined();
  });

  test("no comment longer than its field, with each line end sent as two characters", async () => {
    const s = scene();
    const { path, key } = await s.open();
    const written = `${"x".repeat(99)}\n`.repeat(14) + "x".repeat(100);
    expect(written).toHaveLength(1_500);
    expect((await s.answerAs(path, key, { ...NO_GO, comment: `${written}x` })).status).toBe(400);
    const sent = written.replaceAll("\n", "\r\n");
    expect((await s.answerAs(path, key, { ...NO_GO, comment: sent })).status).toBe(200);
    expect((await decisionOf(s))?.comment).toBe(written);
  });

  test("only the reason for a No-Go: no ticks, no identifier", async () => {
    const s = scene();
    const { path, key } = await s.open({ kind: "rehearsal" });
    const silent = await s.answerAs(path, key, { ...NO_GO, comment: " \n " });
    expect(silent.status).toBe(422);
    expect(silent.body).toContain("Give the reason. The report shows it.");
    const shown = shownOn((await s.get(path, key)).body);
    expect((await s.post(path, { key, shown, ...NO_GO })).status).toBe(200);
    expect(await decisionOf(s, "rehearsal")).toMatchObject({
      decision: "NoGo",
      comment: "Not tonight.",
      ticked: [],
    });
  });

  test("every point of the checklist for a Go, and typed text stays when one is missing", async () => {
    const s = scene();
    const { path, key } = await s.open();
    const shown = shownOn((await s.get(path, key)).body);
    const answered = await s.post(path, {
      key,
      shown,
      ...GO,
      by: "Grace <b>",
      comment: "so far so good",
      tick: "1",
    });
    expect(answered.status).toBe(422);
    expect(answered.body).toContain("A Go needs every point of the checklist.");
    expect(answered.body).toContain('value="Grace &lt;b&gt;"');
    expect(answered.body).toContain("so far so good");
    expect(answered.body).toMatch(/value="1" required checked/);
    expect(answered.body).not.toMatch(/value="0" required checked/);
    expect(await decisionOf(s)).toBeUndefined();
  });

  test.each(["rehearsal", "after", "open", "restore"] as const)(
    "the database's identifier, typed exactly, for a Go at %s",
    async (kind) => {
      const s = scene();
      const { path, key } = await s.open({
        kind,
        gate: kind === "after" ? "after-002" : kind,
        version: kind === "after" ? "002" : null,
      });
      for (const instance of ["", "orders", "Orders-Prod", "orders-prod2"]) {
        const answered = await s.answerAs(path, key, { ...GO, instance });
        expect(answered.status).toBe(422);
        expect(answered.body).toContain("Type orders-prod exactly as shown.");
      }
      expect((await s.answerAs(path, key, GO)).status).toBe(200);
    },
  );

  test("the database itself for a Go on an instance with several databases: its instance alone is not enough", async () => {
    const s = scene({ settings: { label: "orders-prod/orders" } });
    const { path, key } = await s.open({ kind: "rehearsal" });
    for (const instance of ["orders-prod", "orders", "orders-prod/archive"]) {
      const answered = await s.answerAs(path, key, { ...GO, instance });
      expect(answered.status).toBe(422);
      expect(answered.body).toContain("Type orders-prod/orders exactly as shown.");
    }
    expect((await s.answerAs(path, key, { ...GO, instance: "orders-prod/orders" })).status).toBe(200);
  });

  test.each([
    ["Ada Lovelace", "ada lovelace"],
    ["Ada Lovelace", " ADA  LOVELACE "],
    ["ada.lovelace@example.com", "Ada Lovelace"],
    ["arn:aws:sts::123456789012:assumed-role/Operators/ada.lovelace@example.com", "Ada Lovelace"],
    ["Ada Lovelace", "ada.lovelace@example.com"],
    ["Zoë", "ZOE"],
  ])(
    "another person for a Go for production: %s did not start the run, and %s is the same person",
    async (startedBy, by) => {
      const s = scene({ settings: { separateApprover: true } });
      await s.evidence.createOnce(docName("request"), { startedBy });
      const { path, key } = await s.open({ kind: "rehearsal" });
      const answered = await s.answerAs(path, key, { ...GO, by });
      expect(answered.status).toBe(422);
      expect(answered.body).toContain("Another person must give the Go for production.");
      expect(await decisionOf(s, "rehearsal")).toBeUndefined();
      expect((await s.answerAs(path, key, GO)).status).toBe(200);
    },
  );

  test("no second person for a No-Go, or where production is not at stake: the starter may answer", async () => {
    const s = scene({ settings: { separateApprover: true } });
    await s.evidence.createOnce(docName("request"), { startedBy: "Grace Hopper" });
    const readiness = await s.open();
    expect((await s.answerAs(readiness.path, readiness.key, GO)).status).toBe(200);
    const rehearsal = await s.open({ kind: "rehearsal" });
    expect((await s.answerAs(rehearsal.path, rehearsal.key, NO_GO)).status).toBe(200);
  });

  test("the settings that the run was admitted with, whatever is deployed since", async () => {
    const s = scene({ settings: { separateApprover: false } });
    const { settings, databases, metrics } = s.ports;
    s.ports.choice = {
      list: [settings],
      settingsOf: () => settings,
      of: (own) => ({ settings: own, databases, metrics }),
    };
    const admitted = { ...settings, separateApprover: true, instance: "orders-before" };
    await s.evidence.createOnce(docName("request"), { startedBy: GO.by, settings: admitted });
    const { path, key } = await s.open({ kind: "rehearsal" });
    const go = { ...GO, instance: "orders-before" };
    expect((await s.answerAs(path, key, go)).body).toContain(
      "Another person must give the Go for production.",
    );
    expect((await s.answerAs(path, key, { ...GO, by: "Ada Lovelace" })).body).toContain("Type orders-before");
    expect((await s.answerAs(path, key, { ...go, by: "Ada Lovelace" })).status).toBe(200);
  });

  test("no second person if the settings require none", async () => {
    const s = scene({ settings: { separateApprover: false } });
    await s.evidence.createOnce(docName("request"), { startedBy: GO.by });
    const { path, key } = await s.open({ kind: "rehearsal" });
    expect((await s.get(path, key)).body).not.toContain("who started this run.");
    expect((await s.answerAs(path, key, GO)).status).toBe(200);
  });
});

describe("an answer", () => {
  test("comes from the address of its connection, whatever its headers state", async () => {
    const s = scene();
    const { path, key } = await s.open();
    const shown = shownOn((await s.get(path, key)).body);
    const answered = await s.request({
      method: "POST",
      path,
      headers: {
        "content-type": "application/x-www-form-urlencoded; charset=utf-8",
        "x-forwarded-for": "203.0.113.9",
        forwarded: "for=203.0.113.9",
        "x-real-ip": "203.0.113.9",
        "true-client-ip": "203.0.113.9",
        "x-forwarded-host": "evil.example",
      },
      body: new URLSearchParams({ key, shown, ...NO_GO }).toString(),
    });
    expect(answered.status).toBe(200);
    expect(JSON.stringify(answered)).not.toContain("evil.example");
    expect((await decisionOf(s))?.from).toBe("192.0.2.7");
  });

  test("is kept with who, when, from where, what was ticked and what was shown, and the run receives it", async () => {
    const s = scene();
    const { path, key } = await s.open();
    const page = await s.get(path, key);
    const answered = await s.answerAs(path, key, { ...GO, comment: "All here." });
    expect(answered.status).toBe(200);
    expect(answered.body).toContain("Your Go is given");
    const decision = await decisionOf(s);
    expect(decision).toEqual({
      gate: "readiness",
      attempt: 1,
      decision: "Go",
      by: "Grace Hopper",
      comment: "All here.",
      at: "2026-11-03T02:00:00.000Z",
      from: "192.0.2.7",
      ticked: ["the lead is on call", "the runbook was read"],
      shown: shownOn(page.body),
    });
    const kept = s.ports.evidence.files.get(
      `runs/run-1/gates/readiness-1/shown-${decision?.shown.slice(0, 16)}.html`,
    );
    expect(kept).toContain("Is everybody ready?");
    expect(s.ports.callbacks.calls).toEqual([{ token: TOKEN, output: { decision: "Go" } }]);
  });

  test("given a thousand times at once is one answer, and the run receives only that one", async () => {
    const s = scene();
    const { path, key } = await s.open();
    const shown = shownOn((await s.get(path, key)).body);
    const answers = await Promise.all(
      Array.from({ length: 1000 }, (_, i) =>
        s.post(path, [
          ["key", key],
          ["shown", shown],
          ["decision", i % 2 ? "Go" : "NoGo"],
          ["by", `Person ${i}`],
          ["comment", "now"],
          ["tick", "0"],
          ["tick", "1"],
        ]),
      ),
    );
    const won = answers.filter((answered) => answered.status === 200);
    expect(won).toHaveLength(1);
    expect(answers.filter((answered) => answered.status === 409)).toHaveLength(999);
    const decision = await decisionOf(s);
    expect(won[0]?.body).toContain(decision?.by);
    expect(new Set(s.ports.callbacks.calls.map((call) => JSON.stringify(call.output)))).toEqual(
      new Set([JSON.stringify({ decision: decision?.decision })]),
    );
  });

  test("sent twice by a double click gets the same reply both times, and stays the first", async () => {
    const s = scene();
    const { path, key } = await s.open();
    const shown = shownOn((await s.get(path, key)).body);
    const fields = [["key", key], ["shown", shown], ...Object.entries(NO_GO)] as [string, string][];
    const [first, second] = await Promise.all([s.post(path, fields), s.post(path, fields)]);
    expect(first?.status).toBe(200);
    expect(second).toEqual(first);
    const kept = await decisionOf(s);
    s.ports.clock.pass(60_000);
    expect((await s.post(path, fields)).status).toBe(200);
    expect(await decisionOf(s)).toEqual(kept);
  });

  test("sent twice reaches the run once, and neither sender reads that it had no effect", async () => {
    const s = scene();
    const { path, key } = await s.open();
    const shown = shownOn((await s.get(path, key)).body);
    let waits = true;
    s.ports.callbacks.succeed = async () => {
      const heard = waits;
      waits = false;
      return heard;
    };
    const fields = [["key", key], ["shown", shown], ...Object.entries(NO_GO)] as [string, string][];
    for (const { body } of await Promise.all([s.post(path, fields), s.post(path, fields)]))
      expect(body).not.toContain("The run no longer waits at this gate");
  });

  test("that came second changes nothing and shows whose answer counts", async () => {
    const s = scene();
    const { path, key } = await s.open();
    await s.answerAs(path, key, NO_GO);
    const second = await s.answerAs(path, key, { ...GO, by: "Alan Turing" });
    expect(second.status).toBe(409);
    expect(second.body).toContain("Not counted: this gate was already decided (No-Go)");
    expect(second.body).toContain("No-Go, by Grace Hopper");
    expect(await decisionOf(s)).toMatchObject({ decision: "NoGo", by: "Grace Hopper" });
    expect(s.ports.callbacks.calls).toEqual([{ token: TOKEN, output: { decision: "NoGo" } }]);
  });

  test("is shown to anyone who opens the link later, also after its time", async () => {
    const s = scene();
    const { path, key } = await s.open();
    await s.answerAs(path, key, NO_GO);
    s.ports.clock.pass(48 * 3_600_000);
    const later = await s.get(path, key);
    expect(later.status).toBe(200);
    expect(later.body).toContain("This gate is decided: No-Go");
    expect(later.body).toContain("Not tonight.");
    expect(later.body).toContain("The run ends as Refused. Nothing was touched.");
    expect(later.body).not.toContain("<form");
  });

  test("whose call to the run was lost is sent again when the page is opened, and no more than needed", async () => {
    const s = scene();
    const { path, key } = await s.open();
    s.ports.callbacks.behaviour = "fails";
    const lost = await s.answerAs(path, key, GO);
    expect(lost.status).toBe(202);
    expect(lost.body).toContain("The run does not have the answer yet");
    s.ports.callbacks.behaviour = "answers";
    expect((await s.get(path, key)).body).not.toContain("The run does not have the answer yet");
    await s.get(path, key);
    await s.answerAs(path, key, GO);
    expect(s.ports.callbacks.calls).toEqual([{ token: TOKEN, output: { decision: "Go" } }]);
  });

  test("whose call to the run was lost is sent again when it is posted again, as it was stored", async () => {
    const s = scene();
    const { path, key } = await s.open();
    s.ports.callbacks.behaviour = "fails";
    await s.answerAs(path, key, NO_GO);
    s.ports.callbacks.behaviour = "answers";
    expect((await s.answerAs(path, key, GO)).status).toBe(409);
    expect(s.ports.callbacks.calls).toEqual([{ token: TOKEN, output: { decision: "NoGo" } }]);
  });

  test("that no run waits for reports that it may have had no effect", async () => {
    const s = scene();
    const { path, key } = await s.open();
    s.ports.callbacks.behaviour = "nobody waits";
    const answered = await s.answerAs(path, key, GO);
    expect(answered.body).toContain("The run no longer waits at this gate");
  });
});
