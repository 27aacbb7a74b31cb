import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { buildReport } from "../../lambdas/report/build.ts";
import { gatherFacts } from "../../lambdas/report/facts.ts";
import { renderReport } from "../../lambdas/report/page/page.ts";
import { summarizePlan } from "../../lambdas/report/plan-summary.ts";
import type { Report } from "../../lambdas/report/schema.ts";
import { outcomeOf } from "../../lambdas/report/verdict.ts";
import { Doc, type End } from "../../lambdas/shared/documents.ts";
import { compilePlan } from "../../lib/plan/compile.ts";
import { DASHBOARD } from "../support/dashboard.ts";
import { RunFixture, succeeded } from "../support/evidence-fixtures.ts";
import { changedPlan, type RunOptions, runPlan, temporaryFolder } from "../support/rehearsal.ts";
import { launch } from "./chromium.ts";
import { stage } from "./stage.ts";
import { PHONE, PICTURES, picture, visit } from "./visitor.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(async () => {
  // docs/report-ends.png is a copy of it.
  if (onPhones.length === CASES.length) await together(onPhones, { width: 300, height: 560 }, "readme-ends");
  await browser.close();
});

/** What a phone shows of each end's report first. */
const onPhones: string[] = [];

/** Shots side by side. */
async function together(
  shots: readonly string[],
  size: { width: number; height: number },
  name: string,
): Promise<void> {
  const gap = 12;
  const context = await browser.newContext({
    viewport: { width: (size.width + gap) * shots.length + gap, height: size.height + 2 * gap },
  });
  const page = await context.newPage();
  const images = shots.map((shot) => `<img src="data:image/png;base64,${shot}">`).join("");
  await page.setContent(`<style>body { margin: 0; padding: ${gap}px; display: flex; gap: ${gap}px; background: #8a939c }
    img { width: ${size.width}px; height: ${size.height}px }</style>${images}`);
  await picture(page, name);
  await context.close();
}

const width = (page: Page) => page.evaluate<number>("document.documentElement.scrollWidth");
const text = (page: Page) => page.locator("main").innerText();
const section = (page: Page, name: string) => page.getByRole("region", { name });

/** Opens the page from its file, as people do. Any other request, or a message in the console, fails the test. */
async function open(file: string, options: BrowserContextOptions = {}): Promise<Page> {
  const page = await visit(browser, "about:blank", options);
  const wrong: string[] = [];
  page.on("request", (request) => {
    if (request.url() !== pathToFileURL(file).href) wrong.push(request.url());
  });
  page.on("console", (message) => wrong.push(message.text()));
  page.on("pageerror", (error) => wrong.push(error.message));
  onTestFinished(() => expect(wrong).toEqual([]));
  await page.goto(pathToFileURL(file).href);
  return page;
}

/** A rollback that works on staging, where the application may connect, but not behind the fence. */
const BROKEN_ROLLBACK = (sql: string) =>
  `DO $$ BEGIN
  IF NOT has_database_privilege('notes_app', current_database(), 'CONNECT') THEN RAISE 'this rollback is broken'; END IF;
END $$;\n${sql}`;

interface Case {
  end: End;
  title: string;
  says: string[];
  run: () => Promise<RunOptions>;
}

const broken = async () => ({ plan: await changedPlan({ "003_labels/rollback.sql": BROKEN_ROLLBACK }) });

const CASES: Case[] = [
  {
    end: "Succeeded",
    title: "Succeeded (rehearsal)",
    says: [
      "002 and 003 are on the stand-in for production",
      "Nothing was left behind",
      "No data is lost",
      "Notes by author P95",
    ],
    run: async () => ({}),
  },
  {
    end: "RolledBack",
    title: "Rolled back (rehearsal)",
    says: ["the test wants it", "003 and 002 were rolled back", "start a new run", "Production, rolled back"],
    run: async () => ({ noGo: ["after-003"] }),
  },
  {
    end: "Refused",
    title: "Refused (rehearsal)",
    says: ["the test wants it", "Production was not touched", "start a new run", "Approved for production"],
    run: async () => ({ noGo: ["rehearsal"] }),
  },
  {
    end: "Restored",
    title: "Restored from the backup (rehearsal)",
    says: ["this rollback is broken", "was restored to", "Production, restored"],
    run: async () => ({ ...(await broken()), noGo: ["after-003"] }),
  },
  {
    end: "NeedsOperator",
    title: "The way back failed (rehearsal)",
    says: ["NOT proven back", "A real production would need an operator now"],
    run: async () => ({ ...(await broken()), noGo: ["after-003", "restore"] }),
  },
];

describe.each(CASES)("the report of a run that ended $end", ({ end, title, says, run }) => {
  test("states how it ended, why, what was done and what is left to do, on a desk, a phone and paper, by day and night", async () => {
    const ran = await runPlan(await run());
    expect(ran.end.end).toBe(end);
    const file = join(ran.end.evidence, "report.html");
    const page = await open(file);
    expect(await page.getByRole("heading", { level: 1 }).innerText()).toBe(title);
    const all = await text(page);
    for (const words of says) expect(all).toContain(words);
    for (const name of [/^Success criteria: \d+ of \d+ met$/, "Timeline", "Who decided"])
      expect(await page.getByRole("heading", { name }).count()).toBe(1);
    await picture(page, `report-${end}`);

    const night = await open(file, { colorScheme: "dark" });
    await picture(night, `report-${end}-dark`);
    const phone = await open(file, PHONE);
    expect(await width(phone)).toBeLessThanOrEqual(360);
    await picture(phone, `report-${end}-phone`);
    const small = await open(file, { ...PHONE, viewport: { width: 375, height: 700 }, deviceScaleFactor: 1 });
    onPhones.push((await small.screenshot()).toString("base64"));

    await page.emulateMedia({ media: "print" });
    expect(await page.locator("summary", { hasText: "Preflight" }).isVisible()).toBe(true);
    expect(await page.getByRole("table", { name: "Preflight" }).isVisible()).toBe(true);
    await page.pdf({ path: `${PICTURES}/report-${end}.pdf`, format: "A4" });
  });
});

/** The plan's success criteria, each as the report words it. */
const CRITERIA = [
  /^All 3 migrations are executed/,
  /^All checks pass on production/,
  /^No data is lost/,
  /^Isolation holds for the application's roles/,
  /^Vector search: p95 within 100 ms/,
  /^Graph traversal, 2 hops: p95 within 200 ms/,
  /^Row security overhead: p95 within 10 ms/,
  /^The application starts and connects/,
  /^Integration tests pass/,
  /^No rollback was required/,
];

/** A run of the bundled plan, with the durations of a larger database. */
async function bundled(measured = true): Promise<{ file: string; report: Report }> {
  const plan = summarizePlan(await compilePlan("sql/knowledge-graph"));
  const run = new RunFixture({ plan });
  await succeeded(run, measured);
  const outcome = outcomeOf(await gatherFacts(run.evidence), "Succeeded", run.after(5), undefined, {});
  await run.evidence.createOnce(Doc.outcome, outcome);
  const report = await buildReport(run.evidence);
  const folder = await temporaryFolder();
  await mkdir(folder, { recursive: true });
  const file = join(folder, "report.html");
  await writeFile(file, renderReport(report));
  return { file, report };
}

describe("the report of the bundled plan", () => {
  test("has every success criterion of the plan, met or not, with its reason", async () => {
    const page = await open((await bundled()).file);
    const items = await section(page, "Success criteria").getByRole("listitem").allInnerTexts();
    for (const criterion of CRITERIA) {
      const item = items.find((one) => criterion.test(one.replace(/^. (Met|Not met|Not known)\s*/, "")));
      expect(item, String(criterion)).toMatch(/^(✓ Met|✕ Not met|\? Not known)/);
    }
    expect(
      items.filter((item) => /checks\/|steps\/|proofs\/|benchmarks\/|hooks\/|outcome/.test(item)).length,
    ).toBeGreaterThan(8);
  });

  test("has every row of the plan's dashboard, with its target and its alert threshold", async () => {
    const page = await open((await bundled()).file);
    const rows = await page.getByRole("table", { name: "What is watched" }).getByRole("row").allInnerTexts();
    for (const [title, target, alert] of DASHBOARD) {
      const row = rows.find((one) => one.startsWith(title));
      expect(row).toContain(target);
      expect(row).toContain(alert);
    }
  });

  test("calls what was not measured not measured: neither the criterion nor the metric is met", async () => {
    const page = await open((await bundled(false)).file);
    const criterion = section(page, "Success criteria")
      .getByRole("listitem")
      .filter({ hasText: "Vector search" });
    expect(await criterion.innerText()).toMatch(/^\? Not known[\s\S]*Not measured on production/);
    const row = page
      .getByRole("table", { name: "What is watched" })
      .getByRole("row", { name: /^Vector Search P95/ });
    expect(await row.innerText()).toContain("Not measured");
  });

  test("has the timeline as a chart and, step by step, predicted against actual", async () => {
    const { file, report } = await bundled();
    const page = await open(file);
    const charts = section(page, "Timeline").getByRole("img");
    expect(await charts.count()).toBe(report.timeline.phases.length);
    expect(await charts.nth(5).getAttribute("aria-label")).toMatch(/took .*, expected .* by the rehearsal$/);
    await page.getByText("Step by step, predicted against actual").click();
    const rows = await page.getByRole("table", { name: "Timeline" }).getByRole("row").allInnerTexts();
    for (const what of [
      "Record production",
      "Final snapshot",
      "Apply 006",
      "Validate 008",
      "Prove the data",
      "build the vector index",
    ])
      expect(rows.find((row) => row.includes(what))).toMatch(/−\d+ %|0 %|\+\d+ %|ms/);
  });

  test("fills in the form that the plan leaves for staging", async () => {
    const page = await open((await bundled()).file);
    const rows = await page.getByRole("table", { name: "Staging results" }).getByRole("row").allInnerTexts();
    for (const [question, answer] of [
      ["Staging migration completed", /2026-11-03/],
      ["Issues encountered", /None/],
      ["Performance benchmarks", /p95 .* ms/],
      ["Rollback tested", /Success/],
      ["Approved for production", /Yes by Ada Lovelace/],
    ] as const)
      expect(rows.find((row) => row.startsWith(question))).toMatch(answer);
  });

  test("has what is due, by date, a click away", async () => {
    const { file, report } = await bundled();
    const page = await open(file);
    await page.getByText(/^By date:/).click();
    for (const { title, by } of report.reminders) {
      const day = section(page, "Left to do").locator("dl > div", { hasText: by?.slice(0, 10) ?? "never" });
      expect(await day.innerText()).toContain(title);
    }
  });

  test("is cut off nowhere on paper, where nothing scrolls", async () => {
    // A4 without its margins.
    const page = await open((await bundled()).file, { viewport: { width: 718, height: 1000 } });
    await page.emulateMedia({ media: "print" });
    const cut = await page.evaluate<string[]>(`[...document.querySelectorAll(".scroll, pre, .title")]
      .filter((part) => part.scrollWidth > part.clientWidth + 1)
      .map((part) => part.textContent.trim().slice(0, 80))`);
    expect(cut).toEqual([]);
    const sizes = await page.evaluate<number[]>(`[...document.querySelectorAll("p, li, td, .soft, .small")]
      .map((part) => parseFloat(getComputedStyle(part).fontSize))`);
    expect(Math.max(...sizes)).toBeLessThan(13);
  });

  test.each([1000, 760, 360])(
    "shows the name and the times of every phase whole, %i pixels wide",
    async (width) => {
      const page = await open((await bundled()).file, { viewport: { width, height: 900 } });
      const clipped = await page.evaluate<string[]>(`[...document.querySelectorAll(".phases span")]
      .filter((part) => part.scrollWidth > part.clientWidth + 1).map((part) => part.textContent)`);
      expect(clipped).toEqual([]);
    },
  );

  test("is read from the top: verdict, left to do, criteria and the beginning of the timeline on two screens", async () => {
    const page = await open((await bundled()).file, { viewport: { width: 1000, height: 900 } });
    const top = async (name: string) =>
      (await page.getByRole("heading", { name }).boundingBox())?.y ?? Number.NaN;
    expect(await top("Left to do")).toBeLessThan(450);
    expect(await top("Timeline")).toBeLessThan(1800);
  });
});

describe("a gate's page", () => {
  test("leads to the whole report so far, as it stands, which sends nobody anywhere", async () => {
    const made = await stage();
    const page = await visit(browser, made.link);
    const complaints: string[] = [];
    page.context().on("console", (message) => complaints.push(message.text()));
    const [report] = await Promise.all([
      page.context().waitForEvent("page"),
      page.getByRole("button", { name: "The whole report so far" }).click(),
    ]);
    await report.waitForLoadState();
    expect(await report.getByRole("heading", { level: 1 }).innerText()).toBe("Still running");
    // Its style is let through by the server's policy.
    expect(await report.evaluate("getComputedStyle(document.querySelector('main')).maxWidth")).not.toBe(
      "none",
    );
    expect(complaints).toEqual([]);
  });
});

test("it is shown in the README", async () => {
  const { file } = await bundled();
  const page = await open(file, { viewport: { width: 760, height: 1010 }, reducedMotion: "reduce" });
  const shots: string[] = [];
  for (const at of ["body", "#timeline", "#watch"]) {
    await page.evaluate(`document.querySelector("${at}").scrollIntoView()`);
    shots.push((await page.screenshot()).toString("base64"));
  }
  // docs/report.png is a copy of it.
  await together(shots, { width: 476, height: 632 }, "readme-report");
});
