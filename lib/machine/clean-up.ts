import { Duration } from "aws-cdk-lib";
import * as sfn from "aws-cdk-lib/aws-stepfunctions";
import { Construct } from "constructs";
import type { Milestone } from "../../lambdas/clean-up/task.ts";
import { looksAtBackup, type MachineSettings, opened } from "./machine.ts";
import { build, noteMachine, type PhaseTable, phase } from "./phases.ts";
import { type FunctionsByCapability, GOES_ON, States } from "./states.ts";
import { Way } from "./way.ts";
import { END_TOLD, stuckAt, waysBack } from "./ways-back.ts";

export interface CleanUpProps extends Pick<MachineSettings, "restore" | "moments" | "keeps"> {
  functions: FunctionsByCapability;
  /** Longest time, in seconds, that a worker may still change anything except through a statement of a step. */
  workersSeconds: number;
  stateMachineProps: Omit<sfn.StateMachineProps, "definitionBody">;
}

/** Name of the error when a clean-up could not begin. No run ends with it. */
export const CLEAN_UP_FAILED = "CleanUpFailed";

/**
 * The machine that follows a run which was stopped, ran out of time, or was ended by Step Functions, so that no Catch led
 * it back. Its input names that run, its execution, and how that ended. It finds out how far the run came, goes back by
 * the run's own ways, or on if the application is already in, and closes the run like any other.
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

/** The ways from where a run was stopped; `failed`: that could not be found out. */
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
      comment: "Bars the run's own execution from acting, in case it is redriven, and keeps the run's lease.",
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
        "Ends what the run left running on production, and reads in evidence and ledger how far it came.",
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
  const notify = states.task("Tell that nobody cleans up", {
    comment: "A person must act now.",
    capability: "report",
    payload: { action: "tell" },
    onFailure: GOES_ON,
    failurePath: "$.unfinished.report",
  });
  notify.leadTo(failed);
  return notify.first;
}
