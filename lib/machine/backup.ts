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
    comment: "A manual snapshot, encrypted as production is, tagged with this run.",
    capability: "snapshot",
    payload: { action: "take", purpose: "rehearsal" },
    limitMinutes: 6 * 60,
    onFailure,
  });
}

/** Stops the application, keeps it out, notes exactly what is there, and what a restore would go back to. */
export function fenceAndBackUp({ archive }: { archive: boolean }) {
  return (states: States, { done, failed }: Ways): sfn.State => {
    const onFailure = failed;
    const all = inOrder(
      sideBySide(states, "Silence the alarms and stop the application", {
        comment: "Both before the fence, and at the same time: neither needs the other.",
        onFailure,
        branches: {
          alarms: {
            name: "Silence the alarms",
            comment: "Turns the named alarms' actions off and notes which were on.",
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
          "Where a restore goes back to a moment: it was noted with the record, and the backups must come to hold it; that is not waited for. Else a manual snapshot, encrypted as production is, which is.",
        capability: "snapshot",
        payload: { action: "backUp" },
        limitMinutes: 6 * 60,
        onFailure,
      }),
      ...(archive
        ? [
            states.task("Send the final snapshot away", {
              comment: "Begins its copy to another Region, its export to a bucket. Neither is waited for.",
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

/** After opening, before a rollback: the application must be out again, and what it wrote meanwhile must survive. */
export function fenceAgain(states: States, { done, failed }: Ways): sfn.State {
  const stop = states.task("Stop the application again", {
    comment:
      "The plan's stop hook, if it has one. Where it fails the fence must do: a sick application is no reason to stay.",
    capability: "application",
    payload: { hook: "stop-again" },
    onFailure: GOES_ON,
    failurePath: "$.stopAgain",
  });
  return ending(inOrder(stop, ...fenceAndRecord(states, " again", "reopened", failed)), done);
}

/**
 * The last moment at which nothing is changed yet: the record, and so the snapshot, must still be what is there. Says
 * which migration is the first.
 */
export function lookForWrites(states: States, { done, failed }: Ways): sfn.State {
  const look = states.task("Look for writes since the record", {
    comment:
      "Behind the fence there must be none, by the server's own counters. The moment that a restore would go back to must be past.",
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
      comment: "Takes CONNECT from the application roles and ends their sessions.",
      capability: "fence",
      payload: { action: "fence", again: again !== "" },
      onFailure,
    }),
    states.loop(`Record production${again}`, {
      comment:
        "Row counts, checksums of what the rehearsal touched, and the catalog's fingerprint, which must be the rehearsed one. Then the moment that a restore may go back to is noted.",
      capability: "record",
      payload: { when },
      limitMinutes: 6 * 60,
      onFailure,
    }),
  ];
}
