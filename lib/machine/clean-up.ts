import { Duration } from "aws-cdk-lib";
import * as sfn from "aws-cdk-lib/aws-stepfunctions";
import { Construct } from "constructs";
import type { Came } from "../../lambdas/clean-up/how-far.ts";
import type { CompiledPlan } from "../../lambdas/shared/plan.ts";
import { open } from "./opening.ts";
import { type FunctionsByCapability, States } from "./states.ts";
import { END_TOLD, noteMachine, waysBack } from "./ways-back.ts";

export interface CleanUpProps {
  plan: CompiledPlan;
  restore: boolean;
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
    const { plan } = props;
    const states = new States(this, "States", {
      functions: props.functions,
      run: {
        run: sfn.JsonPath.stringAt("$.run"),
        execution: sfn.JsonPath.stringAt("$.execution"),
        cleanUp: sfn.JsonPath.stringAt("$$.Execution.Id"),
      },
      leadsBack: true,
    });
    const { ends, undo, undoOpened, stuck, restoring } = waysBack(states, props);
    const opened = states.phase("Open", () =>
      open(states, { plan, onBack: undoOpened, onDone: ends.Succeeded }),
    );
    const first = states.phase("Look", () => {
      const look = this.look(states, props, stuck);
      const ways: Record<Came, sfn.State> = {
        untouched: ends.Refused,
        changed: undo,
        opened,
        reopened: undoOpened,
        restoring: restoring ?? stuck,
        "rolled back": ends.RolledBack,
        restored: ends.Restored,
        "given up": ends.NeedsOperator,
      };
      for (const [came, way] of Object.entries(ways))
        look.choice.when(sfn.Condition.stringEquals("$.loop.came", came), way);
      look.choice.otherwise(stuck);
      return look.first;
    });
    this.stateMachine = new sfn.StateMachine(this, "Resource", {
      ...props.stateMachineProps,
      definitionBody: sfn.DefinitionBody.fromChainable(sfn.Chain.start(first)),
    });
    noteMachine(this.stateMachine, "clean-up", states, ["Look", "Open"]);
  }

  private look(states: States, { workersSeconds }: CleanUpProps, onFailure: sfn.State) {
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
    const failed = new sfn.Fail(states, "The clean-up could not begin", {
      error: CLEAN_UP_FAILED,
      causePath: "$.failure.Cause",
    });
    const tell = states.task("Tell that nobody cleans up", {
      comment: "A person must look now.",
      capability: "report",
      payload: { action: "tell" },
      onFailure: failed,
      failurePath: "$.unfinished.report",
    });
    tell.leadTo(failed);
    const begin = states.task("Begin to clean up", {
      comment: "Closes the run to its own execution, should somebody redrive it, and keeps its lease.",
      capability: "clean-up",
      payload: { action: "begin", status: sfn.JsonPath.stringAt("$.status") },
      resultPath: "$.failure",
      onFailure: tell.first,
    });
    const wait = new sfn.Wait(states, "Let its workers end", {
      time: sfn.WaitTime.duration(Duration.seconds(workersSeconds)),
    });
    const choice = new sfn.Choice(states, "How far did it come?");
    const look = states.loop("Look how far it came", {
      comment:
        "Ends what the run left running on production, and asks evidence and ledger what it left there.",
      capability: "clean-up",
      payload: { action: "look" },
      limitMinutes: 60,
      onFailure,
    });
    start.next(begin.first);
    const needed = new sfn.Choice(states, "Is there anything to clean up?");
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
    wait.next(look.first);
    look.leadTo(choice);
    return { first: start, choice };
  }
}
