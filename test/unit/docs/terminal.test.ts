import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { terminalPicture } from "../../../docs/make/terminal-picture.ts";
import { compilePlan } from "../../../lib/plan/compile.ts";
import { phasesShown } from "../../../local/definition.ts";
import { synthesize } from "../../../local/synthesize.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;

describe("the picture of the terminal", () => {
  test("shows every phase of a run and only states that a run has: npm run docs:terminal makes it again", async () => {
    const picture = readFileSync(join(ROOT, "docs/terminal.svg"), "utf8");
    const shown = [...picture.matchAll(/<tspan fill="[^"]+">(?!: done)([^<]+)<\/tspan><tspan[^>]*>: done/g)];
    const plan = await compilePlan(join(ROOT, "sql/knowledge-graph"));
    const definition = await synthesize(plan, { rehearse: "before" });
    const phases = phasesShown(definition, plan);
    const states = phases.flatMap(({ phase, states }) => states.map((state) => `${phase} &gt; ${state}`));
    const texts = shown.map(([, text = ""]) => text);
    for (const text of texts.filter((text) => text.includes("&gt;"))) expect(states).toContain(text);
    for (const phase of ["Admit", "Rehearse", "Fence and back up", "Migrate", "Prove", "Open", "Close"])
      expect(texts).toContain(phase);
    expect(picture).toContain("✔ Succeeded");
  });

  test("escapes text, wraps long lines and cuts a very long one", () => {
    const picture = terminalPicture(
      `Admit: done, 1 s\n\n✔ Succeeded\n  a < b & c\n  ${"word ".repeat(200)}\n`,
    );
    expect(picture).toContain("a &lt; b &amp; c");
    expect(picture.match(/word/g)?.length).toBeLessThan(60);
    expect(picture).toContain(">  ...<");
  });

  test("fails on an output without an end", () => {
    expect(() => terminalPicture("Admit: done, 1 s\n")).toThrow("shows no end");
  });
});
