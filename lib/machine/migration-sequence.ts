import type * as sfn from "aws-cdk-lib/aws-stepfunctions";
import { EVERYTHING, type Target } from "../../lambdas/shared/documents.ts";
import type { Migration } from "../../lambdas/shared/plan.ts";
import { inOrder, type Segment } from "./segment.ts";
import type { States } from "./states.ts";

export interface MigrationSequenceOptions {
  target: Target;
  migrations: readonly Migration[];
  onFailure: sfn.State;
  /** What follows each migration once it is applied and validated: the rollback's rehearsal, or a gate. */
  after: (migration: Migration) => Segment;
}

/** Applies and validates every migration in order. Staging and production run this same sequence. */
export function migrationSequence(states: States, options: MigrationSequenceOptions): Segment {
  const { target, migrations, onFailure, after } = options;
  const each = migrations.map((migration) =>
    inOrder(applyAndValidate(states, { target, migration, round: 1, onFailure }), after(migration)),
  );
  return inOrder(...(each as [Segment, ...Segment[]]));
}

/** Hours that one migration may take in all, over as many workers as it needs. */
const LIMIT_MINUTES = 12 * 60;

export function applyAndValidate(
  states: States,
  options: { target: Target; migration: Migration; round: number; onFailure: sfn.State },
): Segment {
  const { target, migration, round, onFailure } = options;
  const { version, title } = migration;
  const again = round > 1 ? " again" : "";
  return inOrder(
    states.loop(`Apply ${version} to ${target}${again}`, {
      comment: title,
      capability: "migrate",
      payload: { target, version, round },
      limitMinutes: LIMIT_MINUTES,
      onFailure,
    }),
    states.task(`Validate ${version} on ${target}${again}`, {
      comment: `Runs the checks of ${migration.validate.path}; what they write is rolled back.`,
      capability: "validate",
      payload: { target, versions: [version], round: String(round) },
      onFailure,
    }),
  );
}

/** All checks of all migrations once more: also those that a later migration could have broken. */
export function validateEverything(
  states: States,
  target: Target,
  { migrations }: { migrations: readonly Migration[] },
  onFailure: sfn.State,
): Segment {
  return states.task(`Validate everything on ${target}`, {
    comment: "All checks of all migrations once more, now that all of them stand.",
    capability: "validate",
    payload: { target, versions: migrations.map((m) => m.version), round: EVERYTHING },
    onFailure,
  });
}
