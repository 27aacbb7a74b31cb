import { describe, expect, test } from "vitest";
import type { Threshold } from "../../../lambdas/shared/plan.ts";
import { quantity, satisfies, standingOf, thresholdText } from "../../../lambdas/watch/thresholds.ts";

const is = (operator: Threshold["operator"], value: number): Threshold => ({ operator, value });

describe("a threshold", () => {
  test.each<[Threshold["operator"], boolean[]]>([
    ["<", [true, false, false]],
    ["<=", [true, true, false]],
    [">", [false, false, true]],
    [">=", [false, true, true]],
    ["=", [false, true, false]],
  ])("of %s 10 is satisfied as it reads by 9, 10 and 11", (operator, expected) => {
    expect([9, 10, 11].map((value) => satisfies(is(operator, 10), value))).toEqual(expected);
  });

  test("is written as in a table", () => {
    expect(thresholdText(is("<", 100), "ms")).toBe("<100 ms");
    expect(thresholdText(is("=", 0), "")).toBe("0");
    expect(thresholdText(is(">=", 0.1), "%")).toBe(">=0.1 %");
  });
});

describe("a reading", () => {
  const metric = { target: is("<", 100), alert: is(">", 150) };

  test("is within its target, short of it, beyond its alert threshold, or nowhere", () => {
    expect([99, 100, 150, 151, null].map((value) => standingOf(metric, value))).toEqual([
      "target",
      "between",
      "between",
      "alert",
      "unknown",
    ]);
  });

  test("is an alert if target and alert overlap", () => {
    expect(standingOf({ target: is(">", 0), alert: is(">", 5) }, 6)).toBe("alert");
  });

  test("has only significant digits", () => {
    expect([0.123456, 12.3456, 123.456, 0].map((value) => quantity(value, "ms"))).toEqual([
      "0.12 ms",
      "12.3 ms",
      "123 ms",
      "0 ms",
    ]);
  });
});
