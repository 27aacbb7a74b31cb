import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { keptInCache } from "../../../local/cache.ts";
import { temporaryFolder } from "../../support/rehearsal.ts";

let home: string;
beforeEach(async () => {
  home = await temporaryFolder();
  vi.stubEnv("XDG_CACHE_HOME", home);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const asks = async (name: string, content: string) =>
  await (await keptInCache(name, async () => new Blob([content]))).text();

test("a value kept under a name is made once", async () => {
  expect(await asks("one", "first")).toBe("first");
  expect(await asks("one", "second")).toBe("first");
  expect(await asks("another", "second")).toBe("second");
});

test("no half-written file is left in the folder", async () => {
  await asks("one", "first");
  expect(await readdir(join(home, "sluice"))).toEqual(["one"]);
});

test("if nothing can be kept, the value is made each time", async () => {
  await writeFile(join(home, "sluice"), "a file in the folder's place");
  expect(await asks("one", "first")).toBe("first");
  expect(await asks("one", "second")).toBe("second");
});
