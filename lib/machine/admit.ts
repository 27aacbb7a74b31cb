import * as sfn from "aws-cdk-lib/aws-stepfunctions";
import { inOrder } from "./segment.ts";
import type { States } from "./states.ts";
import { ending, type Way } from "./way.ts";
import { END_TOLD } from "./ways-back.ts";

/** The first task parses the operator's input and drops it, so that no state carries it on. */
export function admit(states: States, { done, failed }: Record<"done" | "failed", Way>): sfn.State {
  const start = new sfn.Pass(states, "Start", {
    parameters: {
      // Set once the run is admitted; every task receives it.
      plan: { checksum: "" },
      failure: { Error: "", Cause: "" },
      unfinished: {},
      end: END_TOLD,
    },
  });
  const admitted = inOrder(
    states.task("Admit the run", {
      comment:
        "Parses the input, binds the run to its plan, takes the lease and inspects production from outside.",
      capability: "admit",
      resultPath: "$.plan",
      payload: { action: "admit", input: sfn.JsonPath.objectAt("$$.Execution.Input") },
      onFailure: failed,
    }),
    states.task("Preflight", {
      comment: "Checks every condition, and reports all problems together, each with its remedy.",
      capability: "preflight",
      asks: "readiness",
      onFailure: failed,
    }),
  );
  start.next(ending(admitted, done));
  return start;
}
