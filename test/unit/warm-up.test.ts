import { describe, expect, test } from "vitest";
import { isWarm, warmUp } from "../../lambdas/benchmark/measure.ts";

/** Runs that take what the list says, one after the other, and the last of it for ever. */
function runs(...ms: number[]): { run: () => Promise<number>; count: () => number } {
  let n = 0;
  return { run: async () => ms[Math.min(n++, ms.length - 1)] ?? 0, count: () => n };
}

describe("a warm-up", () => {
  test("goes on while a volume that loads lazily still gets faster, and ends when three runs are alike", async () => {
    const { run } = runs(30_000, 4_000, 600, 50, 12, 11, 12);
    expect(await warmUp(run)).toEqual([30_000, 4_000, 600, 50, 12, 11, 12]);
  });

  test("takes three runs of what is warm already", async () => {
    expect(await warmUp(runs(5).run)).toHaveLength(3);
  });

  test("is over after twenty runs of what never settles", async () => {
    let wild = 1;
    expect(await warmUp(async () => (wild = wild === 1 ? 9 : 1))).toHaveLength(20);
  });

  test("is over after a minute of what is slow: that it is slow is known by then", async () => {
    expect(await warmUp(runs(40_000, 25_000, 900).run)).toEqual([40_000, 25_000]);
  });

  test("is not taken for done by a lucky run among slow ones", () => {
    expect(isWarm([900, 10, 30])).toBe(false);
    expect(isWarm([900, 10, 12, 15])).toBe(true);
  });
});
