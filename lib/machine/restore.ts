import type * as sfn from "aws-cdk-lib/aws-stepfunctions";
import { inOrder } from "./segment.ts";
import { GOES_ON, type States } from "./states.ts";
import { ending, type Way } from "./way.ts";

/** Informs the restore gate. Any failure here still leads to that gate. */
export function countLoss(states: States, { done }: Readonly<Record<"done", Way>>): sfn.State {
  const count = states.loop("Count what a restore would lose", {
    comment:
      "Counts, table by table, what was written since the record: from counters, and by reading where counters leave doubt.",
    capability: "writes",
    payload: { action: "count" },
    limitMinutes: 60,
    // Production is down meanwhile, and perhaps unreachable.
    retries: 2,
    onFailure: GOES_ON,
    failurePath: "$.uncounted",
  });
  return ending(count, done);
}

/**
 * Replaces production by its final snapshot, or by its state at the noted moment. The former production is kept under
 * another name. Once the restore is proven, nothing holds up the end: settings that are still missing are reported.
 */
export function restore(
  states: States,
  { done, failed }: Readonly<Record<"done" | "failed", Way>>,
): sfn.State {
  const onFailure = failed;
  const back = inOrder(
    states.loop("Wait for the backup", {
      comment:
        "The backup must be complete. For a moment, the archived WAL must have reached it, which takes some minutes.",
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
        "A new instance from the final snapshot, or with production's state at the moment, under production's identifier. Waits until it answers.",
      capability: "restore",
      payload: { action: "restore" },
      limitMinutes: 6 * 60,
      onFailure,
    }),
    states.loop("Prove production restored", {
      comment: "Catalog and every table's content must be exactly as recorded.",
      capability: "prove",
      payload: { proof: "production-restored" },
      limitMinutes: 6 * 60,
      // It answers before its name resolves to it everywhere, which takes about ten minutes from the rename on.
      connectionRetries: 20,
      onFailure,
    }),
    states.loop("Give production its settings", {
      comment:
        "Those that a restore cannot set. They hold no data, so a refused setting is reported and fails nothing.",
      capability: "restore",
      payload: { action: "settings" },
      limitMinutes: 60,
      onFailure: GOES_ON,
      failurePath: "$.ungiven",
    }),
  );
  return ending(back, done);
}
