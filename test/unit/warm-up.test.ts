import { describe, expect, test } from "vitest";
import { isWarm, warmUp } from "../../lambdas/benchmark/measure.ts";

/** Runs that take the listed times, one after the other; the last one repeats. */
function runs(...ms: number[]): { run: () => Promise<number>; count: () => number } {
  let n = 0;
  return { run: async () => ms[Math.min(n++, ms.length - 1)] ?? 0, count: () => n };
}

describe("a warm-up", () => {
  test("continues while a lazily loading volume still gets faster, and ends when three runs are alike", async () => {
    const { run } = runs(30_000, 4_000, 600, 50, 12, 11, 12);
    expect(await warmUp(run)).toEqual([30_000, 4_000, 600, 50, 12, 11, 12]);
  });

  test("takes three runs if the volume is warm already", async () => {
    expect(await warmUp(runs(5).run)).toHaveLength(3);
  });

  test("ends after twenty runs if the times never settle", async () => {
    let wild = 1;
    expect(await warmUp(async () => (wild = wild === 1 ? 9 : 1))).toHaveLength(20);
  });

  test("ends after a minute if the runs are slow: that is enough to measure slowness", async () => {
    expect(await warmUp(runs(40_000, 25_000, 900).run)).toEqual([40_000, 25_000]);
  });

  test("does not end because of one lucky run among slow ones", () => {
    expect(isWarm([900, 10, 30])).toBe(false);
    expect(isWarm([900, 10, 12, 15])).toBe(true);
  });
});
