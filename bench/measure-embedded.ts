import { rehearsal } from "./rehearsal.ts";
import { duration } from "./stats.ts";
import type { Measurement } from "./types.ts";

/** `npm run rehearse` as it is out of the box: everything in this process, no server. */
export const embedded: Measurement = {
  name: "embedded",
  async measure(bench) {
    bench.progress("a whole run on the embedded default");
    const { end, ms } = await rehearsal(bench);
    return [
      {
        what: "the whole rehearsal on the embedded default, rollbacks rehearsed too",
        asWritten: "-",
        ours: `${duration(ms)}${end.end === "Succeeded" ? "" : ` (${end.end}: ${end.cause})`}`,
        target: "under 60 s",
        reached: end.end === "Succeeded" && ms < 60_000,
        note: "of the plan's own baseline, whatever the sizes asked for here; gates answered at once.",
        figures: { end: end.end, cause: end.cause, ms, downtimeSeconds: end.report.downtime.seconds },
      },
    ];
  },
};
