import { describe, expect, test } from "vitest";
import type { GivenPlan } from "../../../lib/plan/folder.ts";
import { askedAfter } from "../../../lib/plan/gates-after.ts";
import { planFile } from "../../../lib/plan/schema.ts";

type Ask = "each" | "marked" | "none";

/** A plan of so many migrations, from 001, some of them marked. */
function planOf(count: number, ask?: Ask, marked: number[] = []): GivenPlan {
  const migrations = Array.from({ length: count }, (_, i) => ({
    folder: `00${i + 1}_x`,
    ...(marked.includes(i + 1) ? { gate: true } : {}),
  }));
  const file = planFile.parse({ migrations, gates: { after: { ask } } });
  return { ...file, migrations: file.migrations ?? [] };
}

const asked = (plan: GivenPlan) => [...askedAfter(plan)].map((folder) => Number(folder.slice(0, 3)));

describe("gates open", () => {
  test.each<[string, GivenPlan, number[]]>([
    ["after each of up to five migrations, unless the plan states otherwise", planOf(5), [1, 2, 3, 4, 5]],
    ["after each of five, marks or not", planOf(5, undefined, [2]), [1, 2, 3, 4, 5]],
    ["after none of six, unless the plan marks one", planOf(6), []],
    ["after the marked ones of six", planOf(6, undefined, [2, 6]), [2, 6]],
    ["after each of six if the plan states so", planOf(6, "each"), [1, 2, 3, 4, 5, 6]],
    ["after the marked one of three if the plan states so", planOf(3, "marked", [2]), [2]],
    ["after none of three if the plan states so", planOf(3, "none"), []],
  ])("%s", (_, plan, after) => {
    expect(asked(plan)).toEqual(after);
  });
});
