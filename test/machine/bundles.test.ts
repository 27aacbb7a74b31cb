import { readdirSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { GATE_PAGE_NAME } from "../../lib/functions/specs.ts";
import { MACHINE_CAPABILITIES } from "../../lib/machine/capabilities.ts";
import { makeApp } from "../support/stack.ts";

// The tests' own folder: where a bundle's import of the AWS SDK is found, as it is in Lambda's.
const OUT = join(import.meta.dirname, "../../node_modules/.cache/sluice-bundles");
const MOST_BYTES = 500_000;
const names = [...MACHINE_CAPABILITIES, GATE_PAGE_NAME];
const folder = (name: string) => join(OUT, "bundles", name);

beforeAll(async () => {
  await makeApp({ bundle: true, outdir: OUT });
});

test.each(names)("%s: its bundle is small, loads by itself, and has the plan beside it", (name) => {
  expect(readdirSync(folder(name)).sort()).toEqual(["index.js", "plan.json"]);
  expect(statSync(join(folder(name), "index.js")).size).toBeLessThan(MOST_BYTES);
  const loaded = createRequire(import.meta.url)(join(folder(name), "index.js")) as { handler: unknown };
  expect(loaded.handler).toBeTypeOf("function");
});

test("the plan that is shipped is the compiled one", () => {
  const plan = JSON.parse(readFileSync(join(folder("migrate"), "plan.json"), "utf8"));
  expect(plan).toMatchObject({ name: "tiny", checksum: expect.stringMatching(/^[0-9a-f]{64}$/) });
});
