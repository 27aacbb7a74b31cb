import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { SECTIONS } from "../../../lambdas/watch/readings.ts";

test("every section that an alarm names is in docs/watch.md", () => {
  const text = readFileSync(new URL("../../../docs/watch.md", import.meta.url), "utf8");
  const titles = [...text.matchAll(/^## (.+)$/gm)].map(([, title]) => title);
  for (const section of Object.values(SECTIONS)) expect(titles).toContain(section);
});
