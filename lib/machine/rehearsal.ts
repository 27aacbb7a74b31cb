import type * as sfn from "aws-cdk-lib/aws-stepfunctions";
import type { SnapshotPurpose } from "../../lambdas/shared/names.ts";
import { snapshotToRehearse } from "./backup.ts";
import { APPLIED, about, apply, follows, NEXT, validate, validateEverything } from "./migration-sequence.ts";
import { inOrder, type Segment } from "./segment.ts";
import type { States } from "./states.ts";
import { ending, type Way } from "./way.ts";

/**
 * Restores staging from a snapshot, tests that backup, and rehearses every migration and its rollback there.
 * @param from the snapshot that staging is restored from; taken here, unless the downtime has begun
 */
export function rehearsal(from: SnapshotPurpose) {
  return (states: States, { done, failed }: Readonly<Record<"done" | "failed", Way>>): sfn.State => {
    const onFailure = failed;
    const restore = states.loop("Restore staging", {
      comment: "A new instance from the snapshot, in production's network, never public.",
      capability: "staging",
      payload: { action: "restore", snapshot: from },
      limitMinutes: 6 * 60,
      onFailure,
    });
    const verify = states.loop("Verify staging", {
      comment:
        "Reads every row of the restored copy and compares its catalog with production's: this tests the backup. Returns the first migration.",
      capability: "verify",
      limitMinutes: 6 * 60,
      resultPath: NEXT,
      onFailure,
    });
    const all = inOrder(
      from === "rehearsal" ? inOrder(snapshotToRehearse(states, onFailure), restore) : restore,
      verify,
      rehearseMigrations(states, from, onFailure),
      validateEverything(states, "staging", onFailure),
      states.loop("Benchmark staging", {
        comment: "Measures the plan's benchmarks, with generated data if staging has none.",
        capability: "benchmark",
        payload: { target: "staging" },
        limitMinutes: 60,
        onFailure,
      }),
      states.task("Rehearse the post-migration tasks", {
        comment: "What runs on production after the opening must first work on the copy.",
        capability: "opening",
        payload: { target: "staging" },
        onFailure,
      }),
      states.task("Rehearse the watch", {
        comment: "Reads every metric once: the watch after a success must be able to read them.",
        capability: "watch",
        payload: { action: "rehearse" },
        onFailure,
      }),
      states.task("Predict the way back", {
        comment: "Compares the measured way back with the plan's limit. A run that exceeds it ends here.",
        capability: "rollback",
        payload: { action: "predict" },
        onFailure,
      }),
      states.task("Let staging go", {
        comment: "Requests staging's deletion; the end of the run makes sure of it.",
        capability: "staging",
        payload: { action: "letGo" },
        asks: "rehearsal",
        onFailure,
      }),
    );
    return ending(all, done);
  };
}

/**
 * For each migration: applies and validates it, rolls it back, proves that staging is what it was, and applies and
 * validates it again. One without a rollback is applied only once: then the restore is rehearsed at the end.
 */
function rehearseMigrations(states: States, from: SnapshotPurpose, onFailure: Way): Segment {
  const common = { target: "staging", onFailure } as const;
  const applied = apply(states, { ...common, round: 1 });
  const validated = validate(states, { ...common, round: 1 });
  const rolledBack = states.loop("Roll back on staging", {
    comment: "Rehearses its rollback.sql.",
    capability: "rollback",
    only: "with a rollback",
    payload: { action: "rollBack", target: "staging", ...about(APPLIED) },
    limitMinutes: 6 * 60,
    onFailure,
  });
  const proven = states.loop("Prove rolled back on staging", {
    comment: "Catalog and contents must be exactly as before the migration, except for what the plan names.",
    capability: "prove",
    only: "with a rollback",
    payload: { proof: "staging", ...about(APPLIED) },
    limitMinutes: 6 * 60,
    onFailure,
  });
  const again = apply(states, { ...common, round: 2 });
  inOrder(validated, rolledBack, proven, again);
  const restored = rehearseRestore(states, from, onFailure);
  const ends = [applied, again].map((last, index) => {
    const then = (leads: "go on" | "restore" | "end") =>
      validate(states, { ...common, round: index === 0 ? 1 : 2, leads });
    const [goesOn, restores, end] = [then("go on"), then("restore"), then("end")];
    last.when(follows("next"), goesOn.first);
    last.when(follows("end"), end.first);
    if (last === applied) last.when(follows("restore"), restores.first);
    else last.leadTo(restores.first);
    goesOn.leadTo(applied.first);
    restores.leadTo(restored.first);
    return end;
  });
  applied.leadTo(validated.first);
  return {
    first: applied.first,
    leadTo: (next) => {
      for (const end of [...ends, restored]) end.leadTo(next);
    },
  };
}

/**
 * The restore as the way back, for a plan with a restore-only migration. Restores staging again from the same snapshot,
 * proves that it is as before, and migrates it again, as the next run would migrate production.
 */
function rehearseRestore(states: States, from: SnapshotPurpose, onFailure: Way): Segment {
  const common = { target: "staging", round: 3, onFailure } as const;
  const restored = states.loop("Restore staging again", {
    comment: "For a restore-only migration: a second copy from the same snapshot replaces staging.",
    capability: "staging",
    only: "after the restore",
    payload: { action: "restoreAgain", snapshot: from },
    limitMinutes: 6 * 60,
    onFailure,
  });
  const verified = states.loop("Verify staging again", {
    comment: "Reads every row: this copy must equal the first one. Returns the first migration.",
    capability: "verify",
    only: "after the restore",
    payload: { again: true },
    limitMinutes: 6 * 60,
    resultPath: NEXT,
    onFailure,
  });
  const applied = apply(states, common);
  const goesOn = validate(states, { ...common, leads: "go on" });
  const ends = validate(states, { ...common, leads: "end" });
  inOrder(restored, verified, applied);
  applied.when(follows("next"), goesOn.first);
  applied.leadTo(ends.first);
  goesOn.leadTo(applied.first);
  return { first: restored.first, leadTo: (next) => ends.leadTo(next) };
}
