import * as sfn from "aws-cdk-lib/aws-stepfunctions";
import type { SnapshotPurpose } from "../../lambdas/shared/names.ts";
import { NOT_NEEDED } from "../../lambdas/shared/way-back.ts";
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
      rehearseRestore(states, from, onFailure),
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
 * validates it again. Of one that has no rollback, the first time is all.
 */
function rehearseMigrations(states: States, onFailure: Way): Segment {
  const applied = apply(states, { target: "staging", round: 1, onFailure });
  const validated = validate(states, { target: "staging", round: 1, onFailure });
  const rolledBack = states.loop("Roll back on staging", {
    comment: "Rehearses its rollback.sql.",
    capability: "rollback",
    only: "with a rollback",
    payload: { action: "rollBack", target: "staging", ...about(APPLIED) },
    limitMinutes: 6 * 60,
    onFailure,
  });
  const proven = states.loop("Prove rolled back on staging", {
    comment: "Catalog and contents must be exactly what they were before the migration.",
    capability: "prove",
    only: "with a rollback",
    payload: { proof: "staging", ...about(APPLIED) },
    limitMinutes: 6 * 60,
    onFailure,
  });
  const again = apply(states, { target: "staging", round: 2, onFailure });
  const toNext = ([1, 2] as const).map((round) =>
    validate(states, { target: "staging", round, leads: "go on", onFailure }),
  );
  const toEnd = ([1, 2] as const).map((round) =>
    validate(states, { target: "staging", round, leads: "end", onFailure }),
  );
  const { first } = applied;
  applied.when(follows("rollback"), validated.first);
  inOrder(validated, rolledBack, proven, again);
  for (const [index, last] of [applied, again].entries()) {
    last.when(follows("next"), (toNext[index] as Segment).first);
    last.leadTo((toEnd[index] as Segment).first);
  }
  for (const validated of toNext) validated.leadTo(first);
  return {
    first,
    leadTo: (next) => {
      for (const validated of toEnd) validated.leadTo(next);
    },
  };
}

/**
 * The restore as the way back, where the plan has a migration that knows no other: staging anew from the same snapshot,
 * proven to be what it was, and migrated again, as production would be by the next run.
 */
function rehearseRestore(states: States, from: SnapshotPurpose, onFailure: Way): Segment {
  const restored = states.loop("Restore staging again", {
    comment: "Where a migration has no rollback: a second copy from the same snapshot takes staging's place.",
    capability: "staging",
    payload: { action: "restoreAgain", snapshot: from },
    limitMinutes: 6 * 60,
    onFailure,
  });
  const verified = states.loop("Verify staging again", {
    comment: "Reads every row of it: it must be what the first copy was. Says which migration is the first.",
    capability: "verify",
    only: "after the restore",
    payload: { again: true },
    limitMinutes: 6 * 60,
    resultPath: NEXT,
    onFailure,
  });
  const applied = apply(states, { target: "staging", round: 3, onFailure });
  const goesOn = validate(states, { target: "staging", round: 3, leads: "go on", onFailure });
  const ends = validate(states, { target: "staging", round: 3, leads: "end", onFailure });
  inOrder(restored, verified, applied);
  applied.when(follows("next"), goesOn.first);
  applied.leadTo(ends.first);
  goesOn.leadTo(applied.first);
  return {
    first: restored.first,
    leadTo: (next) => {
      restored.when(sfn.Condition.stringEquals("$.loop.restored", NOT_NEEDED), next);
      ends.leadTo(next);
    },
  };
}
