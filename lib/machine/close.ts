import * as sfn from "aws-cdk-lib/aws-stepfunctions";
import { CLOSING_BEGINS, CLOSING_ENDS } from "../../lambdas/clean-up/task.ts";
import { END_NAMES, type End } from "../../lambdas/shared/documents.ts";
import type { MachineCapability } from "./capabilities.ts";
import { inOrder, type Segment } from "./segment.ts";
import { GOES_ON, type States } from "./states.ts";
import { Way } from "./way.ts";

/** Names of the states that note each end, before the run is closed. */
const NOTED: Readonly<Record<End, string>> = {
  Succeeded: "The migration is done",
  Refused: "Refuse",
  RolledBack: "Production is rolled back",
  Restored: "Production is restored",
  NeedsOperator: "An operator is needed",
};

/** Makes the state that notes how the run ends, on first use, as no state may be unreachable. */
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
 * The one way out. Every path passes here with its end noted, and gives back what the run holds: the fence, the
 * application, the alarms, staging, the lease. A failure of one clean-up stops no other; the report names it.
 */
export function close(states: States): sfn.State {
  const givenBack = inOrder(
    cleanUp(
      states,
      CLOSING_BEGINS,
      "Gives the application roles back exactly what they had, unless they have it, and lets the next run in.",
      "fence",
      { action: "leave" },
    ),
    cleanUp(
      states,
      "Leave the application running",
      "Starts what this run stopped, unless it is started already or must stay stopped.",
      "application",
      { hook: "start-again", end: sfn.JsonPath.stringAt("$.end.name") },
    ),
    cleanUp(states, "Leave no alarm silenced", "Turns on the alarms that are still silenced.", "alarms", {
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
    cleanUp(
      states,
      "Release the run lock",
      "Releases the lease, so that the next run can have this database.",
      "admit",
      {
        action: "release",
      },
    ),
  );
  const unwritten = new Way();
  const report = states.task("Write the report", {
    comment: "Makes report.json and report.html from the evidence, and the cause that a failed end shows.",
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
  const notify = cleanUp(states, CLOSING_ENDS, "The final message, with the report.", "report", {
    action: "tell",
  });
  inOrder(givenBack, report, notify);
  unwritten.leadTo(missing(states, notify.first));
  notify.leadTo(theEnd(states));
  return givenBack.first;
}

/** Without a report, a Fail state shows the cause that the machine itself has. */
function missing(states: States, next: sfn.State): sfn.State {
  const unwritten = new sfn.Pass(states, "The report is missing", {
    parameters: {
      cause: sfn.JsonPath.format(
        // Without an apostrophe: not every interpreter supports an escaped one.
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

/** A task whose failure is noted under its capability's name and otherwise ignored. */
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
