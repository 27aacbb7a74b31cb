import { describe, expect, test, vi } from "vitest";
import type { GateAnswer } from "../../../lambdas/gate/confirm.ts";
import { confirmGate } from "../../../lambdas/gate/confirm.ts";
import { decide } from "../../../lambdas/gate/decide.ts";
import { gateTask, openGate } from "../../../lambdas/gate/task.ts";
import { linked, linkFile } from "../../../lambdas/shared/chain.ts";
import { docName, type GateDoc } from "../../../lambdas/shared/documents.ts";
import { evidenceOf } from "../../../lambdas/shared/evidence.ts";
import type { GateKind } from "../../../lambdas/shared/gates.ts";
import { invoke } from "../../../lambdas/shared/task.ts";
import { tinyMigration } from "../../support/ports.ts";
import { fullReport } from "./reports.ts";
import { GO, linkOf, MINUTES, NO_GO, RUN, type Scene, scene, TOKEN } from "./scene.ts";

const UNTIL = "2026-11-03T03:00:00.000Z";
const docOf = (s: Scene, gate: string, attempt: number) =>
  s.evidence.require(docName<GateDoc>(`gates/${gate}-${attempt}/request`));
const go = (s: Scene, gate: string, attempt: number) =>
  decide(s.ports, { run: RUN, gate, attempt, decision: "Go", by: "Grace", comment: "", from: "prompt" });
const confirm = (s: Scene, gate: string, heard: GateAnswer = "Go") => {
  const kind = (/^[a-z]+/.exec(gate)?.[0] ?? "readiness") as GateKind;
  return confirmGate({ gate, kind, minutes: MINUTES, heard }, s.ports, s.evidence, s.catalog.read);
};

describe("opening a gate", () => {
  test("again after a worker died leaves one valid link, the newest", async () => {
    const s = scene();
    // Killed while it sent the message: all was written, and the message may have gone out.
    const sent: string[] = [];
    const dying = {
      ...s.ports,
      notifier: {
        async send({ text }: { text: string }) {
          sent.push(text);
          throw new Error("killed");
        },
      },
    };
    const event = {
      gate: "readiness",
      kind: "readiness",
      version: null,
      token: "first",
      escalation: false,
      until: UNTIL,
    } as const;
    await expect(openGate(event, dying, s.evidence, s.catalog.read)).rejects.toThrow("killed");
    const newer = await s.open({ token: "second" });
    const older = new URL(/^https:\S+$/m.exec(sent[0] ?? "")?.[0] ?? "");
    expect((await s.get(older.pathname, older.searchParams.get("key") ?? "")).status).toBe(410);
    await s.answerAs(newer.path, newer.key, GO);
    expect(s.ports.callbacks.calls).toEqual([{ token: "second", output: { decision: "Go" } }]);
  });

  test("by two workers at once gives each its own number", async () => {
    const s = scene();
    await Promise.all([s.open({ token: "a" }), s.open({ token: "b" }), s.open({ token: "c" })]);
    expect(await s.evidence.list("gates/")).toEqual(
      [1, 2, 3].flatMap((n) =>
        ["documents", "request", "token"].map((name) => `gates/readiness-${n}/${name}`),
      ),
    );
  });

  test("binds a Go to catalog, plan and evidence", async () => {
    const s = scene();
    await s.evidence.createOnce(docName("preflight"), { checks: [] });
    await s.open({ kind: "rehearsal" });
    const doc = await docOf(s, "rehearsal", 1);
    expect(doc.basis).toEqual({
      fingerprint: (await s.catalog.read(s.ports, s.evidence)).doc.hash,
      planChecksum: "a".repeat(64),
      report: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(doc).toMatchObject({ attempt: 1, escalation: false, expiresAt: "2026-11-03T03:00:00.000Z" });
  });

  test.each(["readiness", "keep", "restore"] as const)(
    "does not look at the catalog for %s",
    async (kind) => {
      const s = scene();
      s.catalog.read = () => Promise.reject(new Error("not here"));
      await s.open({ kind });
      expect((await docOf(s, kind, 1)).basis.fingerprint).toBeNull();
    },
  );

  test("names the migration in the question and in what follows, newest rolled back first", async () => {
    const s = scene();
    await s.open({ kind: "after", gate: "after-002", version: "002" });
    await s.open({ kind: "after", gate: "after-003", version: "003" });
    expect(await docOf(s, "after-002", 1)).toMatchObject({
      question: "continue after 002?",
      go: "Migration 003 (add a column) is applied to production and validated.",
      noGo: expect.stringMatching(/^002 is rolled back, .*RolledBack\.$/),
    });
    expect((await docOf(s, "after-003", 1)).noGo).toMatch(/^003 and 002 are rolled back, newest first, /);
  });
});

describe("the message", () => {
  test("has an ASCII subject under 100 characters with database, gate and run, and one link on a line of its own", async () => {
    const s = scene();
    const { link } = await s.open({ kind: "rehearsal" });
    const notice = s.ports.notices[0];
    expect(notice?.subject).toBe("Sluice orders-prod: gate rehearsal, run run-1");
    expect(notice?.text.split("\n")).toContain(link);
    expect(notice?.text.match(/https?:/g)).toHaveLength(1);
    expect(notice?.text).toContain("Migration lead: Ada");
    expect(notice?.text).toContain("Answer by 2026-11-03 03:00 UTC.");
    expect(notice?.audience).toBe("approvers");
  });

  test("keeps that form with names that are long, foreign or malicious", async () => {
    const evil = "x\r\nBcc: everyone\u0000 https://evil.example/?go www.evil.example Ünïcødé ";
    const s = scene(
      {
        settings: { instance: evil.repeat(5), database: evil, contacts: [{ role: evil, name: evil }] },
        plan: { title: evil, migrations: [tinyMigration("002", evil)] },
      },
      "run-ä".repeat(15),
    );
    const { link } = await s.open({ kind: "rehearsal", escalation: true });
    const notice = s.ports.notices[0];
    expect(notice?.subject).toMatch(/^[\x20-\x7e]{20,99}$/);
    expect(notice?.text.match(/https?:\/\//g)).toHaveLength(1);
    expect(notice?.text).not.toMatch(/www\./);
    expect(notice?.text).not.toContain("\r");
    expect(notice?.text.split("\n").filter((line) => line.startsWith("Bcc"))).toEqual([]);
    expect(link).toMatch(/^https:\/\/gates\.example\/gates\/[\w%.~-]+\/rehearsal\/1\?key=[\w-]{43}$/);
    expect((await s.get(new URL(link).pathname, linkOf(s.ports).key)).status).toBe(200);
  });

  test("goes to the escalation contacts when nobody answered, with a link of their own", async () => {
    const s = scene();
    const first = await s.open();
    expect((await s.get(first.path, first.key)).body).not.toContain("Escalated");
    const second = await s.open({ escalation: true });
    expect(s.ports.notices.map((notice) => notice.audience)).toEqual(["approvers", "escalation"]);
    expect(s.ports.notices[1]?.text).toContain("Nobody decided this gate in time.");
    expect(second.key).not.toBe(first.key);
    expect((await s.get(second.path, second.key)).body).toContain("Escalated");
  });
});

describe("a Go takes effect", () => {
  test("if its basis is unchanged", async () => {
    const s = scene();
    await s.open({ kind: "rehearsal" });
    await go(s, "rehearsal", 1);
    expect(await confirm(s, "rehearsal")).toEqual({ decision: "Go" });
  });

  test("even if states, gates and failures wrote evidence while it was open", async () => {
    const s = scene();
    await s.open({ kind: "rehearsal" });
    await s.evidence.createOnce(docName("states/confirm"), { at: "x" });
    await s.evidence.createOnce(docName("failures/x"), { at: "x" });
    await go(s, "rehearsal", 1);
    expect(await confirm(s, "rehearsal")).toEqual({ decision: "Go" });
  });

  test("not if the catalog changed: the gate opens again and names the object", async () => {
    const s = scene();
    const first = await s.open({ kind: "rehearsal" });
    await go(s, "rehearsal", 1);
    s.catalog.objects = [
      ...s.catalog.objects,
      { kind: "index", name: "public.sneaked_in", definition: "on t" },
    ];
    expect(await confirm(s, "rehearsal")).toMatchObject({
      decision: "Ask",
      until: expect.any(String),
      seconds: expect.any(Number),
    });
    const again = await s.open({ kind: "rehearsal" });
    expect((await docOf(s, "rehearsal", 2)).changed.join(" ")).toContain("index public.sneaked_in added");
    expect((await s.get(again.path, again.key)).body).toContain("index public.sneaked_in added");
    expect(s.ports.notices[1]?.text).toContain("index public.sneaked_in added");
    const former = (await s.get(first.path, first.key)).body;
    expect(former).toContain("Go, by Grace");
    expect(former).toContain("This Go did not take effect");
    expect(former).toContain("The gate opens again, with a new link.");
    await go(s, "rehearsal", 2);
    expect(await confirm(s, "rehearsal")).toEqual({ decision: "Go" });
  });

  test("not if the evidence behind the page changed: the gate opens again and names the document", async () => {
    const s = scene();
    await s.open();
    await go(s, "readiness", 1);
    await s.evidence.createOnce(docName("benchmarks/staging"), { results: [] });
    expect(await confirm(s, "readiness")).toMatchObject({
      decision: "Ask",
      until: expect.any(String),
      seconds: expect.any(Number),
    });
    await s.open();
    expect((await docOf(s, "readiness", 2)).changed.join(" ")).toContain("benchmarks/staging is new");
  });

  test("not if a link with documents was added or changed; links of visits to the page do no harm", async () => {
    const s = scene();
    const leaves = (...names: string[]) =>
      linked(s.ports, async (noted) => {
        for (const name of names)
          await evidenceOf(noted.evidence, s.evidence.run).createOnce(docName(name), { name });
      });
    await leaves("checks/staging-006-1");
    await s.open({ kind: "rehearsal" });
    await leaves("gates/rehearsal-1/visited");
    await go(s, "rehearsal", 1);
    expect(await confirm(s, "rehearsal")).toEqual({ decision: "Go" });
    await leaves("checks/staging-006-2");
    expect(await confirm(s, "rehearsal")).toMatchObject({
      decision: "Ask",
      until: expect.any(String),
      seconds: expect.any(Number),
    });

    await s.open({ kind: "rehearsal" });
    await go(s, "rehearsal", 2);
    const first = [...s.ports.evidence.files.keys()].find((key) => key.endsWith(linkFile(1))) ?? "";
    s.ports.evidence.files.set(first, "{}");
    expect(await confirm(s, "rehearsal")).toMatchObject({
      decision: "Ask",
      until: expect.any(String),
      seconds: expect.any(Number),
    });
    await s.open({ kind: "rehearsal" });
    expect((await docOf(s, "rehearsal", 3)).changed.join(" ")).toContain("chain/... has changed");
  });

  test("not, and stays so, if the worker that saw the change died before it reported it", async () => {
    const s = scene();
    await s.open({ kind: "open" });
    await go(s, "open", 1);
    const before = s.catalog.objects;
    s.catalog.objects = [];
    await confirm(s, "open");
    s.catalog.objects = before;
    expect(await confirm(s, "open")).toMatchObject({
      decision: "Ask",
      until: expect.any(String),
      seconds: expect.any(Number),
    });
  });

  test("not after five changes: the sixth is a No-Go", async () => {
    const s = scene();
    const answers: string[] = [];
    for (let attempt = 1; attempt <= 6; attempt++) {
      await s.open({ kind: "open" });
      await go(s, "open", attempt);
      s.catalog.objects = [{ kind: "table", name: `public.t${attempt}`, definition: "" }];
      answers.push((await confirm(s, "open")).decision);
    }
    expect(answers).toEqual(["Ask", "Ask", "Ask", "Ask", "Ask", "NoGo"]);
  });

  test("not if the run received a Go that nobody gave on the page", async () => {
    const s = scene();
    await s.open();
    expect(await confirm(s, "readiness")).toEqual({ decision: "NoGo" });
    await s.open();
    await decide(s.ports, { run: RUN, gate: "readiness", attempt: 2, ...NO_GO, from: "x" });
    expect(await confirm(s, "readiness")).toEqual({ decision: "NoGo" });
  });

  test("not if it was given to an attempt that a newer one superseded", async () => {
    const s = scene();
    await s.open();
    await go(s, "readiness", 1);
    await s.open({ escalation: true });
    expect(await confirm(s, "readiness")).toEqual({ decision: "NoGo" });
  });

  test("while a No-Go always takes effect", async () => {
    const s = scene();
    expect(await confirm(s, "readiness", "NoGo")).toEqual({ decision: "NoGo" });
  });
});

describe("the task", () => {
  const fields = { run: RUN, execution: "arn:x", planChecksum: "a".repeat(64), state: "Gate: x" };

  test.each([undefined, null, "Go", {}, { decision: "Ask" }, { decision: "Go" }, 1])(
    "takes the forged answer %j for a No-Go",
    async (answer) => {
      const s = scene();
      const event = {
        ...fields,
        action: "confirm",
        gate: "readiness",
        kind: "readiness",
        minutes: MINUTES,
        answer,
      };
      expect(await invoke(gateTask, event, s.ports)).toEqual({ decision: "NoGo" });
    },
  );

  test("refuses a gate name that would lead out of its folder", async () => {
    const s = scene();
    const event = {
      ...fields,
      action: "open",
      kind: "after",
      token: TOKEN,
      escalation: false,
      until: UNTIL,
    };
    for (const version of ["../x", "a/b", "", "1/2", "x y"])
      await expect(invoke(gateTask, { ...event, version }, s.ports)).rejects.toMatchObject({
        name: "RequestInvalid",
      });
  });
});

describe("secrets", () => {
  test("the token is only in its own document, the key only in the link and the form", async () => {
    const s = scene();
    Object.assign(s.report, fullReport(RUN));
    const { path, key, link } = await s.open({ kind: "rehearsal" });
    const pages = [await s.get(path, key), await s.answerAs(path, key, { ...GO, by: "" })];
    for (const page of pages) {
      const withoutForm = page.body.replaceAll(`<input type="hidden" name="key" value="${key}">`, "");
      expect(withoutForm).not.toContain(key);
    }
    s.ports.callbacks.behaviour = "fails";
    pages.push(await s.answerAs(path, key, GO));
    s.ports.callbacks.behaviour = "answers";
    pages.push(await s.get(path, key), await s.answerAs(path, key, NO_GO));
    expect(pages.map((page) => page.status)).toEqual([200, 422, 202, 200, 409]);
    for (const page of pages.slice(2)) expect(page.body).not.toContain(key);
    s.catalog.objects = [];
    await confirm(s, "rehearsal");
    await s.open({ kind: "rehearsal" });

    const files = [...s.ports.evidence.files];
    expect(files.filter(([, body]) => body.includes(key))).toEqual([]);
    expect(files.filter(([, body]) => body.includes(TOKEN)).map(([name]) => name)).toEqual(
      ["runs/run-1/gates/rehearsal-1/token", "runs/run-1/gates/rehearsal-2/token"].map(
        (name) => `${name}.json`,
      ),
    );
    const said = [
      ...pages.map((page) => JSON.stringify(page)),
      ...s.ports.lines,
      JSON.stringify(s.ports.notices),
    ];
    for (const text of said) expect(text).not.toContain(TOKEN);
    expect(s.ports.notices[0]?.text.replace(link, "")).not.toContain(key);
  });

  test("an error on the page reveals its subject neither there nor in the log", async () => {
    const s = scene();
    const { path, key } = await s.open();
    const log = vi.spyOn(console, "error").mockImplementation(() => undefined);
    s.ports.evidence.list = () => Promise.reject(new Error(`${TOKEN} ${key}`));
    const answered = await s.get(path, key);
    expect(answered.status).toBe(500);
    expect(answered.headers["content-security-policy"]).toContain("default-src 'none'");
    const said = JSON.stringify([answered, log.mock.calls]);
    expect(said).not.toContain(TOKEN);
    expect(said).not.toContain(key);
    log.mockRestore();
  });

  test("two gates never have the same key", async () => {
    const s = scene();
    const keys = new Set<string>();
    for (let i = 0; i < 50; i++) keys.add((await s.open()).key);
    expect(keys.size).toBe(50);
    for (const key of keys) expect(Buffer.from(key, "base64url")).toHaveLength(32);
  });
});

test("a run's name with other characters keeps its own folder", async () => {
  const s = scene({}, "Fünf+1 (b)".replaceAll(" ", "_"));
  const { path, key } = await s.open();
  expect((await s.get(path, key)).status).toBe(200);
  expect(await evidenceOf(s.ports.evidence, "Fünf+1_(b)").list("gates/")).toContain(
    "gates/readiness-1/request",
  );
});
