import type * as sfn from "aws-cdk-lib/aws-stepfunctions";
import { inOrder } from "./segment.ts";
import { GOES_ON, type States } from "./states.ts";
import { ending, type Way } from "./way.ts";

/** Before people are asked for a restore. It is for them to know: whatever it meets, they are asked. */
export function countLoss(states: States, { done }: Readonly<Record<"done", Way>>): sfn.State {
  const count = states.loop("Count what a restore would lose", {
    comment: "Table by table: what was written since the record, by counters and by reading what they doubt.",
    capability: "writes",
    payload: { action: "count" },
    limitMinutes: 60,
    // Production is down meanwhile, and perhaps cannot be reached at all.
    retries: 2,
    onFailure: GOES_ON,
    failurePath: "$.uncounted",
  });
  return ending(count, done);
}

/**
 * Puts what production was, by the final snapshot or at the moment that was noted, in its place. The former production is kept under another name. Once it is proven
 * nothing keeps it from being opened: what settings it lacks then, people are told.
 */
export function restore(
  states: States,
  { done, failed }: Readonly<Record<"done" | "failed", Way>>,
): sfn.State {
  const onFailure = failed;
  const back = inOrder(
    states.loop("Wait for the backup", {
      comment:
        "What is restored must be there. Of a moment, the archived WAL must have come so far: it trails by some minutes.",
      capability: "restore",
      payload: { action: "await" },
      limitMinutes: 90,
      onFailure,
    }),
    states.loop("Move production aside", {
      comment: "Renames the instance; it is kept until an operator deletes it.",
      capability: "restore",
      payload: { action: "aside" },
      limitMinutes: 2 * 60,
      onFailure,
    }),
    states.loop("Restore production", {
      comment:
        "A new instance from the final snapshot, or as production was at the moment, under its identifier; until it answers.",
      capability: "restore",
      payload: { action: "restore" },
      limitMinutes: 6 * 60,
      onFailure,
    }),
    states.loop("Prove production restored", {
      comment: "Catalog and every table's content must be exactly what was recorded.",
      capability: "prove",
      payload: { proof: "production-restored" },
      limitMinutes: 6 * 60,
      // It answers before its name leads to it everywhere: that takes about ten minutes from the rename on.
      connectionRetries: 20,
      onFailure,
    }),
    states.loop("Give production its settings", {
      comment:
        "Those that a restore cannot set. They are no data: what is refused is told, and fails nothing.",
      capability: "restore",
      payload: { action: "settings" },
      limitMinutes: 60,
      onFailure: GOES_ON,
      failurePath: "$.ungiven",
    }),
  );
  return ending(back, done);
}
