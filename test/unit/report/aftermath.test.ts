import { describe, expect, test } from "vitest";
import { buildReport } from "../../../lambdas/report/build.ts";
import { gatherFacts } from "../../../lambdas/report/facts.ts";
import { remindersByDate } from "../../../lambdas/report/left-to-do.ts";
import { renderReport } from "../../../lambdas/report/page/page.ts";
import { type Report, reportSchema } from "../../../lambdas/report/schema.ts";
import { summaryLines } from "../../../lambdas/report/summary.ts";
import { finalNotices } from "../../../lambdas/report/task.ts";
import { outcomeOf } from "../../../lambdas/report/verdict.ts";
import { Doc, type End } from "../../../lambdas/shared/documents.ts";
import { migrated, PLAN, RunFixture, rolledBackByCheck, succeeded } from "../../support/evidence-fixtures.ts";

async function end(run: RunFixture, name: End = "Succeeded"): Promise<void> {
  const outcome = outcomeOf(await gatherFacts(run.evidence), name, run.after(5), undefined, {});
  await run.evidence.createOnce(Doc.outcome, outcome);
}

async function ended(run: RunFixture, name: End = "Succeeded"): Promise<Report> {
  await end(run, name);
  const report = await buildReport(run.evidence);
  expect(reportSchema.parse(report)).toEqual(report);
  return report;
}

/** As `succeeded`, with another reading and other backups. */
async function with_(reading: number | null, backups = true): Promise<RunFixture> {
  const run = await migrated();
  await run.prove();
  await run.gate("open");
  await run.open();
  await run.afterOpening();
  await run.aftercare(backups);
  await run.reading(reading);
  return run;
}

const LINK = { url: "https://gates.example/reports/run?key=k", expiresAt: "2026-12-03T02:00:00.000Z" };

describe("after a success the report", () => {
  test("has every metric that the plan watches, with target, alert and status", async () => {
    const report = await ended(await succeeded());
    expect(
      report.watch?.metrics.map(({ title, target, alert, standing, first }) => [
        title,
        target,
        alert,
        standing,
        first,
      ]),
    ).toEqual([
      ["Vector Search P95", "<100 ms", ">150 ms", "target", "12.5 ms"],
      ["Connection Pool Utilization", "<80 %", ">90 %", "target", "0.04 %"],
      ["Disk Space Free", ">20 GiB", "<10 GiB", "target", "40 GiB"],
    ]);
    const page = renderReport(report);
    for (const { title } of report.watch?.metrics ?? []) expect(page).toContain(title);
  });

  test("shows a metric that could not be read as not measured, never as within its target", async () => {
    const report = await ended(await with_(null));
    expect(report.watch?.metrics[0]).toMatchObject({
      first: "not measured",
      standing: "unknown",
      note: "no data yet",
    });
    const row = /<tr><th scope="row">Vector Search P95<\/th>.*?<\/tr>/s.exec(renderReport(report))?.[0] ?? "";
    expect(row).toContain("Not measured");
    expect(row).not.toContain("Within");
  });

  test("has staging's reading beside it, in the page and in the summary", async () => {
    const report = await ended(await with_(null));
    expect(report.watch?.metrics.map(({ staging }) => staging)).toEqual(["4.2 ms", "0.04 %", null]);
    const lines = summaryLines(report).find(({ title }) => title === "Watch")?.lines ?? [];
    expect(lines[0]).toBe("Vector Search P95: not measured (no data yet; on staging 4.2 ms), target <100 ms");
  });

  test("leaves an alert of the watch to do, with the number, the threshold and where to read on", async () => {
    const { leftToDo } = await ended(await with_(212));
    expect(leftToDo.join("\n")).toMatch(/Vector Search P95 was 212 ms, alert at >150 ms \(docs\/watch\.md/);
  });

  test("leaves it to do that automated backups are off", async () => {
    expect((await ended(await with_(12, false))).leftToDo.join("\n")).toContain(
      "Turn the instance's automated backups on",
    );
    expect((await ended(await with_(12, true))).leftToDo.join("\n")).not.toContain("automated backups");
  });

  test("made again later shows what the watch found since, and which checks fail now", async () => {
    const run = await with_(12);
    await end(run);
    const first = await buildReport(run.evidence);
    run.after(3_600);
    const worst = [{ name: "vector-p95", value: 180, standing: "alert" as const, at: run.now(), alerts: 3 }];
    await run.reading(20, { readings: 13, worst });
    const failed = { name: "row security", at: "x", as: null, passed: false, expected: "on", seen: "off" };
    await run.evidence.createOnce(Doc.verifiedAgain, {
      at: run.now(),
      endedAt: run.after(2),
      migrations: ["007"],
      results: [failed],
      counters: { committed: 0, rolledBack: 0, queries: {} },
    });
    const later = await buildReport(run.evidence);
    expect(later.asOf).toBe(first.asOf);
    expect(later.watch).toMatchObject({ readings: 13 });
    expect(later.watch?.metrics[0]).toMatchObject({ first: "12 ms", worst: { value: "180 ms", alerts: 3 } });
    expect(later.leftToDo.join("\n")).toContain("row security (expected on, seen off)");
    const page = renderReport(later);
    expect(page).toContain("Worst of 13 readings");
    expect(page).toContain("At the opening");
    expect(page).not.toMatch(/>Now</);
  });

  test("reads only the first and the newest of hundreds of readings", async () => {
    const run = await with_(12);
    for (let i = 0; i < 20; i++) await run.reading(20);
    const read: string[] = [];
    await gatherFacts({
      ...run.evidence,
      read: (name) => {
        read.push(name);
        return run.evidence.read(name);
      },
    });
    expect(read.filter((name) => name.startsWith("watch/"))).toHaveLength(2);
  });

  test("lists what is due first before the rest, whatever the plan's order", async () => {
    const reminders = [30, 1, 7].map((days) => ({ title: `after ${days} days`, days }));
    const report = await ended(await succeeded(new RunFixture({ plan: { ...PLAN, reminders } })));
    expect(remindersByDate(report).map(({ titles }) => titles)).toEqual([
      ["after 1 days"],
      ["after 7 days"],
      ["after 30 days"],
    ]);
  });

  test("lists by date what the plan leaves to people, and so does the final message", async () => {
    const report = await ended(await succeeded());
    const day = (days: number) =>
      new Date(Date.parse(report.asOf) + days * 86_400_000).toISOString().slice(0, 10);
    expect(report.reminders.map(({ by }) => by?.slice(0, 10))).toEqual([day(1), day(1), day(7)]);
    const page = renderReport(report);
    const [notice] = finalNotices(report, LINK);
    for (const { title, by } of report.reminders) {
      expect(page).toContain(title.replace("'", "&#39;"));
      expect(notice?.text).toContain(`By ${by?.slice(0, 10)}: ${title}`);
    }
  });
});

describe("a run that did not succeed", () => {
  test("has no reminders and no watch", async () => {
    const report = await ended(await rolledBackByCheck(), "RolledBack");
    expect(report.reminders.every(({ by }) => by === null)).toBe(true);
    expect(report.watch).toMatchObject({ readings: 0, at: null, schedule: null });
    const page = renderReport(report);
    expect(page).not.toContain("By date");
    expect(page).not.toContain("After the opening");
    expect(finalNotices(report, LINK)[0]?.text).not.toContain("By date");
  });
});

describe("the final message", () => {
  test("has the link to the report alone on a line, and its expiry", async () => {
    const [notice] = finalNotices(await ended(await succeeded()), LINK);
    expect(notice?.text.split("\n")).toContain(LINK.url);
    expect(notice?.text).toContain("works until 2026-12-03 02:00:00 UTC");
  });
});
