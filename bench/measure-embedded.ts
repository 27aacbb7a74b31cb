import { predictedIn, predictionResult } from "./predictions.ts";
import { type GateTime, RUNS, rehearsals } from "./rehearsal.ts";
import { duration, median } from "./stats.ts";
import type { Measurement, Result } from "./types.ts";

/** Measures `npm run rehearse` by default: everything in this process, without a server. */
export const embedded: Measurement = {
  name: "embedded",
  async measure(bench) {
    const { all: runs, shown } = await rehearsals(bench, "a whole run on the embedded default");
    const { ms, end } = shown;
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
    note: `the median of ${gates.length} gates; ${duration(processorMs)} of processor time, which is the duration on an idle machine. The catalog is read once.`,
    figures: { gates },
  };
}
