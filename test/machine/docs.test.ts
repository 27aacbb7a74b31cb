import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { rounds } from "../../docs/make/cost.ts";
import { definitionText } from "../../docs/make/definition-text.ts";
import { madeFiles } from "../../docs/make/made.ts";
import { compilePlan } from "../../lib/plan/compile.ts";
import { definitionOf, type Template } from "../../local/definition.ts";
import { templateOf } from "../../local/synthesize.ts";

let made: Promise<Template> | undefined;
const template = () => {
  made ??= compilePlan("test/plans/tiny").then((plan) => templateOf(plan, { rehearse: "before" }));
  return made;
};

test("pictures and figures in the documents are those of the synthesized template: npm run docs makes them", async () => {
  for (const [path, text] of await madeFiles()) expect(readFileSync(path, "utf8")).toBe(text);
});

test.each(["run", "clean-up"] as const)(
  "a reviewer can read what a change does to the machine of the %s",
  async (name) => {
    const text = definitionText(definitionOf(await template(), name));
    await expect(text).toMatchFileSnapshot(`definitions/${name}.txt`);
  },
);

describe("the cost of a run", () => {
  test("counts rounds of waiting as the machine waits: every 5 s at first, and each minute in the end", () => {
    expect(rounds(0)).toBe(0);
    expect(rounds(5 / 60)).toBe(1);
    expect(rounds(120) - rounds(119)).toBe(1);
  });
});
