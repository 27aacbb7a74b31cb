import { predictedIn, predictionResult } from "./predictions.ts";
import { rehearsal } from "./rehearsal.ts";
import { duration, median } from "./stats.ts";
import type { Measurement } from "./types.ts";

/** One run by itself says little of predictions: another process may have had the processor. */
const RUNS = 3;

/** `npm run rehearse` as it is out of the box: everything in this process, no server. */
export const embedded: Measurement = {
  name: "embedded",
  async measure(bench) {
    const runs: Awaited<ReturnType<typeof rehearsal>>[] = [];
    for (let n = 1; n <= RUNS; n++) {
      bench.progress(`a whole run on the embedded default, ${n} of ${RUNS}`);
      runs.push(await rehearsal(bench));
    }
    const ms = median(runs.map((run) => run.ms));
    const { end } = runs.find((run) => run.end.end !== "Succeeded") ?? (runs[0] as (typeof runs)[number]);
    return [
      {
        what: "the whole rehearsal on the embedded default, rollbacks rehearsed too",
        asWritten: "-",
        ours: `${duration(ms)}${end.end === "Succeeded" ? "" : ` (${end.end}: ${end.cause})`}`,
        target: "under 60 s",
        reached: end.end === "Succeeded" && ms < 60_000,
        note: `of the plan's own baseline, whatever the sizes asked for here; gates answered at once. The median of ${RUNS}.`,
        figures: { end: end.end, cause: end.cause, ms, downtimeSeconds: end.report.downtime.seconds },
      },
      predictionResult(
        "on the embedded default",
        runs.map((run) => predictedIn(run.end.report)),
      ),
    ];
  },
};
