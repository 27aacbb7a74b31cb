import type * as sfn from "aws-cdk-lib/aws-stepfunctions";
import type { SnapshotPurpose } from "../../lambdas/shared/names.ts";
import type { CompiledPlan, Migration } from "../../lambdas/shared/plan.ts";
import { applyAndValidate, migrationSequence, validateEverything } from "./migration-sequence.ts";
import { inOrder, type Segment } from "./segment.ts";
import type { States } from "./states.ts";

export interface RehearsalOptions {
  plan: CompiledPlan;
  /** The snapshot that staging is restored from. */
  snapshot: SnapshotPurpose;
  onFailure: sfn.State;
}

/** Restores staging from a snapshot, tests that backup, and rehearses every migration and its rollback there. */
export function rehearsal(states: States, { plan, snapshot, onFailure }: RehearsalOptions): Segment {
  return inOrder(
    states.loop("Restore staging", {
      comment: "A new instance from the snapshot, in production's network, never public.",
      capability: "staging",
      payload: { action: "restore", snapshot },
      limitMinutes: 6 * 60,
      onFailure,
    }),
    states.loop("Verify staging", {
      comment:
        "Reads every row of the restored copy and compares its catalog with production's: the backup is tested.",
      capability: "verify",
      limitMinutes: 6 * 60,
      onFailure,
    }),
    migrationSequence(states, {
      target: "staging",
      migrations: plan.migrations,
      onFailure,
      after: (migration) => rehearseRollback(states, migration, onFailure),
    }),
    validateEverything(states, "staging", plan, onFailure),
    states.loop("Benchmark staging", {
      comment: "Measures the plan's benchmarks, with generated data where staging has none.",
      capability: "benchmark",
      payload: { target: "staging" },
      limitMinutes: 60,
      onFailure,
    }),
    states.task("Rehearse the post-migration tasks", {
      comment: "What is done on production after the opening must have worked on the copy first.",
      capability: "opening",
      payload: { target: "staging" },
      onFailure,
    }),
    ...(plan.watch
      ? [
          states.task("Rehearse the watch", {
            comment: "Every metric is read once: what is watched after a success must be there to be read.",
            capability: "watch",
            payload: { action: "rehearse" },
            onFailure,
          }),
        ]
      : []),
    states.task("Predict the way back", {
      comment: "From what was measured: a run whose rollback takes longer than the plan allows ends here.",
      capability: "rollback",
      payload: { action: "predict" },
      onFailure,
    }),
    states.task("Let staging go", {
      comment: "Asks for staging's deletion; the end of the run makes sure of it.",
      capability: "staging",
      payload: { action: "letGo" },
      onFailure,
    }),
  );
}

/** Rolls the migration back, proves that staging is what it was, and applies it again. */
function rehearseRollback(states: States, migration: Migration, onFailure: sfn.State): Segment {
  const { version } = migration;
  return inOrder(
    states.loop(`Roll back ${version} on staging`, {
      comment: `Rehearses ${migration.rollback.path}.`,
      capability: "rollback",
      payload: { action: "rollBack", target: "staging", version },
      limitMinutes: 6 * 60,
      onFailure,
    }),
    states.loop(`Prove ${version} rolled back on staging`, {
      comment: "Catalog and contents must be exactly what they were before the migration.",
      capability: "prove",
      payload: { proof: `staging-${version}` },
      limitMinutes: 6 * 60,
      onFailure,
    }),
    applyAndValidate(states, { target: "staging", migration, round: 2, onFailure }),
  );
}
