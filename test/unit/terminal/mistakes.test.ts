import { lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { main } from "../../../bin/commands/main.ts";
import { ErrorName, SluiceError } from "../../../lambdas/shared/errors.ts";
import { fileEvidence } from "../../../local/file-evidence.ts";
import { succeeded } from "../../support/evidence-fixtures.ts";
import { FakeRun, started } from "./fake-run.ts";
import { FakeTerminal } from "./fake-terminal.ts";

const TINY = new URL("../../plans/tiny", import.meta.url).pathname;

async function sluice(args: readonly string[], run = new FakeRun(started)) {
  const terminal = new FakeTerminal();
  const code = await main(args, terminal, async () => run.start);
  return { code, out: terminal.out, err: terminal.err };
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "sluice-test-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function evidenceFolder(): Promise<string> {
  const { store, evidence } = await succeeded();
  const path = await folder();
  const kept = fileEvidence(path);
  for (const key of await store.list(`runs/${evidence.run}/`))
    await kept.create(key, (await store.read(key)) ?? "", "application/json");
  return path;
}

describe("a mistake outside Sluice is not called a bug of Sluice, and ends with 2", () => {
  const system = (code: string, syscall: string, path?: string) =>
    Object.assign(new Error(`${code}: ${syscall}`), { code, syscall, errno: -1, ...(path ? { path } : {}) });
  test.each<[string, Error, RegExp]>([
    ["a full disk", system("ENOSPC", "write"), /the disk is full/],
    ["a folder that is read-only", system("EROFS", "mkdir", "/out"), /^error: \/out: .*read-only/],
    ["a folder of somebody else", system("EACCES", "mkdir", "/out"), /owner and the mode/],
    ["--out on a file", system("EEXIST", "mkdir", "/out"), /something with that name exists already/],
    ["--out below a file", system("ENOTDIR", "mkdir", "/f/out"), /a file is where a folder must be/],
    ["a name that is too long", system("ENAMETOOLONG", "mkdir", "x".repeat(300)), /name is too long/],
    ["links in a circle", system("ELOOP", "open", "/a"), /form a circle/],
    ["too many open files", system("EMFILE", "open", "/a"), /ulimit -n/],
    ["a port that is taken", system("EADDRINUSE", "listen"), /another program uses that port/],
    ["an unlisted code", system("ESOMETHING", "open", "/a"), /ESOMETHING/],
    [
      "a right that the role lacks",
      Object.assign(new Error("permission denied"), { code: "42501" }),
      /permission denied \(42501\)\n.*have it granted/,
    ],
    [
      "a session that is read-only",
      Object.assign(new Error("cannot"), { code: "25006" }),
      /that is no standby/,
    ],
    [
      "an unlisted state of the server",
      Object.assign(new Error("odd"), { code: "22ZZZ" }),
      /The server reports: odd \(22ZZZ\)/,
    ],
    [
      "an input that a run refuses",
      new SluiceError(ErrorName.FleetFailed, "app is in use"),
      /^error: app is in use$/m,
    ],
  ])("%s", async (_, error, words) => {
    const run = new FakeRun(started);
    run.breakOff(error);
    const { code, err } = await sluice(["rehearse", "--plan", TINY, "--yes"], run);
    expect(err).toMatch(words);
    expect(err).not.toContain("bug");
    expect(code).toBe(2);
  });

  test.each([new TypeError("x is not a function"), new Error("The gate server has no port")])(
    "while a fault of its own is one: %s",
    async (error) => {
      const run = new FakeRun(started);
      run.breakOff(error);
      const { code, err } = await sluice(["rehearse", "--plan", TINY, "--yes"], run);
      expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining("This is a bug in Sluice") });
    },
  );
});

describe("a plan that cannot be read", () => {
  test.each<[string, (dir: string) => Promise<unknown>, RegExp]>([
    ["plan.yaml is a folder", (dir) => mkdir(join(dir, "plan.yaml")), /plan\.yaml: file: a folder/],
    ["plan.yaml is a link to itself", (dir) => symlink("plan.yaml", join(dir, "plan.yaml")), /form a circle/],
    [
      "its aliases multiply",
      (dir) => writeFile(join(dir, "plan.yaml"), multiplying()),
      /plan\.yaml: .*alias.*Write out/i,
    ],
  ])("%s", async (_, make, words) => {
    const dir = await folder();
    await make(dir);
    const { code, err } = await sluice(["check", dir]);
    expect(err).toMatch(words);
    expect(code).toBe(2);
  });

  test("is a file", async () => {
    const dir = await folder();
    await writeFile(join(dir, "plan.yaml"), "");
    const { code, err } = await sluice(["check", join(dir, "plan.yaml")]);
    expect({ code, err }).toEqual({
      code: 2,
      err: expect.stringContaining("plan.yaml is a file: give the folder"),
    });
  });

  test("has a name that is too long", async () => {
    const { code, err } = await sluice(["check", "x".repeat(5000)]);
    expect({ code, err }).toEqual({
      code: 2,
      err: expect.stringContaining("cannot be read (ENAMETOOLONG"),
    });
  });

  /** Enough for the library to refuse it, and only a few hundred values when written out. */
  function multiplying(): string {
    return [
      "a: &a [1, 1]",
      "b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a]",
      "c: [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]",
    ].join("\n");
  }
});

describe("evidence that is damaged is named, document by document", () => {
  test.each<[string, string, (text: string) => string]>([
    ["cut off in the middle", "preflight.json", (text) => text.slice(0, text.length / 2)],
    ["no JSON", "request.json", () => "oops"],
    ["empty", "plan.json", () => ""],
    ["of another shape", "request.json", () => "[]"],
    ["without a required part", "preflight.json", () => "{}"],
    ["without a required part", "plan.json", (text) => text.replace('"migrations"', '"migration"')],
    ["null", "request.json", () => "null"],
  ])("a document is %s: %s", async (_, name, damage) => {
    const dir = await evidenceFolder();
    await writeFile(join(dir, name), damage(await readFile(join(dir, name), "utf8")));
    const { code, err } = await sluice(["report", dir]);
    expect(err).toContain(join(dir, name));
    expect(err).toMatch(/is damaged/);
    expect(code).toBe(2);
  });

  test("a folder stands in the place of a document", async () => {
    const dir = await evidenceFolder();
    await rm(join(dir, "plan.json"));
    await mkdir(join(dir, "plan.json"));
    const { code, err } = await sluice(["report", dir]);
    expect({ code, err }).toEqual({
      code: 2,
      err: expect.stringContaining("a folder is where a file must be"),
    });
  });
});

describe("a report that is made again", () => {
  test("replaces the former one, follows no link, and leaves nothing beside", async () => {
    const dir = await evidenceFolder();
    const outside = join(await folder(), "precious");
    await writeFile(outside, "precious");
    for (const name of ["report.json", "report.html"]) {
      await rm(join(dir, name), { force: true });
      await symlink(outside, join(dir, name));
    }
    expect(await sluice(["report", dir])).toMatchObject({ code: 0, err: "" });
    expect(await readFile(outside, "utf8")).toBe("precious");
    expect((await lstat(join(dir, "report.json"))).isFile()).toBe(true);
    expect((await readdir(dir)).filter((name) => name.endsWith(".new"))).toEqual([]);
  });

  test("that cannot be put there leaves the former one whole", async () => {
    const dir = await evidenceFolder();
    await rm(join(dir, "report.html"), { force: true });
    await mkdir(join(dir, "report.html"));
    const { code, err } = await sluice(["report", dir]);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining("report.html") });
    expect((await readdir(dir)).filter((name) => name.endsWith(".new"))).toEqual([]);
  });
});
