import * as sfn from "aws-cdk-lib/aws-stepfunctions";
import type { Segment } from "./segment.ts";
import type { States, TaskOptions } from "./states.ts";
import { Way } from "./way.ts";

/** A task that depends on no other branch. Of the machine's state it needs only the plan. */
export type Branch = Omit<TaskOptions, "onFailure" | "failurePath" | "resultPath" | "asks"> & {
  name: string;
};

/** The failure that a branch starts with, and still has at its end if its task succeeded. */
const NO_FAILURE = { Error: "", Cause: "" };

/**
 * Runs tasks at the same time. Each branch catches its own failure, so the machine waits until all have ended. Otherwise a
 * task could change something after the clean-up has undone it. Then the first failure in the order of the branches is
 * the run's failure, and leads where that task's own failure leads.
 * @param branches keyed by the names of their failures in the machine's state
 */
export function sideBySide(
  states: States,
  name: string,
  {
    comment,
    onFailure,
    branches,
  }: { comment: string; onFailure: Way; branches: Readonly<Record<string, Branch>> },
): Segment {
  const keyed = Object.entries(branches);
  const all = new sfn.Parallel(states, name, {
    comment,
    parameters: { plan: sfn.JsonPath.objectAt("$.plan"), failure: NO_FAILURE },
    resultSelector: Object.fromEntries(
      keyed.map(([key], at) => [key, sfn.JsonPath.objectAt(`$[${at}].failure`)]),
    ),
    resultPath: "$.branches",
  });
  const ended = new sfn.Choice(states, `Ended: ${name}`);
  for (const [key, { name: task, ...options }] of keyed) {
    const caught = new Way();
    const work = states.task(task, { ...options, onFailure: caught });
    caught.leadTo(new sfn.Pass(states, `Caught: ${task}`));
    all.branch(work.first);
    const failed = new sfn.Pass(states, `Failed: ${task}`, {
      inputPath: `$.branches.${key}`,
      resultPath: "$.failure",
    });
    ended.when(sfn.Condition.not(sfn.Condition.stringEquals(`$.branches.${key}.Error`, "")), failed);
    onFailure.from((to) => void failed.next(to));
  }
  all.next(ended);
  return { first: all, leadTo: (next) => void ended.otherwise(next) };
}
