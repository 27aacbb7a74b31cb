import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { main } from "../../../bin/commands/main.ts";
import { SettingsError } from "../../../lib/settings.ts";
import { UsageError } from "../../../local/events.ts";
import { fileEvidence } from "../../../local/file-evidence.ts";
import { succeeded } from "../../support/evidence-fixtures.ts";
import { EVIDENCE, ended, FakeRun, started } from "./fake-run.ts";
import { FakeTerminal } from "./fake-terminal.ts";

const TINY = new URL("../../plans/tiny", import.meta.url).pathname;

interface Called {
  code: number;
  out: string;
  err: string;
  run: FakeRun;
}

async function sluice(
  args: readonly string[],
  run = new FakeRun(started, ended()),
  open: (path: string) => Promise<void> = async () => undefined,
): Promise<Called> {
  const terminal = new FakeTerminal();
  const code = await main(args, terminal, async () => run.start, open);
  return { code, out: terminal.out, err: terminal.err, run };
}

async function folder(files: Readonly<Record<string, string>> = {}): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "sluice-test-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text);
  return path;
}

/** The evidence of a run that succeeded, as files. */
async function evidenceFolder(files: Readonly<Record<string, string>> = {}): Promise<string> {
  const { store, evidence } = await succeeded();
  const path = await folder(files);
  const kept = fileEvidence(path);
  for (const key of await store.list(`runs/${evidence.run}/`))
    await kept.create(key, (await store.read(key)) ?? "", "application/json");
  return path;
}

describe("the options of a run", () => {
  test("are by default the bundled plan on embedded databases, rehearsed first and fenced", async () => {
    const { run, code } = await sluice(["rehearse", "--yes"]);
    expect(code).toBe(0);
    expect(run.options).toEqual({
      plan: "sql/knowledge-graph",
      rehearse: "before",
      fence: "connect",
      apply: false,
      startedBy: expect.any(String),
    });
  });

  test("are what the flags state", async () => {
    const url = "postgresql://me@localhost/app";
    const { run } = await sluice(
      ["rehearse", "--plan", TINY, "--out", "x", "--database-url", url, "--apply"].concat([
        "--rehearse",
        "inside",
        "--fence",
        "none",
      ]),
    );
    expect(run.options).toMatchObject({
      plan: TINY,
      out: "x",
      databaseUrl: url,
      apply: true,
      rehearse: "inside",
      fence: "none",
    });
  });
});

describe("--open", () => {
  const opened = async (args: readonly string[], fails?: string) => {
    const paths: string[] = [];
    const called = await sluice(args, undefined, async (path) => {
      if (fails !== undefined) throw new Error(fails);
      paths.push(path);
    });
    return { ...called, paths };
  };

  test("opens the report of the run at its end, and only if it is given", async () => {
    const { paths, code } = await opened(["rehearse", "--yes", "--open"]);
    expect(code).toBe(0);
    expect(paths).toEqual([join(EVIDENCE, "report.html")]);
    expect((await opened(["rehearse", "--yes"])).paths).toEqual([]);
  });

  test("opens a report that is made again", async () => {
    const dir = await evidenceFolder();
    const { paths } = await opened(["report", dir, "--open"]);
    expect(paths).toEqual([join(dir, "report.html")]);
  });

  test("if nothing can open it, prints so and changes nothing about the end", async () => {
    const { code, err, out } = await opened(["rehearse", "--yes", "--open"], "no browser");
    expect(code).toBe(0);
    expect(err).toMatch(/^Nothing here opens .*report\.html: no browser$/m);
    expect(out).toContain("report.html");
  });
});

test("a drill names the states that are to fail, each with its own flag", async () => {
  const { run } = await sluice([
    "rehearse",
    "--yes",
    "--fail",
    "Apply 003 to production",
    "--fail",
    "Begin rollback",
  ]);
  expect(run.options?.fail).toEqual(["Apply 003 to production", "Begin rollback"]);
});

describe("a mistake in the command's arguments ends with 2 and shows the correct form", () => {
  const rehearse = (...flags: string[]) => ["rehearse", "--plan", TINY, ...flags];
  const url = ["--database-url", "postgresql://me:secret@localhost/app"];
  test.each<[string, string[], string]>([
    ["an unknown command", ["reherse"], "Did you mean rehearse?"],
    ["no command", [], "Usage: sluice"],
    ["an unknown flag", ["rehearse", "--pln", "x"], "Did you mean --plan?"],
    ["a flag without its value", ["rehearse", "--plan"], "argument missing"],
    ["an argument too many", ["rehearse", "x"], "too many arguments"],
    ["a missing folder", ["rehearse", "--plan", "/nowhere"], "There is no folder /nowhere"],
    [
      "an unknown time for the rehearsal",
      rehearse("--rehearse", "after"),
      "Allowed choices are before, inside",
    ],
    [
      "a drill on a real database",
      rehearse(...url, "--apply", "--fail", "Preflight"),
      "--fail does not go with --apply",
    ],
    ["an unknown fence", rehearse("--fence", "wall"), "Allowed choices are connect, none"],
    ["--apply without a database", rehearse("--apply"), "--apply needs --database-url"],
    ["--apply with --yes", rehearse(...url, "--apply", "--yes"), "--yes does not go with --apply"],
    [
      "--apply with --no-go",
      rehearse(...url, "--apply", "--no-go", "open"),
      "--no-go does not go with --apply",
    ],
    ["a watch without a database", ["watch", "--once"], "--database-url <url>' not specified"],
    [
      "a watch of an invalid database",
      ["watch", "--once", "--database-url", "x"],
      "must look like postgresql://",
    ],
    ["a proof without a database", ["prove", "."], "--database-url <url>' not specified"],
    ["a proof from no evidence", ["prove", TINY, ...url], "has no evidence of a run"],
    ["a watch that never reads", ["watch", ...url, "--every", "0"], "--every 0: give minutes"],
    [
      "a gate that the plan does not have",
      rehearse("--no-go", "after-007"),
      "Its gates: readiness, rehearsal, after-002, after-003, open, keep, restore.",
    ],
    ["one unknown gate among others", rehearse("--no-go", "open", "--no-go", "opne"), "--no-go opne"],
    ["a URL of another database", rehearse("--database-url", "mysql://h/d"), "must look like postgresql://"],
    ["a URL without a database", rehearse("--database-url", "postgres://h"), "must look like postgresql://"],
    ["no evidence folder", ["report"], "missing required argument 'dir'"],
    ["a missing evidence folder", ["report", "/nowhere"], "There is no folder /nowhere"],
  ])("%s", async (_, args, message) => {
    const { code, err, out, run } = await sluice(args);
    expect(err).toContain(message);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(run.options).toBeUndefined();
  });

  test("a refused URL is not repeated, as a password may be in it", async () => {
    const { err } = await sluice(rehearse("--database-url", "mysql://me:secret@h/d"));
    expect(err).not.toContain("secret");
  });

  test("a mistake that the run itself finds in the call", async () => {
    const run = new FakeRun(started);
    run.breakOff(new UsageError("There is no database app on that server."));
    const { code, err } = await sluice(rehearse("--yes"), run);
    expect({ code, err }).toEqual({ code: 2, err: "error: There is no database app on that server.\n" });
  });
});

test("a mistake in the settings is reported as one, and is no bug", async () => {
  const run = new FakeRun(started);
  run.breakOff(new SettingsError(["approvers: there must be one"]));
  const { code, err } = await sluice(["rehearse", "--plan", TINY, "--yes"], run);
  expect(code).toBe(2);
  expect(err).toMatch(/^error: One mistake in the settings .*\n- approvers: there must be one\n$/);
});

test("a database that refuses every login is a mistake in the call, and no bug", async () => {
  const run = new FakeRun(started);
  run.breakOff(Object.assign(new Error('password authentication failed for user "me"'), { code: "28P01" }));
  const { code, err } = await sluice(["rehearse", "--plan", TINY, "--yes"], run);
  expect(code).toBe(2);
  expect(err).toContain("cannot be reached: password authentication failed");
});

describe("exit codes", () => {
  test.each([
    ["Succeeded", 0],
    ["RolledBack", 10],
    ["Restored", 11],
    ["Refused", 12],
    ["NeedsOperator", 13],
  ] as const)("%s is %i", async (end, expected) => {
    const { code } = await sluice(["rehearse", "--plan", TINY, "--yes"], new FakeRun(started, ended(end)));
    expect(code).toBe(expected);
  });

  test("a bug is 1, and is called one", async () => {
    const run = new FakeRun(started);
    run.breakOff(new TypeError("x is not a function"));
    const { code, err } = await sluice(["rehearse", "--plan", TINY, "--yes"], run);
    expect(code).toBe(1);
    expect(err).toContain("This is a bug in Sluice: TypeError: x is not a function");
  });
});

describe("help", () => {
  test.each([
    [
      ["--help"],
      [
        "rehearse",
        "check",
        "report",
        "prove",
        "watch",
        "--version",
        "Examples:",
        "Exit codes:",
        "NeedsOperator",
      ],
    ],
    [
      ["rehearse", "--help"],
      [
        "--plan <dir>",
        "--yes",
        "--no-go <gate>",
        "--open",
        "--json",
        "--out <dir>",
        "--database-url <url>",
        "--apply",
      ].concat([
        "--rehearse <when>",
        "--fence <how>",
        "Examples:",
        "Exit codes:",
        "10 ",
        "11 ",
        "12 ",
        "13 ",
        "130 ",
      ]),
    ],
    [
      ["check", "--help"],
      ["[dir]", "Examples:", "Exit codes:"],
    ],
    [
      ["report", "--help"],
      ["<dir>", "--open", "Examples:", "Exit codes:"],
    ],
    [
      ["prove", "--help"],
      ["<dir>", "--database-url <url>", "Examples:", "Exit codes:", "3 "],
    ],
    [
      ["watch", "--help"],
      [
        "--database-url <url>",
        "--plan <dir>",
        "--once",
        "--every <minutes>",
        "--json",
        "Examples:",
        "Exit codes:",
        "3 ",
      ],
    ],
    [
      ["pull-request", "--help"],
      ["GitHub Actions", "Exit codes:", "10 ", "11 ", "12 ", "13 "],
    ],
  ])("of %j is complete", async (args, texts) => {
    const { code, out, err } = await sluice(args);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    for (const text of texts) expect(out).toContain(text);
  });
});

describe("sluice check", () => {
  test("shows what a good plan holds", async () => {
    const { code, out } = await sluice(["check", TINY]);
    expect(code).toBe(0);
    for (const text of [
      "Notes with labels",
      "002",
      "003",
      "1 min planned",
      "Notes by author P95",
      "alert at >5000 ms",
      "readiness",
      "after-003",
      "restore",
    ])
      expect(out).toContain(text);
    expect(out).toMatch(/\d+ steps?, \d+ checks?, \d+ steps? back/);
  });

  test("names file, key and reason of a mistake in the plan, and ends with 2", async () => {
    const plan = await folder({ "plan.yaml": "title: Broken\nmigration: []\n" });
    const { code, out, err } = await sluice(["check", plan]);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(/^error: plan\.yaml: /);
  });

  test("a plan without its file is a mistake in the plan", async () => {
    const { code, err } = await sluice(["check", await folder()]);
    expect(code).toBe(2);
    expect(err).toContain("plan.yaml: file: missing");
  });
});

describe("sluice report", () => {
  test("makes both files again from the evidence, wherever that is, and prints where they are", async () => {
    const path = await evidenceFolder({ "report.json": "old" });
    const { code, out } = await sluice(["report", path]);
    expect(code).toBe(0);
    expect(out.trim().split("\n")).toEqual([join(path, "report.json"), join(path, "report.html")]);
    expect(JSON.parse(await readFile(join(path, "report.json"), "utf8"))).toMatchObject({
      version: 1,
      end: "running",
    });
    expect(await readFile(join(path, "report.html"), "utf8")).toContain("<html");
  });

  test("a folder without evidence is a mistake in the call", async () => {
    const { code, err } = await sluice(["report", await folder()]);
    expect(code).toBe(2);
    expect(err).toContain("has no evidence of a run");
  });
});
