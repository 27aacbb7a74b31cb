import type * as sfn from "aws-cdk-lib/aws-stepfunctions";
import { OPENING_BEGINS } from "../../lambdas/clean-up/how-far.ts";
import type { CompiledPlan } from "../../lambdas/shared/plan.ts";
import type { MachineCapability } from "./capabilities.ts";
import { gate } from "./gate.ts";
import { validateEverything } from "./migration-sequence.ts";
import { inOrder, type Segment } from "./segment.ts";
import type { States } from "./states.ts";

/** Proves the whole of the migrated database before anybody may use it. */
export function proveProduction(states: States, plan: CompiledPlan, onFailure: sfn.State): Segment {
  return inOrder(
    states.loop("Prove the data", {
      comment: "Every table that was there before is untouched, or changed just as the rehearsal showed.",
      capability: "prove",
      payload: { proof: "production-data" },
      limitMinutes: 6 * 60,
      onFailure,
    }),
    validateEverything(states, "production", plan, onFailure),
    states.loop("Benchmark production", {
      comment:
        "Measures the plan's benchmarks against their SLOs; what has no data yet is said to be not measured.",
      capability: "benchmark",
      payload: { target: "production" },
      limitMinutes: 60,
      onFailure,
    }),
    states.task("Test the application", {
      comment: "The plan's integration-test hook, if it has one.",
      capability: "application",
      payload: { hook: "test" },
      onFailure,
    }),
  );
}

export interface OpenOptions {
  plan: CompiledPlan;
  /** The application is in, or may be: the way back begins with a fence. */
  onBack: sfn.State;
  /** The run has succeeded; from here on nothing leads back. */
  onDone: sfn.State;
}

/** Lets the application in, tests it, and does what the plan wants done afterwards. */
export function open(states: States, { plan, onBack, onDone }: OpenOptions): sfn.State {
  const keep = gate(states, { kind: "keep", text: plan.gates.keep, onNoGo: onBack });
  const after = afterwards(states, plan, onDone);
  const smoke = states.task("Smoke-test the application", {
    comment: "The plan's HTTP requests and what they must answer.",
    capability: "application",
    payload: { hook: "smoke" },
    onFailure: keep.first,
  });
  const before = inOrder(
    states.task(OPENING_BEGINS, {
      comment: "Gives the application roles back exactly what they had.",
      capability: "fence",
      payload: { action: "lift" },
      // It may be lifted in part, and the application in.
      onFailure: onBack,
    }),
    states.task("Start the application", {
      comment: "The plan's start hook, if it has one.",
      capability: "application",
      payload: { hook: "start" },
      // The application may be half in: people decide whether it stays.
      onFailure: keep.first,
    }),
    states.task("Turn the alarms on", {
      comment: "Turns on what was silenced.",
      capability: "alarms",
      payload: { action: "on" },
      onFailure: keep.first,
    }),
    smoke,
  );
  before.leadTo(after);
  keep.leadTo(after);
  return before.first;
}

/** What a success is followed by. A failure of any of it is told and reported; nothing is rolled back for it. */
function afterwards(states: States, plan: CompiledPlan, onDone: sfn.State): sfn.State {
  // From the last to the first, as each state names what follows it, also when it fails.
  let next = onDone;
  const follow = (name: string, capability: MachineCapability, comment: string, payload = {}) => {
    const state = states.task(name, {
      comment,
      capability,
      payload,
      onFailure: next,
      failurePath: `$.unfinished.${capability}`,
    });
    state.leadTo(next);
    next = state.first;
  };
  if (plan.watch)
    follow("Take the watch's first reading", "watch", "Every metric of the plan, as it is now.", {
      action: "begin",
    });
  follow(
    "Check the backups and start the watch",
    "aftercare",
    "Looks whether automated backups include production, and schedules the readings to come.",
  );
  follow("Run the post-migration tasks", "opening", "Analyze, refresh and the like.", {
    target: "production",
  });
  return next;
}
