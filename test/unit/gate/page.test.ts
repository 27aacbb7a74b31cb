import { describe, expect, test } from "vitest";
import type { GateDecisionDoc } from "../../../lambdas/shared/documents.ts";
import { GO, linkOf, NO_GO, scene, shownOn, TOKEN } from "./scene.ts";

const decisionOf = (s: ReturnType<typeof scene>, gate = "readiness", attempt = 1) =>
  s.evidence.read<GateDecisionDoc>(`gates/${gate}-${attempt}/decision`);

describe("a link that is no good", () => {
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

  test("with any one character of its key altered is not known", async () => {
    const s = scene();
    const { path, key } = await s.open();
    for (let i = 0; i < key.length; i++) {
      const altered = key.slice(0, i) + (key[i] === "A" ? "B" : "A") + key.slice(i + 1);
      expect((await s.get(path, altered)).status).toBe(404);
      expect((await s.answerAs(path, altered, GO)).status).toBe(404);
    }
    expect(await decisionOf(s)).toBeUndefined();
  });

  test("looks the same whether the gate is there or not", async () => {
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
  ])("at the path %s is not known", async (path) => {
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
    expect(after.body).toContain("The time for this answer is over");
    const late = await s.post(path, { key, shown: shownOn(before.body), ...GO, tick: "0" });
    expect(late.status).toBe(410);
    expect(await decisionOf(s)).toBeUndefined();
    expect(s.ports.callbacks.calls).toEqual([]);
  });

  test("that a newer one superseded says so and decides nothing", async () => {
    const s = scene();
    const old = await s.open();
    const page = await s.get(old.path, old.key);
    const newer = await s.open({ escalation: true, token: "second" });
    expect((await s.get(old.path, old.key)).status).toBe(410);
    const posted = await s.post(old.path, { key: old.key, shown: shownOn(page.body), ...NO_GO });
    expect(posted.status).toBe(410);
    expect(posted.body).toContain("A newer link has taken this one&#39;s place");
    expect(posted.body).not.toContain(newer.key);
    expect(s.ports.callbacks.calls).toEqual([]);
    expect((await s.answerAs(newer.path, newer.key, GO)).status).toBe(200);
    expect(s.ports.callbacks.calls).toEqual([{ token: "second", output: { decision: "Go" } }]);
  });
});

describe("what does not decide", () => {
  test("opening the page, as often and by whatever a mail scanner sends", async () => {
    const s = scene();
    const { path, key } = await s.open();
    for (const method of ["GET", "HEAD", "GET", "GET"])
      for (const query of [
        `key=${key}`,
        `key=${key}&decision=Go&by=x`,
        `key=${key}&decision=NoGo&by=x&comment=x`,
      ])
        await s.request({ method, path, query, headers: { purpose: "prefetch", "sec-purpose": "prefetch" } });
    expect(await decisionOf(s)).toBeUndefined();
    expect([...s.ports.evidence.files.keys()].filter((name) => name.includes("shown"))).toEqual([]);
  });

  test.each(["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "post", "get", "PROPFIND"])(
    "the method %s",
    async (method) => {
      const s = scene();
      const { path, key } = await s.open();
      const answered = await s.request({ method, path, query: `key=${key}`, body: "decision=Go" });
      expect(answered.status).toBe(405);
      expect(answered.headers.allow).toBe("GET, HEAD, POST");
      expect(await decisionOf(s)).toBeUndefined();
    },
  );

  test("HEAD: it has the headers of GET and no body, and does not tell the run anything", async () => {
    const s = scene();
    const { path, key } = await s.open();
    const got = await s.get(path, key);
    const head = await s.request({ method: "HEAD", path, query: `key=${key}` });
    expect(head).toEqual({ ...got, body: "" });
    s.ports.callbacks.behaviour = "fails";
    await s.answerAs(path, key, NO_GO);
    s.ports.callbacks.behaviour = "answers";
    await s.request({ method: "HEAD", path, query: `key=${key}` });
    expect(s.ports.callbacks.calls).toEqual([]);
  });

  test.each([
    ["application/json", '{"decision":"Go"}'],
    ["multipart/form-data; boundary=x", "--x"],
    ["text/plain", "decision=Go"],
    ["application/x-www-form-urlencodedx", "decision=Go"],
    [undefined, "decision=Go"],
  ])("a body of type %s", async (type, body) => {
    const s = scene();
    const { path } = await s.open();
    expect((await s.request({ method: "POST", path, headers: { "content-type": type }, body })).status).toBe(
      415,
    );
    expect(await decisionOf(s)).toBeUndefined();
  });

  test("a body over 16 KiB", async () => {
    const s = scene();
    const { path, key } = await s.open();
    expect((await s.answerAs(path, key, { ...NO_GO, comment: "x".repeat(16 * 1024) })).status).toBe(413);
    expect(await decisionOf(s)).toBeUndefined();
  });

  test("a malformed form: missing, doubled, unknown or overlong fields, and characters that hide", async () => {
    const s = scene();
    const { path, key } = await s.open();
    const shown = shownOn((await s.get(path, key)).body);
    const good = Object.entries({ key, shown, ...GO, tick: "0" });
    const without = (name: string) => good.filter(([field]) => field !== name);
    const forms: (readonly (readonly [string, string])[])[] = [
      [],
      without("key"),
      without("decision"),
      without("shown"),
      without("by"),
      [...good, ["decision", "NoGo"]],
      [...good, ["key", key]],
      [...good, ["by", "Somebody else"]],
      [...without("decision"), ["decision", "go"]],
      [...without("decision"), ["decision", "Ask"]],
      [...without("shown"), ["shown", "x"]],
      [...good, ["admin", "1"]],
      [...good, ["tick", "-1"]],
      [...good, ["tick", "1.5"]],
      [...good, ["tick", "x"]],
      [...good, ["tick", ""]],
      [...good, ["tick", "0x1"]],
      [...good, ["tick", "1e0"]],
      [...good, ["tick[]", "1"]],
      [...without("by"), ["by", "x".repeat(101)]],
      [...without("by"), ["by", "Grace\nX-Header: 1"]],
      [...without("by"), ["by", "Grace\u0000"]],
      [...without("by"), ["by", "\u202eecarG"]],
      [...good, ["comment", "a\u0007b"]],
      [...good, ["__proto__", "x"]],
      [...good, ["constructor", "x"]],
      [...good, ["__proto__[admin]", "x"]],
      [...good, ["toString", "x"]],
      [...good, ["Decision", "NoGo"]],
      [...good, ["decision ", "NoGo"]],
    ];
    for (const fields of forms) expect([400, fields]).toEqual([(await s.post(path, fields)).status, fields]);
    for (const body of ["%", "%%%", "&&&&", "=", "\u0000", "decision=Go&%ff%fe", "{}", "key"]) {
      const answered = await s.request({
        method: "POST",
        path,
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body,
      });
      expect(answered.status).toBe(400);
    }
    expect(await decisionOf(s)).toBeUndefined();
    expect(({} as Record<string, unknown>).admin).toBeUndefined();
  });

  test.each([
    [{ "x-http-method-override": "POST" }, "GET"],
    [{ "x-method-override": "POST", "content-type": "application/x-www-form-urlencoded" }, "GET"],
    [{ "x-original-url": "/gates/run-1/readiness/1", "x-rewrite-url": "/gates/run-1/readiness/1" }, "GET"],
  ] as const)("what a header says the request is: %j", async (headers, method) => {
    const s = scene();
    const { path, key } = await s.open();
    const body = new URLSearchParams({ key, shown: "0".repeat(64), ...NO_GO }).toString();
    await s.request({ method, path, query: `key=${key}`, headers, body });
    await s.request({ method, path: "/", query: `key=${key}`, headers, body });
    expect(await decisionOf(s)).toBeUndefined();
  });

  test.each([
    [{ origin: "https://evil.example" }],
    [{ origin: "https://gates.example.evil.example", "sec-fetch-site": "same-origin" }],
    [{ origin: "http://gates.example" }],
    [{ origin: "null" }],
    [{ origin: "null", "sec-fetch-site": "cross-site" }],
    [{ "sec-fetch-site": "cross-site" }],
    [{ "sec-fetch-site": "same-site", origin: "https://gates.example" }],
    [{ "sec-fetch-site": "none" }],
  ])("a form from another place, even with the key: %j", async (headers) => {
    const s = scene();
    const { path, key } = await s.open();
    const shown = shownOn((await s.get(path, key)).body);
    const body = new URLSearchParams([...Object.entries({ key, shown, ...NO_GO })]).toString();
    const type = { "content-type": "application/x-www-form-urlencoded" };
    const answered = await s.request({ method: "POST", path, headers: { ...type, ...headers }, body });
    expect(answered.status).toBe(403);
    expect(await decisionOf(s)).toBeUndefined();
  });

  test("a form whose page has changed since it was read", async () => {
    const s = scene();
    const { path, key } = await s.open();
    const shown = shownOn((await s.get(path, key)).body);
    s.report.failures.push({ at: "2026-11-03T02:00:00.000Z", state: "Watch", error: "Bad", message: "New." });
    const answered = await s.post(path, [
      ["key", key],
      ["shown", shown],
      ...Object.entries(GO),
      ["tick", "0"],
      ["tick", "1"],
    ]);
    expect(answered.status).toBe(422);
    expect(answered.body).toContain("What this page shows has changed meanwhile");
    expect(await decisionOf(s)).toBeUndefined();
    expect((await s.answerAs(path, key, GO)).status).toBe(200);
  });
});

describe("what an answer needs", () => {
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

  test("no less room than its field has, where each line's end is sent as two characters", async () => {
    const s = scene();
    const { path, key } = await s.open();
    const written = `${"x".repeat(99)}\n`.repeat(14) + "x".repeat(100);
    expect(written).toHaveLength(1_500);
    expect((await s.answerAs(path, key, { ...NO_GO, comment: `${written}x` })).status).toBe(400);
    const sent = written.replaceAll("\n", "\r\n");
    expect((await s.answerAs(path, key, { ...NO_GO, comment: sent })).status).toBe(200);
    expect((await decisionOf(s))?.comment).toBe(written);
  });

  test("of a No-Go the reason, and nothing else: no ticks, no identifier", async () => {
    const s = scene();
    const { path, key } = await s.open({ kind: "rehearsal" });
    const silent = await s.answerAs(path, key, { ...NO_GO, comment: " \n " });
    expect(silent.status).toBe(422);
    expect(silent.body).toContain("Say why, for those who read the report.");
    const shown = shownOn((await s.get(path, key)).body);
    expect((await s.post(path, { key, shown, ...NO_GO })).status).toBe(200);
    expect(await decisionOf(s, "rehearsal")).toMatchObject({ decision: "NoGo", comment: "Not tonight." });
  });

  test("of a Go every point of the checklist, and what was typed stays when one is missing", async () => {
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
    "of a Go at %s the database's identifier, typed exactly",
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
        expect(answered.body).toContain("Type orders-prod, exactly so.");
      }
      expect((await s.answerAs(path, key, GO)).status).toBe(200);
    },
  );

  test.each([
    ["Ada Lovelace", "ada lovelace"],
    ["Ada Lovelace", " ADA  LOVELACE "],
    ["ada.lovelace@example.com", "Ada Lovelace"],
    ["arn:aws:sts::123456789012:assumed-role/Operators/ada.lovelace@example.com", "Ada Lovelace"],
    ["Ada Lovelace", "ada.lovelace@example.com"],
    ["Zoë", "ZOE"],
  ])("of a Go for production that %s did not start the run: %s is the same person", async (startedBy, by) => {
    const s = scene({ settings: { separateApprover: true } });
    await s.evidence.keep("request", { startedBy });
    const { path, key } = await s.open({ kind: "rehearsal" });
    const answered = await s.answerAs(path, key, { ...GO, by });
    expect(answered.status).toBe(422);
    expect(answered.body).toContain("Somebody else must give the Go for production.");
    expect(await decisionOf(s, "rehearsal")).toBeUndefined();
    expect((await s.answerAs(path, key, GO)).status).toBe(200);
  });

  test("the one who started a run may stop it, and may answer where production is not at stake", async () => {
    const s = scene({ settings: { separateApprover: true } });
    await s.evidence.keep("request", { startedBy: "Grace Hopper" });
    const readiness = await s.open();
    expect((await s.answerAs(readiness.path, readiness.key, GO)).status).toBe(200);
    const rehearsal = await s.open({ kind: "rehearsal" });
    expect((await s.answerAs(rehearsal.path, rehearsal.key, NO_GO)).status).toBe(200);
  });

  test("no second person where the settings ask for none", async () => {
    const s = scene({ settings: { separateApprover: false } });
    await s.evidence.keep("request", { startedBy: GO.by });
    const { path, key } = await s.open({ kind: "rehearsal" });
    expect((await s.get(path, key)).body).not.toContain("Somebody other than");
    expect((await s.answerAs(path, key, GO)).status).toBe(200);
  });
});

describe("an answer", () => {
  test("comes from where the connection came from, whatever its headers say", async () => {
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

  test("is kept with who, when, from where, what was ticked and what was shown, and the run is told", async () => {
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

  test("given a thousand times at once is one, and the run hears only that one", async () => {
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

  test("sent twice by a double click hears the same both times, and stays the first", async () => {
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

  test("sent twice is heard by the run once, and neither sender is told that nobody heard", async () => {
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
      expect(body).not.toContain("The run does not wait here any more");
  });

  test("that came second changes nothing and says whose counts", async () => {
    const s = scene();
    const { path, key } = await s.open();
    await s.answerAs(path, key, NO_GO);
    const second = await s.answerAs(path, key, { ...GO, by: "Alan Turing" });
    expect(second.status).toBe(409);
    expect(second.body).toContain("Not counted: this gate was answered before, by a No-Go");
    expect(second.body).toContain("No-Go, by Grace Hopper");
    expect(await decisionOf(s)).toMatchObject({ decision: "NoGo", by: "Grace Hopper" });
    expect(s.ports.callbacks.calls).toEqual([{ token: TOKEN, output: { decision: "NoGo" } }]);
  });

  test("is shown to whoever opens the link later, also after its time", async () => {
    const s = scene();
    const { path, key } = await s.open();
    await s.answerAs(path, key, NO_GO);
    s.ports.clock.pass(48 * 3_600_000);
    const later = await s.get(path, key);
    expect(later.status).toBe(200);
    expect(later.body).toContain("This gate is answered: No-Go");
    expect(later.body).toContain("Not tonight.");
    expect(later.body).toContain("The run ends as Refused. Nothing was touched.");
    expect(later.body).not.toContain("<form");
  });

  test("whose call to the run was lost is told again when the page is opened, and no more than needed", async () => {
    const s = scene();
    const { path, key } = await s.open();
    s.ports.callbacks.behaviour = "fails";
    const lost = await s.answerAs(path, key, GO);
    expect(lost.status).toBe(202);
    expect(lost.body).toContain("The run has not heard it yet");
    s.ports.callbacks.behaviour = "answers";
    expect((await s.get(path, key)).body).not.toContain("The run has not heard it yet");
    await s.get(path, key);
    await s.answerAs(path, key, GO);
    expect(s.ports.callbacks.calls).toEqual([{ token: TOKEN, output: { decision: "Go" } }]);
  });

  test("whose call to the run was lost is told again when it is posted again, as it was stored", async () => {
    const s = scene();
    const { path, key } = await s.open();
    s.ports.callbacks.behaviour = "fails";
    await s.answerAs(path, key, NO_GO);
    s.ports.callbacks.behaviour = "answers";
    expect((await s.answerAs(path, key, GO)).status).toBe(409);
    expect(s.ports.callbacks.calls).toEqual([{ token: TOKEN, output: { decision: "NoGo" } }]);
  });

  test("that nobody waits for any more says that it may have had no effect", async () => {
    const s = scene();
    const { path, key } = await s.open();
    s.ports.callbacks.behaviour = "nobody waits";
    const answered = await s.answerAs(path, key, GO);
    expect(answered.body).toContain("The run does not wait here any more");
  });
});
