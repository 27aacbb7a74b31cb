import * as sfn from "aws-cdk-lib/aws-stepfunctions";
import { OPENING_BEGINS } from "../../lambdas/clean-up/task.ts";
import type { MachineCapability } from "./capabilities.ts";
import { validateEverything } from "./migration-sequence.ts";
import { inOrder, type Segment } from "./segment.ts";
import { GOES_ON, type States } from "./states.ts";
import { ending, type Way } from "./way.ts";

/** Proves the whole migrated database before the application uses it. */
export function proveProduction(
  states: States,
  { done, failed }: Readonly<Record<"done" | "failed", Way>>,
): sfn.State {
  const onFailure = failed;
  const all = inOrder(
    states.loop("Prove the data", {
      comment: "Every table from before the run must be untouched, or changed exactly as in the rehearsal.",
      capability: "prove",
      payload: { proof: "production-data" },
      limitMinutes: 6 * 60,
      onFailure,
    }),
    validateEverything(states, "production", onFailure),
    states.loop("Benchmark production", {
      comment:
        "Measures the plan's benchmarks against their SLOs. One without data yet is reported as not measured.",
      capability: "benchmark",
      payload: { target: "production" },
      limitMinutes: 60,
      onFailure,
    }),
    states.task("Test the application", {
      comment: "The plan's integration-test hook, if it has one.",
      capability: "application",
      payload: { hook: "test" },
      asks: "open",
      onFailure,
    }),
  );
  return ending(all, done);
}

/** Lets the application in and tests it. */
export function open({ held }: { held: boolean }) {
  return (
    states: States,
    /** `unsure`: the application is in, or half in, and people decide whether it stays. */
    { done, unsure, failed }: Readonly<Record<"done" | "unsure" | "failed", Way>>,
  ): sfn.State => {
    const all = inOrder(
      states.task(OPENING_BEGINS, {
        comment: "Gives the application roles back exactly what they had.",
        capability: "fence",
        payload: { action: "lift" },
        // It may be lifted in part, and the application in.
        onFailure: failed,
      }),
      states.task("Start the application", {
        comment: "The plan's start hook, if it has one.",
        capability: "application",
        payload: { hook: "start" },
        onFailure: unsure,
      }),
      states.task("Turn the alarms on", {
        comment: "Turns on what was silenced.",
        capability: "alarms",
        payload: { action: "on" },
        onFailure: unsure,
      }),
      states.task("Smoke-test the application", {
        comment: "The plan's HTTP requests and what they must answer.",
        capability: "application",
        payload: { hook: "smoke" },
        onFailure: unsure,
      }),
    );
    if (!held) return ending(all, done);
    const choice = new sfn.Choice(states, "Does its wave hold it?");
    // Absent where no rollout started the run, or none that holds it.
    const isHeld = sfn.Condition.and(
      sfn.Condition.isPresent("$.plan.held"),
      sfn.Condition.stringEquals("$.plan.held", "held"),
    );
    all.leadTo(choice);
    unsure.from((to) => void choice.when(isHeld, to));
    done.from((to) => void choice.otherwise(to));
    return all.first;
  };
}

/** What follows a success. A failure here is reported, and rolls nothing back. */
export function afterOpening({ keeps }: { keeps: boolean }) {
  return (states: States, { done }: Readonly<Record<"done", Way>>): sfn.State => {
    const follow = (name: string, capability: MachineCapability, comment: string, payload = {}): Segment =>
      states.task(name, {
        comment,
        capability,
        payload,
        onFailure: GOES_ON,
        failurePath: `$.unfinished.${capability}`,
      });
    const all = inOrder(
      follow("Run the post-migration tasks", "opening", "ANALYZE, REFRESH MATERIALIZED VIEW and so on.", {
        target: "production",
      }),
      ...(keeps ? [keepSnapshot(states)] : []),
      follow(
        "Check the backups and start the watch",
        "aftercare",
        "Checks that automated backups include production, and schedules the readings.",
      ),
      follow("Take the watch's first reading", "watch", "Reads every metric of the plan.", {
        action: "begin",
      }),
    );
    return ending(all, done);
  };
}

function keepSnapshot(states: States): Segment {
  return states.loop("Take a snapshot to keep", {
    comment:
      "Requests a manual snapshot of production as it is now, with the application in, and does not wait for it.",
    capability: "snapshot",
    payload: { action: "keep" },
    limitMinutes: 60,
    onFailure: GOES_ON,
    failurePath: "$.unfinished.snapshot",
  });
}
