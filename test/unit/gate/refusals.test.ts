import { describe, expect, test } from "vitest";
import { decisionOf, GO, NO_GO, scene, shownOn } from "./scene.ts";

describe("a gate is not decided by", () => {
  test("opening the page, however often and by whatever a mail scanner sends", async () => {
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

  test("HEAD: it has the headers of GET and no body, and sends the run nothing", async () => {
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
  ] as const)("what a header claims about the request: %j", async (headers, method) => {
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
  ])("a form from another site, even with the key: %j", async (headers) => {
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
    expect(answered.body).toContain("This page has changed since you opened it");
    expect(await decisionOf(s)).toBeUndefined();
    expect((await s.answerAs(path, key, GO)).status).toBe(200);
  });
});
