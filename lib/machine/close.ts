import * as sfn from "aws-cdk-lib/aws-stepfunctions";
import { CLOSING_ENDS } from "../../lambdas/clean-up/begin.ts";
import { CLOSING_BEGINS } from "../../lambdas/clean-up/how-far.ts";
import type { End } from "../../lambdas/shared/documents.ts";
import type { MachineCapability } from "./capabilities.ts";
import { inOrder, type Segment } from "./segment.ts";
import type { States } from "./states.ts";

/**
 * The one way out. Every path passes here with its end noted, and whatever the run holds is given back: the fence,
 * the application, the alarms, staging, the lock. A clean-up that fails stops no other; the report names it.
 */
export function close(states: States): Readonly<Record<End, sfn.State>> {
  const choice = new sfn.Choice(states, "How did it end?");
  const tell = cleanUp(
    states,
    CLOSING_ENDS,
    "The final message, with the report.",
    "report",
    { action: "tell" },
    choice,
  );
  tell.leadTo(choice);
  // A Fail state must show a cause also then: what the machine itself knows.
  const unwritten = new sfn.Pass(states, "The report is missing", {
    parameters: {
      cause: sfn.JsonPath.format(
        // Without an apostrophe: not every interpreter knows one that is escaped.
        "{}: the report could not be written, and the evidence of this run holds what it would say. What failed last: {} {}",
        sfn.JsonPath.stringAt("$.end.name"),
        sfn.JsonPath.stringAt("$.failure.Error"),
        sfn.JsonPath.stringAt("$.failure.Cause"),
      ),
    },
    resultPath: "$.end.told",
  });
  unwritten.next(tell.first);
  const report = states.task("Write the report", {
    comment: "report.json and report.html from the evidence, and the cause that a failed end shows.",
    capability: "report",
    payload: {
      action: "write",
      end: sfn.JsonPath.stringAt("$.end.name"),
      failure: sfn.JsonPath.objectAt("$.failure"),
      unfinished: sfn.JsonPath.objectAt("$.unfinished"),
    },
    resultPath: "$.end.told",
    onFailure: unwritten,
    failurePath: "$.unfinished.report",
  });
  report.leadTo(tell.first);

  const release = cleanUp(
    states,
    "Release the run lock",
    "Lets the next run have this database.",
    "admit",
    { action: "release" },
    report.first,
  );
  const staging = states.loop("Delete staging", {
    comment: "Waits until the staging instance, if there is one, is gone.",
    capability: "staging",
    payload: { action: "delete" },
    limitMinutes: 2 * 60,
    onFailure: release.first,
    failurePath: "$.unfinished.staging",
  });
  const alarms = cleanUp(
    states,
    "Leave no alarm silenced",
    "Turns on what is still silenced.",
    "alarms",
    { action: "on" },
    staging.first,
  );
  const start = cleanUp(
    states,
    "Leave the application running",
    "Starts what this run stopped, unless it is started or must not be.",
    "application",
    {
      hook: "start-again",
      end: sfn.JsonPath.stringAt("$.end.name"),
    },
    alarms.first,
  );
  const lift = cleanUp(
    states,
    CLOSING_BEGINS,
    "Gives the application roles back exactly what they had, if they have it not, and lets the next run in.",
    "fence",
    { action: "leave" },
    start.first,
  );
  inOrder(lift, start, alarms, staging, release, report);

  const succeeded = new sfn.Succeed(states, "Succeeded");
  choice.otherwise(succeeded);
  const failed: Exclude<End, "Succeeded">[] = ["Refused", "RolledBack", "Restored", "NeedsOperator"];
  for (const end of failed)
    choice.when(
      sfn.Condition.stringEquals("$.end.name", end),
      new sfn.Fail(states, end, { error: end, causePath: "$.end.told.cause" }),
    );
  // Made when it is first led to: a state that nothing leads to is refused by Step Functions.
  const noted = (id: string, name: End): sfn.State => {
    const made = states.node.tryFindChild(id);
    if (made) return made as sfn.State;
    const note = new sfn.Pass(states, id, { result: sfn.Result.fromString(name), resultPath: "$.end.name" });
    note.next(lift.first);
    return note;
  };
  return {
    get Succeeded() {
      return noted("The migration is done", "Succeeded");
    },
    get Refused() {
      return noted("Refuse", "Refused");
    },
    get RolledBack() {
      return noted("Production is rolled back", "RolledBack");
    },
    get Restored() {
      return noted("Production is restored", "Restored");
    },
    get NeedsOperator() {
      return noted("An operator is needed", "NeedsOperator");
    },
  };
}

/** A task whose failure is noted under its capability's name and then passed by. */
function cleanUp(
  states: States,
  name: string,
  comment: string,
  capability: MachineCapability,
  payload: Record<string, unknown>,
  onFailure: sfn.State,
): Segment {
  return states.task(name, {
    comment,
    capability,
    payload,
    onFailure,
    failurePath: `$.unfinished.${capability}`,
  });
}
