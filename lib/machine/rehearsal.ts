import type * as sfn from "aws-cdk-lib/aws-stepfunctions";
import type { SnapshotPurpose } from "../../lambdas/shared/names.ts";
import { snapshot } from "./backup.ts";
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
        "Reads every row of the restored copy and compares its catalog with production's: the backup is tested. Says which migration is the first.",
      capability: "verify",
      limitMinutes: 6 * 60,
      resultPath: NEXT,
      onFailure,
    });
    const all = inOrder(
      from === "rehearsal"
        ? inOrder(snapshot(states, "Snapshot production", from, onFailure), restore)
        : restore,
      verify,
      rehearseMigrations(states, onFailure),
      validateEverything(states, "staging", onFailure),
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
      states.task("Rehearse the watch", {
        comment: "Every metric is read once: what is watched after a success must be there to be read.",
        capability: "watch",
        payload: { action: "rehearse" },
        onFailure,
      }),
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
    return ending(all, done);
  };
}

/**
 * Each migration in turn: applies and validates it, rolls it back, proves that staging is what it was, and applies and
 * validates it again. The last one's checks are among those of all, which follow at once.
 */
function rehearseMigrations(states: States, onFailure: Way): Segment {
  const applied = apply(states, { target: "staging", round: 1, onFailure });
  const validated = validate(states, "Validate on staging", {
    target: "staging",
    round: 1,
    moves: false,
    onFailure,
  });
  const rolledBack = states.loop("Roll back on staging", {
    comment: "Rehearses its rollback.sql.",
    capability: "rollback",
    payload: { action: "rollBack", target: "staging", ...about(APPLIED) },
    limitMinutes: 6 * 60,
    onFailure,
  });
  const proven = states.loop("Prove rolled back on staging", {
    comment: "Catalog and contents must be exactly what they were before the migration.",
    capability: "prove",
    payload: { proof: "staging", ...about(APPLIED) },
    limitMinutes: 6 * 60,
    onFailure,
  });
  const again = apply(states, { target: "staging", round: 2, onFailure });
  const validatedAgain = validate(states, "Validate on staging again", {
    target: "staging",
    round: 2,
    moves: true,
    onFailure,
  });
  const { first } = inOrder(applied, validated, rolledBack, proven, again);
  again.when(follows("next"), validatedAgain.first);
  validatedAgain.leadTo(first);
  return { first, leadTo: (next) => again.leadTo(next) };
}
