import { describe, expect, test } from "vitest";
import { sizesOf, whyNoSize } from "../../../lambdas/rollout/input.ts";
import { nextWave } from "../../../lambdas/rollout/next.ts";

describe("the sizes of waves", () => {
  test.each([
    [[1, "10 %", "rest"], 200, [1, 20, 179]],
    [[1, "10 %", "rest"], 5, [1, 1, 3]],
    [["0.5 %", "rest"], 1000, [5, 995]],
    [[1, "100 %"], 3, [1, 2]],
    [[5, 5, "rest"], 3, [3]],
    [[1, 1], 3, [1, 1]],
  ])(
    "%j of %i are %j: a share is of all, rounded up, and none is larger than the rest",
    (waves, all, sizes) => {
      expect(sizesOf(waves, all)).toEqual(sizes);
    },
  );

  test.each([0, -1, 1.5, "", "10", "0 %", "101 %", "all", "%"])("%j is no size", (size) => {
    expect(whyNoSize(size)).toContain(String(size));
  });
});

describe("the next wave", () => {
  const waves = [1, 2, "rest"];

  test("takes as many as its size, in the list's order", () => {
    expect(nextWave(waves, 6, -1, [], [0, 1, 2, 3, 4, 5])).toEqual({ step: 0, indexes: [0] });
    expect(nextWave(waves, 6, 0, [], [1, 2, 3, 4, 5])).toEqual({ step: 1, indexes: [1, 2] });
    expect(nextWave(waves, 6, 1, [], [3, 4, 5])).toEqual({ step: 2, indexes: [3, 4, 5] });
  });

  test("is what the previous wave left out, and the size of the following one stays for later", () => {
    expect(nextWave(waves, 6, 1, [2], [2, 3, 4, 5])).toEqual({ step: 1, indexes: [2] });
  });

  test("after the last takes all the rest, as in a rollout that is started again", () => {
    expect(nextWave([1, 2], 6, 1, [], [0, 4])).toEqual({ step: 1, indexes: [0, 4] });
  });
});
