import { describe, expect, test } from "vitest";
import { buildReport } from "../../../lambdas/report/build.ts";
import type { Report } from "../../../lambdas/report/schema.ts";
import { figuresIn, markdownOf, markdownOfMistakes } from "../../../local/markdown.ts";
import { rolledBackByCheck, succeeded } from "../../support/evidence-fixtures.ts";

const went = async () => buildReport((await succeeded()).evidence);

/** The first migration of a report, changed. */
function changed(report: Report, change: (migration: Report["migrations"][number]) => void): Report {
  const copy = structuredClone(report);
  const [first] = copy.migrations;
  if (!first) throw new Error("The report has no migrations");
  change(first);
  return copy;
}

/** The same, with its first migration as measured on staging. */
function measured(report: Report, seconds: number): Report {
  return changed(report, (one) => {
    one.wayBack = undefined;
    one.staging.passes = one.staging.passes.map((pass) => ({
      ...pass,
      seconds: pass.direction === "migrate" ? seconds : 5,
      steps: pass.steps.map((step, index) => ({
        ...step,
        rows: index === 0 ? 7 : null,
        sizeBytes: index === 0 ? 1024 * 1024 : null,
        locks: [1, 2].map((held) => ({
          relation: "public.t",
          mode: "AccessExclusiveLock",
          seconds: held,
        })),
      })),
    }));
  });
}

const rowOf = (report: Report, version: string) =>
  markdownOf(report)
    .split("\n")
    .find((line) => line.startsWith(`| \`${version}\``));

describe("the text for a pull request", () => {
  test("has a row for each migration, and what the gates ask", async () => {
    const report = await went();
    const text = markdownOf(report);
    for (const { version } of report.migrations)
      expect(text).toMatch(new RegExp(`^\\| \`${version}\` .*\\|$`, "m"));
    for (const { gate } of report.gates) expect(text).toContain(`- \`${gate}\``);
    expect(text).not.toContain("Since the last push");
  });

  test("shows each migration's time, its longest lock, what it changed, and whether it is proven back", async () => {
    const report = await went();
    const { version = "" } = report.migrations[0] ?? {};
    const now = measured(report, 3);
    expect(rowOf(now, version)).toMatch(
      / \| 3 s \| AccessExclusiveLock on `public\.t`, 2 s \| 7 \| 1 MiB \| rolled back in 5 s, proven back \|$/,
    );
    const other = structuredClone(now);
    for (const rollback of other.staging.rollbacks) rollback.equal = false;
    expect(rowOf(other, version)).toMatch(/\| rolled back in 5 s, \*\*not as before\*\* \|$/);
    other.staging.rollbacks = [];
    expect(rowOf(other, version)).toMatch(/\| rolled back in 5 s, not proven \|$/);
    const restored = changed(now, (one) => {
      one.wayBack = "restore";
    });
    expect(rowOf(restored, version)).toMatch(/\| the restore \|$/);
  });

  test("reports a changed time only if it doubled or halved, by more than a second", async () => {
    const report = await went();
    const since = (before: number, now: number) =>
      markdownOf(measured(report, now), figuresIn(markdownOf(measured(report, before)))).split(
        "Since the last push",
      )[1];
    expect(since(3, 7)).toContain("takes 7 s, not 3 s");
    expect(since(7, 3)).toContain("takes 3 s, not 7 s");
    for (const [before, now] of [
      [0.1, 1],
      [6, 7.5],
    ] as const)
      expect(since(before, now)).toContain("- nothing that is shown here");
  });

  test("shows marks that turn the direction of text, in prose and in code", async () => {
    const text = markdownOf(
      changed(await went(), (one) => {
        one.title = one.version = "\u202eabc";
      }),
    );
    expect(text).not.toContain("\u202e");
    expect(text).toContain("`<U+202E>abc` &#60;U&#43;202E&#62;abc");
  });

  test("shows deviations, with their place", async () => {
    const report = await buildReport((await rolledBackByCheck()).evidence);
    const text = markdownOf(report);
    expect(text).toContain("**What failed**");
    expect(text).toMatch(/- `\S+\.sql:\d+` /);
  });

  test("shows what changed since the earlier text, which hides its figures from readers", async () => {
    const report = await went();
    const before = markdownOf(report);
    expect(figuresIn(before)).toBeDefined();
    expect(markdownOf(report, figuresIn(before))).toContain("- nothing that is shown here");
    const now = changed(report, (one) => {
      one.version = "999";
      one.changes = { text: "drops everything", tables: [], sequences: [], evidence: [] };
    });
    const since = markdownOf(now, figuresIn(before)).split("Since the last push")[1];
    expect(since).toContain(`- \`${report.migrations[0]?.version}\` is gone`);
    expect(since).toContain("- `999` is new");
  });

  test("reports parts that did not run as not run, and nothing else about them", async () => {
    const report = await went();
    const stopped = changed(report, (one) => {
      one.changes = null;
      one.staging.passes = [];
    });
    const since = markdownOf(stopped, figuresIn(markdownOf(report))).split("Since the last push")[1];
    expect(since).toContain(`- \`${report.migrations[0]?.version}\` was not run\n`);
  });

  test("takes no figures from other texts, or from one that was tampered with", () => {
    for (const text of ["", "hello", "<!-- sluice-figures e30= -->", "<!-- sluice-figures !!! -->"])
      expect(figuresIn(text)).toBeUndefined();
  });

  test("renders names from outside as text: no markup, no mention, no link, no end of a table or comment", async () => {
    const hostile = "`x` | @octocat <img src=x> [a](https://evil.example) --> \n# www.evil.example";
    const text = markdownOf(
      changed(await went(), (one) => {
        one.title = hostile;
        for (const step of one.staging.passes.flatMap(({ steps }) => steps))
          step.locks = [{ relation: hostile, mode: "AccessExclusiveLock", seconds: 3 }];
      }),
    );
    // Outside code, where nothing is read as markup.
    const prose = text.replace(/(`+)[^`](?:.*?[^`])?\1(?!`)/g, "code");
    expect(prose).not.toMatch(/@octocat|<img|\]\(|https:\/\/evil|www\.evil|^# /m);
    const row = text.split("\n").find((line) => line.includes("octocat"));
    expect(row?.match(/(?<!\\)\|/g)).toHaveLength(7);
  });

  test("of a plan with mistakes is the mistakes", () => {
    expect(markdownOfMistakes("sql/orders", ["plan.yaml: titel: no such key"])).toContain(
      "- plan.yaml: titel: no such key",
    );
  });
});
