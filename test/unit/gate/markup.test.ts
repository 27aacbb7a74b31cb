import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { STYLE } from "../../../lambdas/gate-page/layout.ts";
import type { GateResponse } from "../../../lambdas/gate-page/request.ts";
import { docName, type GateDoc } from "../../../lambdas/shared/documents.ts";
import { emptyReport, fullReport } from "./reports.ts";
import { GO, NO_GO, RUN, type Scene, scene } from "./scene.ts";

const EVIL = `"'></textarea></title><script>alert(1)</script><img src=x onerror=alert(1)><form action=//evil>&amp;\u0000`;

/** A scene in which one gate needs two Goes. */
function withQuorum(): Scene {
  const { gates } = scene().ports.plan;
  return scene({ plan: { gates: { ...gates, keep: { ...gates.keep, approvals: 2 } } } });
}

/** Every kind of page, with the given text in every field. */
async function everyPage(s: Scene): Promise<GateResponse[]> {
  const { path, key } = await s.open({ kind: "rehearsal" });
  const pages = [
    await s.get(path, key),
    await s.get(path, "wrong"),
    await s.request({ method: "PUT", path }),
    await s.request({ method: "POST", path }),
    await s.answerAs(path, key, { ...GO, instance: EVIL.slice(0, 90).replaceAll("\u0000", ""), by: "<i>me" }),
    await s.answerAs(path, key, { ...NO_GO, comment: "x".repeat(20_000) }),
    await s.answerAs(path, key, { ...NO_GO, by: "<i>Grace", comment: EVIL.replaceAll("\u0000", "") }),
    await s.get(path, key),
    await s.answerAs(path, key, GO),
  ];
  const other = await s.open({ kind: "readiness" });
  s.ports.clock.pass(24 * 3_600_000);
  pages.push(await s.get(other.path, other.key));
  await s.open({ kind: "readiness" });
  pages.push(await s.get(other.path, other.key));
  const several = await s.open({ kind: "keep" });
  const first = { ...GO, by: "<i>Ada", comment: "<img src=x>" };
  const second = { ...NO_GO, by: "<i>Grace", comment: EVIL.replaceAll("\u0000", "") };
  pages.push(
    await s.answerAs(several.path, several.key, first),
    await s.answerAs(several.path, several.key, { ...first, by: "<I>ADA" }),
    await s.get(several.path, several.key),
    await s.answerAs(several.path, several.key, second),
  );
  expect(pages.map((page) => page.status)).toEqual([
    200, 404, 405, 415, 422, 413, 200, 200, 409, 410, 410, 202, 409, 200, 200,
  ]);
  return pages;
}

function hostile(): Scene {
  const s = scene({
    settings: { instance: EVIL, database: EVIL, contacts: [{ role: EVIL, name: EVIL }] },
    plan: {
      title: EVIL,
      gates: {
        ...scene().ports.plan.gates,
        rehearsal: { question: EVIL, checklist: [EVIL, EVIL], minutes: 60 },
        keep: { question: EVIL, checklist: [EVIL], minutes: 60, approvals: 2 },
      },
    },
  });
  Object.assign(
    s.report,
    fullReport(RUN, () => EVIL),
  );
  s.catalog.objects = [{ kind: EVIL, name: EVIL, definition: EVIL }];
  return s;
}

describe("text from a database, a plan or a person never becomes markup", () => {
  test("in any page, through any field", async () => {
    for (const { body } of await everyPage(hostile())) {
      expect(body).not.toMatch(/<script|<img|<i>|<form action/);
      expect(body).not.toContain("\u0000");
      expect(tagsOf(body)).toEqual(tagsOf(body).filter((tag) => ALLOWED.has(tag)));
    }
  });

  test("in the changes since a Go, in an escalation and after it", async () => {
    const s = scene();
    await s.open({ kind: "rehearsal" });
    const doc = await s.evidence.require(docName<GateDoc>("gates/rehearsal-1/request"));
    s.ports.evidence.files.set(
      `runs/${RUN}/gates/rehearsal-1/request.json`,
      JSON.stringify({ ...doc, changed: [EVIL], go: EVIL, noGo: EVIL, question: EVIL, escalation: true }),
    );
    const { path, key } = await linkOfNewest(s);
    for (const page of [await s.get(path, key), await s.answerAs(path, key, NO_GO)])
      expect(page.body).not.toMatch(/<script|<img/);
  });

  test("or a header", async () => {
    for (const { headers } of await everyPage(hostile()))
      for (const value of Object.values(headers)) expect(value).toMatch(/^[\x20-\x7e]+$/);
  });
});

async function linkOfNewest(s: Scene) {
  const url = new URL(/^https:\S+$/m.exec(s.ports.notices.at(-1)?.text ?? "")?.[0] ?? "");
  return { path: url.pathname, key: url.searchParams.get("key") ?? "" };
}

const ALLOWED = new Set(
  "html head meta title style body a header strong main section h1 h2 h3 h4 p dl dt dd time code div ul li details summary table caption thead tbody tr th td span br form input fieldset legend label textarea button footer".split(
    " ",
  ),
);

function tagsOf(body: string): string[] {
  return [...body.replace(/<style>.*?<\/style>/s, "").matchAll(/<([a-z][a-z0-9]*)/gi)].map(
    (match) => match[1] ?? "",
  );
}

describe("every page", () => {
  test("may load, run and embed nothing, is stored nowhere and sends its address nowhere", async () => {
    for (const { headers, body } of await everyPage(withQuorum())) {
      const policy = headers["content-security-policy"] ?? "";
      for (const rule of [
        "default-src 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
      ])
        expect(policy.split("; ")).toContain(rule);
      expect(policy).not.toContain("unsafe");
      expect(headers).toMatchObject({
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "content-type": "text/html; charset=utf-8",
      });
      expect(body).not.toMatch(/<(script|img|iframe|link|object|embed|base)\b/i);
      for (const [tag] of body.matchAll(/<[a-z][^>]*>/g)) {
        expect(tag.replace(/"[^"]*"/g, '""')).not.toMatch(/\s(?:on[a-z]+|style|src|srcset|formaction)=/i);
        expect(tag).not.toMatch(/\s(?:href|action)="(?!#[a-z0-9-]+"|\d+"|\d+\/report")/);
      }
      if (body === "") continue;
      const style = /<style>(.*?)<\/style>/s.exec(body)?.[1] ?? "";
      expect(policy).toContain(`'sha256-${createHash("sha256").update(style).digest("base64")}'`);
    }
  });

  test("has a language, a title of its own, one main heading, and a label for every field", async () => {
    const s = withQuorum();
    Object.assign(s.report, fullReport(RUN));
    for (const { body } of await everyPage(s)) {
      expect(body).toMatch(/<html lang="en">/);
      expect(body).toMatch(/<title>[^<]{10,}<\/title>/);
      expect(body.match(/<h1>/g)).toHaveLength(1);
      expect(body.match(/<main>/g)).toHaveLength(1);
      const ids = [...body.matchAll(/ id="([^"]+)"/g)].map((match) => match[1]);
      expect(new Set(ids).size).toBe(ids.length);
      for (const [tag] of body.matchAll(/<(?:input type="(?:text|checkbox)"|textarea)[^>]*>/g)) {
        const id = / id="([^"]+)"/.exec(tag)?.[1];
        expect(body).toContain(`<label ${tag.includes("checkbox") ? 'class="tick" ' : ""}for="${id}"`);
      }
      for (const [, id] of body.matchAll(/(?:href="#|aria-labelledby="|aria-describedby=")([^"]+)"/g))
        expect(ids).toContain(id);
    }
  });
});

describe("the colours, light and dark,", () => {
  const schemes = STYLE.split("@media (prefers-color-scheme: dark)").map(
    (part) => new Map([...part.matchAll(/--([a-z-]+): (#[0-9a-f]{6})/g)].map(([, name, hex]) => [name, hex])),
  );
  const luminance = (hex = "#000000") => {
    const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
      const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one: string | undefined, other: string | undefined) => {
    const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };

  test("keep every text readable: 4.5 to 1 at the least, and 3 to 1 for frames", () => {
    expect(schemes).toHaveLength(2);
    const texts = ["ink", "quiet", "go", "no", "warn", "focus"].flatMap((text) =>
      ["paper", "card", "go-soft", "no-soft", "warn-soft"].map((ground) => [text, ground, 4.5] as const),
    );
    const frames = [["quiet", "card", 3] as const, ["focus", "paper", 3] as const];
    const buttons = [["on-go", "go", 4.5] as const];
    for (const scheme of schemes)
      for (const [text, ground, least] of [...texts, ...frames, ...buttons])
        expect([text, ground, contrast(scheme.get(text), scheme.get(ground)) >= least]).toEqual([
          text,
          ground,
          true,
        ]);
  });
});

describe("the gate's page", () => {
  test("states the question, the database, the run, the plan, what follows, the time and what was measured", async () => {
    const s = scene({ settings: { separateApprover: true } });
    Object.assign(s.report, fullReport(RUN));
    const { path, key } = await s.open({ kind: "rehearsal" });
    const { body } = await s.get(path, key);
    expect(body).toContain("<title>Go to production? orders-prod</title>");
    for (const text of [
      "Agents to a knowledge graph",
      "run-1",
      "2026-11-03 03:00 UTC",
      "a final snapshot is taken, and migration 002 (add a table) is applied to production",
      "The staging copy is deleted and the run ends as Refused.",
      "the rehearsal&#39;s durations fit the window",
      "1 min 35 s",
      "predicted downtime",
      "2 of 3 checks passed",
      "23 tables, 2,104,332 rows",
      "42 s",
      "3 checks passed",
      "1 of 2 checks failed",
      "check 2: expected 10, seen 9",
      "gave way 2 times",
      "proven back",
      "function public.f() added",
      "212 ms",
      "Not Ada Lovelace, who started this run.",
      "Migration lead: Ada",
    ])
      expect(body.replace(/\s+/g, " ")).toContain(text);
  });

  test("of a run that has only begun states so", async () => {
    const s = scene();
    Object.assign(s.report, emptyReport(RUN));
    const { path, key } = await s.open();
    expect((await s.get(path, key)).body).toContain("predicted downtime");
  });
});
