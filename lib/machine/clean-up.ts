import { Duration } from "aws-cdk-lib";
import * as sfn from "aws-cdk-lib/aws-stepfunctions";
import { Construct } from "constructs";
import type { Milestone } from "../../lambdas/clean-up/how-far.ts";
import { looksAtBackup, type MachineSettings, opened } from "./machine.ts";
import { build, noteMachine, type PhaseTable, phase } from "./phases.ts";
import { type FunctionsByCapability, GOES_ON, States } from "./states.ts";
import { Way } from "./way.ts";
import { END_TOLD, stuckAt, waysBack } from "./ways-back.ts";

export interface CleanUpProps extends Pick<MachineSettings, "restore" | "moments" | "keeps"> {
  functions: FunctionsByCapability;
  /** Longest time, in seconds, that a worker may still change anything but by a statement of a step. */
  workersSeconds: number;
  stateMachineProps: Omit<sfn.StateMachineProps, "definitionBody">;
}

/** Name of the error where a clean-up could not even begin. No run ends so. */
export const CLEAN_UP_FAILED = "CleanUpFailed";

/**
 * After a run that was stopped, ran out of time or was ended by Step Functions: no Catch of its own led it back. Its
 * input names that run, its execution, and how that ended. It looks how far the run came, goes back from there by the
 * run's own ways, or on where the application is in already, and closes it as every run is closed.
 */
export class CleanUp extends Construct {
  readonly stateMachine: sfn.StateMachine;

  constructor(scope: Construct, id: string, props: CleanUpProps) {
    super(scope, id);
    const states = new States(this, "States", {
      functions: props.functions,
      run: {
        run: sfn.JsonPath.stringAt("$.run"),
        execution: sfn.JsonPath.stringAt("$.execution"),
        cleanUp: sfn.JsonPath.stringAt("$$.Execution.Id"),
      },
      leadsBack: true,
    });
    const first = build(states, phasesOfCleanUp(props));
    this.stateMachine = new sfn.StateMachine(this, "Resource", {
      ...props.stateMachineProps,
      definitionBody: sfn.DefinitionBody.fromChainable(sfn.Chain.start(first)),
    });
    noteMachine(this.stateMachine, "clean-up", states);
  }
}

function phasesOfCleanUp({ restore, moments, keeps, workersSeconds }: CleanUpProps): PhaseTable {
  const looks = looksAtBackup({ restore, moments });
  return {
    Look: phase(look(workersSeconds), {
      untouched: "Refused",
      changed: "Roll back",
      opened: "Open",
      reopened: "Fence again",
      restoring: restore ? "Restore" : "NeedsOperator",
      "rolled back": "RolledBack",
      restored: "Restored",
      "given up": "NeedsOperator",
      failed: stuckAt(restore),
    }),
    ...opened({ looks, keeps, held: false }),
    ...waysBack(restore, looks),
  };
}

/** Where a run was when it was stopped, each with a way of its own; `failed`: nobody can tell. */
function look(workersSeconds: number) {
  return (states: States, { failed, ...ways }: Readonly<Record<Milestone | "failed", Way>>): sfn.State => {
    const start = new sfn.Pass(states, "Start", {
      parameters: {
        run: sfn.JsonPath.stringAt("$.run"),
        execution: sfn.JsonPath.stringAt("$.execution"),
        status: sfn.JsonPath.stringAt("$.status"),
        plan: { checksum: "" },
        failure: { Error: "", Cause: "" },
        unfinished: {},
        end: END_TOLD,
      },
    });
    const notBegun = new Way();
    const begin = states.task("Begin to clean up", {
      comment: "Closes the run to its own execution, should somebody redrive it, and keeps its lease.",
      capability: "clean-up",
      payload: { action: "begin", status: sfn.JsonPath.stringAt("$.status") },
      resultPath: "$.failure",
      onFailure: notBegun,
    });
    const needed = new sfn.Choice(states, "Is there anything to clean up?");
    const wait = new sfn.Wait(states, "Let its workers end", {
      time: sfn.WaitTime.duration(Duration.seconds(workersSeconds)),
    });
    const looked = states.loop("Look how far it came", {
      comment:
        "Ends what the run left running on production, and asks evidence and ledger what it left there.",
      capability: "clean-up",
      payload: { action: "look" },
      limitMinutes: 60,
      onFailure: failed,
    });
    const choice = new sfn.Choice(states, "How far did it come?");
    start.next(begin.first);
    begin.leadTo(needed);
    needed.when(
      sfn.Condition.stringEquals("$.failure.go", "nothing to do"),
      new sfn.Succeed(states, "Nothing to clean up"),
    );
    const goOn = new sfn.Pass(states, "Go on with its plan", {
      parameters: { checksum: sfn.JsonPath.stringAt("$.failure.plan") },
      resultPath: "$.plan",
    });
    needed.otherwise(goOn);
    goOn.next(wait);
    wait.next(looked.first);
    looked.leadTo(choice);
    for (const [came, way] of Object.entries(ways))
      way.from((to) => void choice.when(sfn.Condition.stringEquals("$.loop.came", came), to));
    failed.from((to) => void choice.otherwise(to));
    notBegun.leadTo(tellThatNobodyDoes(states));
    return start;
  };
}

function tellThatNobodyDoes(states: States): sfn.State {
  const failed = new sfn.Fail(states, "The clean-up could not begin", {
    error: CLEAN_UP_FAILED,
    causePath: "$.failure.Cause",
  });
  const tell = states.task("Tell that nobody cleans up", {
    comment: "A person must look now.",
    capability: "report",
    payload: { action: "tell" },
    onFailure: GOES_ON,
    failurePath: "$.unfinished.report",
  });
  tell.leadTo(failed);
  return tell.first;
}
