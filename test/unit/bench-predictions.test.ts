import { expect, test } from "vitest";
import { predictionResult } from "../../bench/predictions.ts";

const runs = (predicted: number, ...took: number[]) =>
  took.map((one) => [{ what: "it", predicted, took: one }]);

test("a prediction is rated by the median of the runs, whatever a single run shows", () => {
  expect(predictionResult("here", runs(10, 11, 40, 12)).reached).toBe(true);
  expect(predictionResult("here", runs(10, 14, 13.5, 11)).reached).toBe(false);
});

test("a part under one second gets no line, and proves nothing", () => {
  const result = predictionResult("here", runs(0.1, 0.9));
  expect(result).toMatchObject({ reached: undefined, ours: "none is that long" });
});
