import type { PlanSummary } from "../shared/documents.ts";
import { type CompiledPlan, isRestoreOnly } from "../shared/plan.ts";
import { thresholdText } from "../watch/thresholds.ts";

/** The plan of a run that was refused before it had one. */
export const NO_PLAN: PlanSummary = {
  name: "none",
  title: "No plan",
  checksum: "",
  rollbackSloMinutes: 0,
  protect: [],
  migrations: [],
  benchmarks: [],
  application: { stop: false, start: false, test: false, smoke: 0 },
  afterOpening: [],
};

export function summarizePlan(plan: CompiledPlan): PlanSummary {
  const { application } = plan;
  return {
    name: plan.name,
    title: plan.title,
    checksum: plan.checksum,
    rollbackSloMinutes: plan.rollbackSloMinutes,
    ...(plan.expectedMinutes ? { expectedMinutes: plan.expectedMinutes } : {}),
    protect: plan.protect,
    migrations: plan.migrations.map((migration) => ({
      version: migration.version,
      folder: migration.folder,
      title: migration.title,
      ...(migration.expectedMinutes === undefined ? {} : { expectedMinutes: migration.expectedMinutes }),
      ...(migration.unasked ? { unasked: migration.unasked } : {}),
      ...(migration.leaves ? { leaves: migration.leaves } : {}),
      ...(isRestoreOnly(migration) ? { restoreOnly: true as const } : {}),
    })),
    benchmarks: plan.benchmarks.map(({ name, title, sloMs }) => ({ name, title, sloMs })),
    application: {
      stop: application.stop !== undefined,
      start: application.start !== undefined,
      test: application.test !== undefined,
      smoke: application.smoke.length,
    },
    afterOpening: plan.afterOpening.map(({ title }) => title),
    ...(plan.watch
      ? {
          watch: {
            metrics: plan.watch.metrics.map(({ name, title, unit, target, alert }) => ({
              name,
              title,
              target: thresholdText(target, unit),
              alert: thresholdText(alert, unit),
            })),
            verifyAgain: plan.watch.verifyAgain,
          },
        }
      : {}),
    reminders: plan.reminders,
    ...(plan.notices ? { notices: plan.notices } : {}),
  };
}
