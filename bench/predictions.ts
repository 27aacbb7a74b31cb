import type { Report } from "../lambdas/report/schema.ts";
import { median } from "./stats.ts";
import type { Result } from "./types.ts";

const WORTH_SECONDS = 1;
const GOAL_PERCENT = 30;

/** A predicted and an actual duration, in seconds. */
export interface Predicted {
  what: string;
  predicted: number;
  took: number;
}

/** Returns every phase, part and step of production that the rehearsal predicted. */
export function predictedIn({ timeline, migrations }: Report): Predicted[] {
  const phases = timeline.phases.flatMap(({ title, predictedBy, predictedSeconds, seconds, parts }) => [
    ...(predictedBy === "rehearsal" ? one(title, predictedSeconds, seconds) : []),
    ...parts.flatMap((part) => one(`${title} > ${part.what}`, part.predictedSeconds, part.seconds)),
  ]);
  const steps = migrations.flatMap(({ version, production }) =>
    production.passes.flatMap((pass) =>
      pass.steps.flatMap((step) => one(`${version} > ${step.name}`, step.predictedSeconds, step.seconds)),
    ),
  );
  return [...phases, ...steps];
}

function one(what: string, predicted: number | null, took: number | null): Predicted[] {
  return predicted === null || took === null ? [] : [{ what, predicted, took }];
}

/** Returns a line of the table: the error of predictions over 1 s, as the median of several runs. */
export function predictionResult(where: string, runs: readonly (readonly Predicted[])[]): Result {
  const names = [...new Set(runs.flat().map(({ what }) => what))];
  const all = names.map((what) => {
    const found = runs.flat().filter((one) => one.what === what);
    const [predicted, took] = [median(found.map((f) => f.predicted)), median(found.map((f) => f.took))];
    return { what, predicted, took, offBy: (took / predicted - 1) * 100 };
  });
  const worth = all
    .filter(({ predicted, took }) => Math.max(predicted, took) > WORTH_SECONDS)
    .sort((a, b) => Math.abs(b.offBy) - Math.abs(a.offBy));
  const within = worth.filter(({ offBy }) => Math.abs(offBy) <= GOAL_PERCENT).length;
  const [worst] = worth;
  const text = ({ what, offBy }: (typeof worth)[number]) =>
    `${what} ${offBy > 0 ? "+" : ""}${offBy.toFixed(0)} %`;
  return {
    what: `predicted and actual, of phases, parts and steps over 1 s, ${where}`,
    asWritten: "-",
    ours: worst
      ? `${within} of ${worth.length} within ${GOAL_PERCENT} %; worst: ${text(worst)}`
      : "none is that long",
    target: `within ${GOAL_PERCENT} %`,
    reached: worst ? within === worth.length : undefined,
    note: `medians of ${runs.length} runs: ${worth.map(text).join("; ")}.`,
    figures: { runs: runs.length, worth },
  };
}
