import { ArnFormat, Duration, Stack } from "aws-cdk-lib";
import * as events from "aws-cdk-lib/aws-events";
import * as targets from "aws-cdk-lib/aws-events-targets";
import * as sfn from "aws-cdk-lib/aws-stepfunctions";
import * as tasks from "aws-cdk-lib/aws-stepfunctions-tasks";
import { Construct } from "constructs";
import { EVENT_SOURCE } from "../lambdas/shared/aws/events.ts";
import { PING } from "../lambdas/shared/deployment.ts";
import type { MachineCapability } from "./machine/capabilities.ts";
import type { FunctionsByCapability } from "./machine/states.ts";

/** Functions that a run calls from the rehearsal gate's Go until the application is in, or production is rolled back. */
export const CALLED_IN_DOWNTIME: readonly MachineCapability[] = [
  "application",
  "alarms",
  "fence",
  "record",
  "snapshot",
  "writes",
  "migrate",
  "validate",
  "prove",
  "benchmark",
  "rollback",
  "gate",
];

/** Lambda keeps an idle sandbox for at least five minutes. */
const EVERY = Duration.minutes(4);

/** An execution's history may have 25,000 events, and each round of calls adds about a hundred. */
const LONGEST = Duration.hours(12);

export interface KeepWarmProps {
  /** The machine that executes runs. */
  machine: sfn.StateMachine;
  functions: FunctionsByCapability;
  stateMachineProps: Omit<sfn.StateMachineProps, "definitionBody">;
}

/**
 * Calls the downtime's functions from the rehearsal gate on, so that none of them has to start while the application is
 * out. Before each call it checks that the run is still under way, and it ends when the run ends. No run depends on it:
 * if it fails, functions start as usual.
 */
export class KeepWarm extends Construct {
  readonly stateMachine: sfn.StateMachine;

  constructor(scope: Construct, id: string, { machine, functions, stateMachineProps }: KeepWarmProps) {
    super(scope, id);
    const executionOf = (run: string) =>
      Stack.of(this).formatArn({
        service: "states",
        resource: "execution",
        resourceName: `${machine.stateMachineName}:${run}`,
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      });
    const done = new sfn.Succeed(this, "The run goes on no more");
    // An event of another deployment in the account names no execution of this machine.
    const look = new tasks.CallAwsService(this, "Look at the run", {
      service: "sfn",
      action: "describeExecution",
      parameters: { ExecutionArn: sfn.JsonPath.format(executionOf("{}"), sfn.JsonPath.stringAt("$.run")) },
      iamAction: "states:DescribeExecution",
      iamResources: [executionOf("*")],
      resultSelector: { status: sfn.JsonPath.stringAt("$.Status") },
      resultPath: "$.execution",
    }).addCatch(done);
    const wait = new sfn.Wait(this, "Wait", { time: sfn.WaitTime.duration(EVERY) });
    const call = new sfn.Parallel(this, "Call the functions", { resultPath: sfn.JsonPath.DISCARD });
    for (const name of CALLED_IN_DOWNTIME) {
      const lambdaFunction = functions[name];
      if (!lambdaFunction) throw new Error(`No function is deployed for ${name}`);
      call.branch(
        new tasks.LambdaInvoke(this, `Call ${name}`, {
          lambdaFunction,
          payload: sfn.TaskInput.fromObject(PING),
          payloadResponseOnly: true,
          retryOnServiceExceptions: false,
          taskTimeout: sfn.Timeout.duration(Duration.minutes(1)),
        }).addCatch(new sfn.Pass(this, `${name} did not answer`)),
      );
    }
    const goesOn = sfn.Condition.stringEquals("$.execution.status", "RUNNING");
    look.next(new sfn.Choice(this, "Does it go on?").when(goesOn, call).otherwise(done));
    call.next(wait);
    wait.next(look);
    this.stateMachine = new sfn.StateMachine(this, "Resource", {
      ...stateMachineProps,
      definitionBody: sfn.DefinitionBody.fromChainable(look),
      timeout: LONGEST,
    });
    // It starts again at the answer, as the gate may have been open for longer than this runs.
    new events.Rule(this, "Gates", {
      description: "Sluice: the gate before a downtime",
      eventPattern: {
        source: [EVENT_SOURCE],
        detailType: ["Gate Opened", "Gate Decided"],
        detail: { gate: ["rehearsal"] },
      },
      targets: [
        new targets.SfnStateMachine(this.stateMachine, {
          input: events.RuleTargetInput.fromObject({ run: events.EventField.fromPath("$.detail.run") }),
        }),
      ],
    });
  }
}
