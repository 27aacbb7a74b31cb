import { describe, expect, test } from "vitest";
import { fingerprintOf } from "../../../lambdas/proof/catalog.ts";
import { keepFingerprint } from "../../../lambdas/proof/stored-record.ts";
import { buildReport, reportOf } from "../../../lambdas/report/build.ts";
import { gatherFacts } from "../../../lambdas/report/facts.ts";
import { renderReport } from "../../../lambdas/report/page/page.ts";
import { reportSchema } from "../../../lambdas/report/schema.ts";
import { summaryLines } from "../../../lambdas/report/summary.ts";
import { outcomeOf } from "../../../lambdas/report/verdict.ts";
import { Doc, type End, type StepsDoc } from "../../../lambdas/shared/documents.ts";
import {
  migrated,
  PLAN,
  RunFixture,
  rehearsed,
  rolledBackByCheck,
  type Spoil,
  succeeded,
} from "../../support/evidence-fixtures.ts";
import { unclosedTags } from "../../support/well-formed.ts";

async function ended(fixture: RunFixture, end: End): Promise<RunFixture> {
  const outcome = outcomeOf(await gatherFacts(fixture.evidence), end, fixture.after(5), undefined, {});
  await fixture.evidence.createOnce(Doc.outcome, outcome);
  return fixture;
}

const page = async (fixture: RunFixture) => renderReport(await buildReport(fixture.evidence));

const HOSTILE = `"><script>alert('x')</script><img src=//evil.example/a onerror=x>&amp;\u0000`;

/** Puts the hostile text after every text that people or databases chose; names that the code uses stay. */
const spoil: Spoil = (document, name) =>
  JSON.parse(JSON.stringify(document), (key, value) => {
    const free = FREE_TEXT.has(key) || (key === "name" && /^(checks|steps|preflight)/.test(name));
    const file = key === "at" && /\.sql:\d+$/.test(value);
    return typeof value === "string" && (free || file) ? `${value}${HOSTILE}` : value;
  });

const FREE_TEXT = new Set([
  "state",
  "engineVersion",
  "title",
  "reason",
  "startedBy",
  "instance",
  "database",
  "question",
  "comment",
  "by",
  "expected",
  "seen",
  "mend",
  "message",
  "note",
  "table",
  "why",
  "snapshot",
  "aside",
  "as",
  "id",
]);

describe("the page", () => {
  const runs: [string, () => Promise<RunFixture>][] = [
    [
      "that was just admitted",
      async () => {
        const run = new RunFixture();
        await run.admit();
        return run;
      },
    ],
    ["at the gate before production", () => rehearsed()],
    ["in the middle of production", () => migrated(undefined, "007")],
    ["that succeeded", async () => ended(await succeeded(), "Succeeded")],
    ["that was rolled back", async () => ended(await rolledBackByCheck(), "RolledBack")],
  ];

  test.each(runs)("of a run %s is well formed, loads nothing and runs nothing", async (_name, play) => {
    const text = await page(await play());
    expect(unclosedTags(text)).toEqual([]);
    expect(text).not.toMatch(/<(script|link|img|iframe|object|embed|form|base)\b/i);
    expect(text).not.toMatch(/\s(src|href|srcset|action|on\w+)=/i);
    expect(text).not.toMatch(/url\(|@import/i);
    expect(text).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
  });

  test("shows hostile names as text, wherever they appear", async () => {
    const run = new RunFixture({}, spoil);
    await succeeded(run);
    const text = await page(await ended(run, "Succeeded"));
    expect(text).not.toContain("<script");
    expect(text).not.toContain("<img");
    expect(text).toContain("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;");
    expect(text).not.toContain("\u0000");
    expect(unclosedTags(text)).toEqual([]);
  });

  test("has no two elements of the same id, and labels every chart", async () => {
    const text = await page(await ended(await succeeded(), "Succeeded"));
    const ids = [...text.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [svg] of text.matchAll(/<svg[^>]*>/g))
      expect(svg).toMatch(/aria-label="[^"]+"|aria-hidden="true"/);
  });

  test("describes an ended run as ended, and counts no fence as downtime of a part that is not back", async () => {
    const refused = await page(await ended(await rehearsed(), "Refused"));
    expect(refused).toContain("</strong>: none;");
    expect(refused).not.toContain("so far");
    const open = await page(await ended(await rolledBackByCheck(), "NeedsOperator"));
    expect(open).toContain("<dt>Behind the fence</dt>");
    expect(open).not.toContain("<dt>Downtime</dt>");
  });

  test("starts with the verdict, then what is left to do, then the criteria", async () => {
    const text = await page(await ended(await rolledBackByCheck(), "RolledBack"));
    const order = ["<h1>Rolled back</h1>", "RLS enabled", "Left to do", "Success criteria", "Timeline"];
    const places = order.map((part) => text.indexOf(part));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places).not.toContain(-1);
  });
});

describe("the report", () => {
  test("made twice is the same, also after the run has notified people", async () => {
    const run = await ended(await succeeded(), "Succeeded");
    const first = await buildReport(run.evidence);
    run.after(10);
    await run.state("Tell everyone");
    expect(await buildReport(run.evidence)).toEqual(first);
  });

  test("holds the reason of a run outside the maintenance window, and omits it for other runs", async () => {
    const window = { begins: "2026-11-08T00:00:00.000Z", ends: "2026-11-08T06:00:00.000Z" };
    const reason = "the release cannot wait for Sunday";
    const outside = await rehearsed(new RunFixture({ request: { window: { ...window, override: reason } } }));
    const report = await buildReport(outside.evidence);
    expect(reportSchema.parse(report).request?.outsideWindow).toBe(reason);
    expect(renderReport(report)).toContain(reason);
    const inside = await rehearsed(new RunFixture({ request: { window: { ...window, override: null } } }));
    expect((await buildReport(inside.evidence)).request).not.toHaveProperty("outsideWindow");
  });

  test("shows no number of rows for a step that dropped what it counted", async () => {
    const dropped: Spoil = (document, name) =>
      name.startsWith("steps/")
        ? {
            ...document,
            steps: (document as unknown as StepsDoc).steps.map((step) => ({ ...step, rows: -13 })),
          }
        : document;
    const report = await buildReport((await rehearsed(new RunFixture({}, dropped))).evidence);
    const steps = report.migrations.flatMap(({ staging }) => staging.passes.flatMap(({ steps }) => steps));
    expect(new Set(steps.map(({ rows }) => rows))).toEqual(new Set([null]));
    expect(reportSchema.parse(report)).toEqual(report);
  });

  test("of a running run shows its place, what comes, and the predicted time", async () => {
    const run = await rehearsed();
    await run.gate("rehearsal");
    await run.evidence.createOnce(Doc.stateEntered("fence-production"), {
      state: "Fence production",
      at: run.now(),
    });
    const report = await buildReport(run.evidence);
    expect(reportSchema.parse(report)).toEqual(report);
    expect(report).toMatchObject({ end: "running", cause: null, now: { state: "Fence production" } });
    const at = report.timeline.phases.findIndex(({ id }) => id === "fence");
    expect(report.timeline.phases[at]).toMatchObject({ endedAt: null, predictedBy: "rehearsal" });
    expect(report.timeline.phases.slice(at + 1).every(({ startedAt }) => startedAt === null)).toBe(true);
    expect(report.downtime.predictedSeconds).toBeGreaterThan(0);
  });

  test("predicts by the plan before the rehearsal, and by the rehearsal after it", async () => {
    const run = new RunFixture();
    await run.admit();
    const before = await buildReport(run.evidence);
    expect(before.downtime.predictedSeconds).toBe((45 + 60 + 30 + 30) * 60);
    await run.preflight();
    await run.gate("readiness");
    await run.rehearse();
    const after = await buildReport(run.evidence);
    expect(after.downtime.parts.every(({ by }) => by === "rehearsal")).toBe(true);
  });

  test("has phases without gaps from the start to the end", async () => {
    const run = await ended(await rolledBackByCheck(), "RolledBack");
    const { timeline } = await buildReport(run.evidence);
    expect(timeline.phases[0]?.startedAt).toBe(timeline.startedAt);
    expect(timeline.phases.at(-1)?.endedAt).toBe(timeline.endedAt);
    for (const [i, phase] of timeline.phases.slice(1).entries())
      expect(phase.startedAt).toBe(timeline.phases[i]?.endedAt);
    expect(timeline.phases.map(({ id }) => id)).toEqual([
      "admit",
      "gate-readiness",
      "rehearse",
      "gate-rehearsal",
      "fence",
      "migrate-006",
      "gate-after-006",
      "migrate-007",
      "rollback",
      "close",
    ]);
  });

  test("names exactly the benchmarks and migrations of its plan", async () => {
    const plan = {
      ...PLAN,
      title: "Tiny",
      migrations: [{ version: "2", folder: "2_one", title: "One", expectedMinutes: 1 }],
      benchmarks: [],
      application: { stop: false, start: false, test: false, smoke: 0 },
    };
    const run = await ended(await succeeded(new RunFixture({ plan })), "Succeeded");
    const report = await buildReport(run.evidence);
    expect(report.migrations.map(({ version }) => version)).toEqual(["2"]);
    expect(report.criteria.map(({ id }) => id)).toEqual([
      "migrations",
      "checks",
      "data",
      "isolation",
      "application",
      "integration",
      "rollback",
    ]);
    expect(report.criteria.find(({ id }) => id === "integration")?.status).toBe("not known");
  });

  test("does not read the catalogs, which are large, nor the tokens", async () => {
    const run = await rehearsed();
    await keepFingerprint(run.evidence, "before", fingerprintOf([]));
    const read: string[] = [];
    await gatherFacts({
      ...run.evidence,
      read: (name) => {
        read.push(name);
        return run.evidence.read(name);
      },
    });
    expect(read.filter((name) => /fingerprint|catalogs|token/.test(name))).toEqual([]);
  });

  test("is made of facts alone: without the clock, and with only the evidence's plan", async () => {
    const run = await rehearsed();
    const facts = await gatherFacts(run.evidence);
    expect(reportOf(facts)).toEqual(reportOf(structuredClone(facts)));
  });
});

describe("the summary", () => {
  test("is plain lines, and leaves out parts without content", async () => {
    const run = new RunFixture();
    await run.admit();
    const titles = summaryLines(await buildReport(run.evidence)).map(({ title }) => title);
    expect(titles).toEqual(["Run", "Time"]);
  });

  test("shows what was rehearsed, with durations, before the gate for production", async () => {
    const run = await rehearsed();
    const summary = summaryLines(await buildReport(run.evidence));
    const rehearsal = summary.find(({ title }) => title === "Rehearsal on staging");
    expect(rehearsal?.lines).toContain("Rollback tested: success, proven back each time");
    expect(rehearsal?.lines.some((line) => /^006 Knowledge graph: applied in 25 s/.test(line))).toBe(true);
  });
});
