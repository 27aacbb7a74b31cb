import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { main } from "../../../bin/commands/main.ts";
import type { End } from "../../../lambdas/shared/documents.ts";
import { temporaryFolder } from "../../support/rehearsal.ts";
import { ended, FakeRun, started } from "./fake-run.ts";
import { FakeTerminal } from "./fake-terminal.ts";

const TINY = ["--plan", "test/plans/tiny"];
const ON_GITHUB = ["--annotations", "github"];

async function sluice(args: readonly string[], end: End = "Succeeded") {
  const terminal = new FakeTerminal();
  const run = new FakeRun(started, ended(end));
  const code = await main(args, terminal, async () => run.start);
  return { code, out: terminal.out, err: terminal.err, run };
}

const rehearse = (args: readonly string[], end?: End) => sluice(["rehearse", "--yes", ...args], end);

async function planOf(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await temporaryFolder();
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}

describe("--markdown", () => {
  test("writes how the run ended, and with --since the same file shows what has changed", async () => {
    const file = join(await temporaryFolder(), "rehearsal.md");
    await rehearse([...TINY, "--markdown", file, "--since", file], "Refused");
    const first = await readFile(file, "utf8");
    expect(first).toContain("### Sluice: ");
    expect(first).not.toContain("Since the last push");
    await rehearse([...TINY, "--markdown", file, "--since", file]);
    expect(await readFile(file, "utf8")).toContain("- it ended Refused, and now ends Succeeded");
  });

  test("of a plan with mistakes writes these, and nothing runs", async () => {
    const plan = await planOf({ "plan.yaml": "titel: Wrong\n" });
    const file = join(await temporaryFolder(), "rehearsal.md");
    const { code, run } = await rehearse(["--plan", plan, "--markdown", file]);
    expect(code).toBe(2);
    expect(run.options).toBeUndefined();
    expect(await readFile(file, "utf8")).toContain("titel");
  });

  test("into a path that cannot be written is refused before anything runs", async () => {
    const { code, err, run } = await rehearse([...TINY, "--markdown", "/no/such/folder/rehearsal.md"]);
    expect(code).toBe(2);
    expect(err).toContain("--markdown /no/such/folder/rehearsal.md cannot be written");
    expect(run.options).toBeUndefined();
  });
});

describe("--annotations", () => {
  test("show the cause of a run's end, beside a report that has standard output to itself", async () => {
    const { out, err } = await rehearse([...TINY, ...ON_GITHUB, "--json"], "Refused");
    expect(err).toContain("::error file=test/plans/tiny/plan.yaml,title=Sluice%3A Refused::");
    expect(JSON.parse(out)).toMatchObject({ end: "Refused" });
  });

  test.each([["rehearse", "--yes", "--plan"], ["check"]])(
    "of %s show a plan's mistakes",
    async (...command) => {
      const { code, err } = await sluice([
        ...command,
        await planOf({ "plan.yaml": "titel: Wrong\n" }),
        ...ON_GITHUB,
      ]);
      expect(code).toBe(2);
      expect(err).toMatch(/^::error file=.*plan\.yaml.*titel/m);
    },
  );

  test.each([["rehearse", "--yes", "--plan"], ["check"]])(
    "of %s show a linter's findings",
    async (...command) => {
      const plan = await planOf({
        "plan.yaml": "title: Narrow\n",
        "001_narrow/migrate.sql": "ALTER TABLE orders ALTER COLUMN name TYPE varchar(9);\n",
        "001_narrow/rollback.sql": "ALTER TABLE orders ALTER COLUMN name TYPE text;\n",
      });
      const { code, err } = await sluice([...command, plan, ...ON_GITHUB]);
      expect(code).toBe(0);
      expect(err).toMatch(
        /^::warning file=.*001_narrow\/migrate\.sql,line=1,title=squawk%3A changing-column-type::/m,
      );
    },
  );
});

test("--quiet shows the end in one line: of a success on standard output, otherwise on standard error", async () => {
  expect(await rehearse([...TINY, "--quiet"])).toMatchObject({ out: "Succeeded: this is why.\n", err: "" });
  const refused = await rehearse([...TINY, "--quiet"], "Refused");
  expect(refused).toMatchObject({ code: 12, out: "", err: "Refused: this is why.\n" });
});

test("--verbose shows all of a success, which is ten lines without it", async () => {
  const lines = async (...flags: string[]) => (await rehearse([...TINY, ...flags])).out.split("\n");
  expect(await lines("--verbose")).toContain("Left behind  nothing");
  expect(await lines()).not.toContain("Left behind  nothing");
});
