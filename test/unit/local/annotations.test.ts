import { expect, test, vi } from "vitest";
import { buildReport } from "../../../lambdas/report/build.ts";
import { PlanError } from "../../../lib/plan/plan-error.ts";
import { githubCommands, ofMistakes, ofReport } from "../../../local/annotations.ts";
import { rolledBackByCheck, succeeded } from "../../support/evidence-fixtures.ts";

const commands = (folder: string, ...args: [file: string, where: string, reason: string]) =>
  githubCommands(folder, ofMistakes([new PlanError(...args)]));

test("a mistake is shown at its file and line, from the root of the repository", () => {
  vi.stubEnv("GITHUB_WORKSPACE", process.cwd());
  expect(commands("sql/orders", "012_x/migrate.sql", "line 7", "no such mark")).toEqual([
    "::error file=sql/orders/012_x/migrate.sql,line=7,title=Sluice%3A mistake in the plan::line 7: no such mark",
  ]);
  expect(commands("sql/orders", "plan.yaml", "title", "is missing (line 3)")[0]).toContain(
    "plan.yaml,line=3,",
  );
  expect(commands("sql/orders", "plan.yaml", "title", "is missing")[0]).toContain("plan.yaml,title=");
  vi.unstubAllEnvs();
});

test("no text from a plan ends a command, or begins another", () => {
  const [command = "", ...others] = commands("a,b:c", "x.sql", "line 1", "100 %\n::error::more\r\n");
  expect(others).toEqual([]);
  expect(command).not.toMatch(/[\r\n]/);
  expect(command).toContain("a%2Cb%3Ac/x.sql");
  expect(command).toContain("100 %25%0A::error::more%0D%0A");
});

test("a failed check is shown at its place in the plan, once", async () => {
  const found = ofReport(await buildReport((await rolledBackByCheck()).evidence));
  expect(found.some(({ file, line }) => file.endsWith("validate.sql") && line !== undefined)).toBe(true);
  expect(new Set(found.map((one) => JSON.stringify(one))).size).toBe(found.length);
});

test("a successful rehearsal has none", async () => {
  const report = await buildReport((await succeeded()).evidence);
  expect(ofReport({ ...report, end: "Succeeded" })).toEqual([]);
});

test("another end without a place to show is shown at the plan", async () => {
  const report = await buildReport((await succeeded()).evidence);
  expect(ofReport({ ...report, end: "Refused", cause: "Refused: somebody said No-Go" })).toEqual([
    {
      level: "error",
      file: "plan.yaml",
      title: "Sluice: Refused",
      message: "Refused: somebody said No-Go",
    },
  ]);
});
