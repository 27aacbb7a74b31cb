import { existsSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { makeHome } from "../../../local/copies/home.ts";
import { configurationText } from "../../../local/copies/server-settings.ts";
import { temporaryFolder } from "../../support/rehearsal.ts";

const before = process.env.TMPDIR;
let parent: string;
beforeEach(async () => {
  process.env.TMPDIR = await temporaryFolder();
  parent = join(process.env.TMPDIR, `sluice-copies-${process.getuid?.()}`);
});
afterEach(() => {
  if (before === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = before;
});

/** A folder of a run with that process. */
function runOf(pid: number, name = "run-other"): string {
  const folder = join(parent, name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, "owner"), JSON.stringify({ pid, host: hostname() }));
  return folder;
}

describe("a folder for copies", () => {
  test("is removed when its run ends, and folders of dead runs are removed first", async () => {
    const gone = runOf(2 ** 22 + 1);
    const alive = runOf(process.pid, "run-alive");
    const home = await makeHome(0);
    expect([gone, alive, home.folder].map(existsSync)).toEqual([false, true, true]);
    home.remove();
    expect(existsSync(home.folder)).toBe(false);
  });

  test("that another run is making is left alone, though not forever", async () => {
    const folder = join(parent, "run-new");
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    (await makeHome(0)).remove();
    expect(existsSync(folder)).toBe(true);
    utimesSync(folder, new Date(0), new Date(0));
    (await makeHome(0)).remove();
    expect(existsSync(folder)).toBe(false);
  });

  test("is refused if there is too little room, with the size that it needs", async () => {
    await expect(makeHome(2 ** 60)).rejects.toThrow(/takes about 1073741824\.0 GiB in .*set TMPDIR/);
  });

  test("is refused if others may write to its parent folder, or another user has put a link there", async () => {
    symlinkSync("/tmp", parent);
    await expect(makeHome(0)).rejects.toThrow(/must be a folder for this user alone/);
  });
});

test("settings are written so that no value ends its quotes", () => {
  expect(configurationText({ search_path: `a, 'b\\` })).toBe("search_path = 'a, ''b\\\\'\n");
});
