import { FORMER, type SmallPlan, withBuilds } from "./builds.ts";
import { filled, sideBySide, timesFaster, timesLess } from "./side-by-side.ts";
import { count, duration } from "./stats.ts";
import type { Measurement, Result } from "./types.ts";

const GOAL_PERCENT = 30;

/**
 * A long plan whose migrations do almost nothing: the time left is the time of the product itself. There are three gates
 * here, and in the earlier build one more after each migration. Each gate is answered at once.
 */
export const longPlan: Measurement = {
  name: "long-plan",
  measure: (bench) =>
    withBuilds(FORMER.oneMachine, async (builds) => {
      const { planMigrations } = bench.sizes;
      const database = await filled(bench, "SELECT 1");
      try {
        const runs = await sideBySide(bench, builds, trivial(planMigrations), database);
        const { downtime, predictedDowntime, steps } = runs.now;
        const offBy = (downtime / predictedDowntime - 1) * 100;
        const results: Result[] = [
          {
            ...timesFaster(
              `downtime of a plan of ${count(planMigrations)} trivial migrations, gates answered at once`,
              runs,
              (run) => run.downtime,
              10,
            ),
            note: `the migrations' own steps are ${duration(steps * 1000)} of it, and ${duration(runs.before.steps * 1000)} in the build before, which opens a gate after each migration; here three gates open.`,
          },
          {
            what: "the same: predicted against actual downtime",
            asWritten: `${duration(runs.before.predictedDowntime * 1000)} against ${duration(runs.before.downtime * 1000)} (build before)`,
            ours: `${duration(predictedDowntime * 1000)} against ${duration(downtime * 1000)}: ${offBy > 0 ? "+" : ""}${offBy.toFixed(0)} %`,
            target: `within ${GOAL_PERCENT} %`,
            reached: Math.abs(offBy) <= GOAL_PERCENT,
            figures: {},
          },
          timesLess("the same: files of evidence", runs, ({ files }) => files, 5),
          timesLess("the same: bytes of evidence", runs, ({ bytes }) => bytes, 5),
        ];
        // In the build before, the work after each migration grew with the number of earlier migrations.
        return planMigrations < 50 ? results.map((result) => ({ ...result, reached: undefined })) : results;
      } finally {
        await bench.drop(database);
      }
    }),
};

function trivial(migrations: number): SmallPlan {
  const [first, ...further] = Array.from({ length: migrations }, (_, index) => ({
    migrate: `CREATE TABLE trivial_${index + 1} (id int PRIMARY KEY);\n`,
    rollback: `DROP TABLE IF EXISTS trivial_${index + 1};\n`,
  }));
  if (!first) throw new Error("A plan has at least one migration");
  return { ...first, further };
}
