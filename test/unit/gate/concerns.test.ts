import { describe, expect, test } from "vitest";
import { concernsNote } from "../../../lambdas/gate-page/concerns.ts";
import { emptyReport, fullReport } from "./reports.ts";

const said = (report: ReturnType<typeof emptyReport>) => (concernsNote(report) || { markup: "" }).markup;
const lines = (report: ReturnType<typeof emptyReport>) =>
  [...said(report).matchAll(/<li>(.*?)<\/li>/g)].map(([, text]) => text);

describe("points to look at first", () => {
  test("are everything that did not pass, was not proven, or is unknown", () => {
    expect(lines(fullReport("run-1"))).toEqual(
      expect.arrayContaining([
        "free disk: not known",
        "002 on production: 1 of 2 checks failed",
        "003 rolled back on staging: not equal",
      ]),
    );
  });

  test("include a missed limit, with the measured value and a possible cause", () => {
    const report = fullReport("run-1");
    const slow = { p50Ms: 150, p95Ms: 212, runs: 30, passed: false, note: null };
    const none = { p50Ms: null, p95Ms: null, runs: 0, passed: null, note: "no data" };
    report.benchmarks = [
      { ...report.benchmarks[0], title: "Search", sloMs: 200, staging: slow, production: none },
    ] as never;
    expect(lines(report)).toEqual(
      expect.arrayContaining([
        "Search on staging: p95 212 ms, limit 200 ms",
        "Search on production: not measured, limit 200 ms",
      ]),
    );
  });

  test("are none if all passed, which the page states; if nothing was checked, the page states nothing", () => {
    const report = emptyReport("run-1");
    expect(said(report)).toBe("");
    report.preflight = { at: report.asOf, checks: [] };
    expect(said(report)).toContain("All checks passed");
  });
});
