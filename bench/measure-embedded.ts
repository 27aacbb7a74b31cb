import { predictedIn, predictionResult } from "./predictions.ts";
import { type GateTime, rehearsal } from "./rehearsal.ts";
import { duration, median } from "./stats.ts";
import type { Measurement, Result } from "./types.ts";

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
      gateResult(runs.flatMap((run) => run.gates)),
      predictionResult(
        "on the embedded default",
        runs.map((run) => predictedIn(run.end.report)),
      ),
    ];
  },
};

const GATE_GOAL_MS = 150;

function gateResult(gates: readonly GateTime[]): Result {
  const ms = median(gates.map((gate) => gate.ms));
  const processorMs = median(gates.map((gate) => gate.processorMs));
  return {
    what: "a gate behind the fence, opened and confirmed, answered at once, on the embedded default",
    asWritten: "-",
    ours: duration(ms),
    target: `at most ${GATE_GOAL_MS} ms`,
    reached: ms <= GATE_GOAL_MS,
    note: `the median of ${gates.length} gates; ${duration(processorMs)} of the processor, which is what it takes where nothing else runs. The catalog is read once.`,
    figures: { gates },
  };
}
