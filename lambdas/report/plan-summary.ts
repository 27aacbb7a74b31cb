import { type CompiledPlan, isRestoreOnly, type Migration, type Reminder } from "../shared/plan.ts";
import { thresholdText } from "../watch/thresholds.ts";

/**
 * The plan without its SQL: what a report needs of it. It is kept in the evidence, so that the report can be made
 * from that alone, after the plan's files changed or on a machine that never had them.
 */
export interface PlanSummary
  extends Pick<CompiledPlan, "name" | "title" | "checksum" | "rollbackSloMinutes"> {
  expectedMinutes?: { admit: number; prove: number; open: number } | undefined;
  protect: readonly string[];
  migrations: readonly MigrationSummary[];
  benchmarks: readonly { name: string; title: string; sloMs: number }[];
  /** Which hooks the plan has, and how many smoke tests. */
  application: { stop: boolean; start: boolean; test: boolean; smoke: number };
  /** Titles of what is done after opening. */
  afterOpening: readonly string[];
  /** Absent where nothing is watched, and in evidence of older runs. */
  watch?: {
    metrics: readonly { name: string; title: string; target: string; alert: string }[];
    verifyAgain?: { afterMinutes: number; migrations: readonly string[] } | undefined;
  };
  reminders?: readonly Reminder[];
  notices?: CompiledPlan["notices"];
}

export interface MigrationSummary
  extends Pick<Migration, "version" | "folder" | "title" | "expectedMinutes" | "unasked" | "leaves"> {
  /** From its first step on, the restore is the way back. */
  restoreOnly?: true | undefined;
}

/** Of a run that was refused before it had a plan. */
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
