import * as sfn from "aws-cdk-lib/aws-stepfunctions";
import { CLOSING_BEGINS } from "../../lambdas/clean-up/how-far.ts";
import { CLOSING_ENDS } from "../../lambdas/clean-up/task.ts";
import { END_NAMES, type End } from "../../lambdas/shared/documents.ts";
import type { MachineCapability } from "./capabilities.ts";
import { inOrder, type Segment } from "./segment.ts";
import { GOES_ON, type States } from "./states.ts";
import { Way } from "./way.ts";

/** What notes each end, on the way to closing the run. */
const NOTED: Readonly<Record<End, string>> = {
  Succeeded: "The migration is done",
  Refused: "Refuse",
  RolledBack: "Production is rolled back",
  Restored: "Production is restored",
  NeedsOperator: "An operator is needed",
};

/** Notes how the run ends and leads to its closing. Made when it is first led to, as nothing may stand unreached. */
export function noteEnd(states: States, end: End, closing: sfn.State): sfn.State {
  const made = states.node.tryFindChild(NOTED[end]);
  if (made) return made as sfn.State;
  const note = new sfn.Pass(states, NOTED[end], {
    result: sfn.Result.fromString(end),
    resultPath: "$.end.name",
  });
  note.next(closing);
  return note;
}

/**
 * The one way out. Every path passes here with its end noted, and whatever the run holds is given back: the fence,
 * the application, the alarms, staging, the lock. A clean-up that fails stops no other; the report names it.
 */
export function close(states: States): sfn.State {
  const givenBack = inOrder(
    cleanUp(
      states,
      CLOSING_BEGINS,
      "Gives the application roles back exactly what they had, if they have it not, and lets the next run in.",
      "fence",
      { action: "leave" },
    ),
    cleanUp(
      states,
      "Leave the application running",
      "Starts what this run stopped, unless it is started or must not be.",
      "application",
      { hook: "start-again", end: sfn.JsonPath.stringAt("$.end.name") },
    ),
    cleanUp(states, "Leave no alarm silenced", "Turns on what is still silenced.", "alarms", {
      action: "on",
    }),
    states.loop("Delete staging", {
      comment: "Waits until the staging instance, if there is one, is gone.",
      capability: "staging",
      payload: { action: "delete" },
      limitMinutes: 2 * 60,
      onFailure: GOES_ON,
      failurePath: "$.unfinished.staging",
    }),
    cleanUp(states, "Release the run lock", "Lets the next run have this database.", "admit", {
      action: "release",
    }),
  );
  const unwritten = new Way();
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
  const tell = cleanUp(states, CLOSING_ENDS, "The final message, with the report.", "report", {
    action: "tell",
  });
  inOrder(givenBack, report, tell);
  unwritten.leadTo(missing(states, tell.first));
  tell.leadTo(theEnd(states));
  return givenBack.first;
}

/** A Fail state must show a cause also where there is no report: what the machine itself knows. */
function missing(states: States, next: sfn.State): sfn.State {
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
  unwritten.next(next);
  return unwritten;
}

function theEnd(states: States): sfn.State {
  const choice = new sfn.Choice(states, "How did it end?");
  choice.otherwise(new sfn.Succeed(states, "Succeeded"));
  for (const end of END_NAMES.filter((name) => name !== "Succeeded"))
    choice.when(
      sfn.Condition.stringEquals("$.end.name", end),
      new sfn.Fail(states, end, { error: end, causePath: "$.end.told.cause" }),
    );
  return choice;
}

/** A task whose failure is noted under its capability's name and then passed by. */
function cleanUp(
  states: States,
  name: string,
  comment: string,
  capability: MachineCapability,
  payload: Record<string, unknown>,
): Segment {
  return states.task(name, {
    comment,
    capability,
    payload,
    onFailure: GOES_ON,
    failurePath: `$.unfinished.${capability}`,
  });
}
