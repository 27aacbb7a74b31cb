import type * as sfn from "aws-cdk-lib/aws-stepfunctions";
import { NEXT } from "./migration-sequence.ts";
import { inOrder, type Segment } from "./segment.ts";
import { sideBySide } from "./side-by-side.ts";
import { GOES_ON, type States } from "./states.ts";
import { ending, type Way } from "./way.ts";

type Ways = Readonly<Record<"done" | "failed", Way>>;

/** Takes a snapshot of production for the rehearsal and waits until it can be restored. */
export function snapshotToRehearse(states: States, onFailure: Way): Segment {
  return states.loop("Snapshot production", {
    comment: "A manual snapshot, encrypted as production is, and tagged with this run.",
    capability: "snapshot",
    payload: { action: "take", purpose: "rehearsal" },
    limitMinutes: 6 * 60,
    onFailure,
  });
}

/** Stops the application, fences production, records it, and notes what a restore would go back to. */
export function fenceAndBackUp({ archive }: { archive: boolean }) {
  return (states: States, { done, failed }: Ways): sfn.State => {
    const onFailure = failed;
    const all = inOrder(
      sideBySide(states, "Silence the alarms and stop the application", {
        comment: "Both run before the fence and at the same time: neither needs the other.",
        onFailure,
        branches: {
          alarms: {
            name: "Silence the alarms",
            comment: "Turns the named alarms' actions off, and notes which were on.",
            capability: "alarms",
            payload: { action: "silence" },
          },
          stop: {
            name: "Stop the application",
            comment: "The plan's stop hook, if it has one.",
            capability: "application",
            payload: { hook: "stop" },
          },
        },
      }),
      ...fenceAndRecord(states, "", "before", onFailure),
      states.loop("Back up production", {
        comment:
          "For a restore to a moment it waits for nothing: the moment was noted with the record, and the backups reach it later. Otherwise it takes a manual snapshot, encrypted as production is, and waits for it.",
        capability: "snapshot",
        payload: { action: "backUp" },
        limitMinutes: 6 * 60,
        onFailure,
      }),
      ...(archive
        ? [
            states.task("Send the final snapshot away", {
              comment: "Starts its copy to another Region and its export to a bucket, and waits for neither.",
              capability: "snapshot",
              payload: { action: "archive" },
              onFailure,
            }),
          ]
        : []),
    );
    return ending(all, done);
  };
}

/** Before a rollback after the opening: keeps the application out again. What it wrote meanwhile must survive. */
export function fenceAgain(states: States, { done, failed }: Ways): sfn.State {
  const stop = states.task("Stop the application again", {
    comment:
      "The plan's stop hook, if it has one. If it fails, the fence suffices: a sick application must not hold up the way back.",
    capability: "application",
    payload: { hook: "stop-again" },
    onFailure: GOES_ON,
    failurePath: "$.stopAgain",
  });
  return ending(inOrder(stop, ...fenceAndRecord(states, " again", "reopened", failed)), done);
}

/**
 * The last moment before anything is changed: production must still be as recorded, and so as in the snapshot. Returns the
 * first migration.
 */
export function lookForWrites(states: States, { done, failed }: Ways): sfn.State {
  const look = states.task("Look for writes since the record", {
    comment:
      "The server's counters must show no writes behind the fence. The moment that a restore would go back to must be past.",
    capability: "writes",
    payload: { action: "look" },
    resultPath: NEXT,
    onFailure: failed,
  });
  return ending(look, done);
}

function fenceAndRecord(
  states: States,
  again: string,
  when: "before" | "reopened",
  onFailure: Way,
): [Segment, Segment] {
  return [
    states.task(`Fence production${again}`, {
      comment: "Revokes CONNECT from the application roles and ends their sessions.",
      capability: "fence",
      payload: { action: "fence", again: again !== "" },
      onFailure,
    }),
    states.loop(`Record production${again}`, {
      comment:
        "Row counts, checksums of what the rehearsal touched, and the catalog's fingerprint, which must be the rehearsed one. Then notes the moment that a restore may go back to.",
      capability: "record",
      payload: { when },
      limitMinutes: 6 * 60,
      onFailure,
    }),
  ];
}
