import { ArnFormat, Aws, type CfnResource, Stack } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import * as sfn from "aws-cdk-lib/aws-stepfunctions";
import { Construct } from "constructs";
import { MACHINE_METADATA } from "../machine/phases.ts";
import type { Storage } from "../storage.ts";
import { rolloutDefinition } from "./definition.ts";

export interface RolloutMachineProps {
  /** The version that every task of it calls. */
  function: IFunction;
  /** The machine that runs are executions of. */
  runs: sfn.StateMachine;
  storage: Storage;
  stateMachineProps: Omit<sfn.StateMachineProps, "definitionBody">;
}

/** Starts runs of one plan on many databases, in waves, by Step Functions' own Distributed Map. */
export class RolloutMachine extends Construct {
  readonly stateMachine: sfn.StateMachine;

  constructor(scope: Construct, id: string, props: RolloutMachineProps) {
    super(scope, id);
    const { function: called, runs, storage, stateMachineProps } = props;
    const definition = rolloutDefinition({
      function: called.functionArn,
      runs: runs.stateMachineArn,
      partition: Aws.PARTITION,
      bucket: storage.bucket.bucketName,
    });
    this.stateMachine = new sfn.StateMachine(this, "Resource", {
      ...stateMachineProps,
      definitionBody: sfn.DefinitionBody.fromString(Stack.of(this).toJsonString(definition)),
    });
    (this.stateMachine.node.defaultChild as CfnResource).addMetadata(MACHINE_METADATA, "rollout");
    called.grantInvoke(this.stateMachine);
    storage.allowItems(this.stateMachine);
    this.allow(runs);
  }

  /** A policy of its own, since it names the machine whose role has it. */
  private allow(runs: sfn.StateMachine): void {
    const { stateMachineArn: own, stateMachineName: name, role } = this.stateMachine;
    const execution = (of: string, which: string) =>
      Stack.of(this).formatArn({
        service: "states",
        resource: "execution",
        resourceName: `${of}${which}`,
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      });
    new iam.Policy(this, "Runs", {
      roles: [role],
      statements: [
        // A Map of this mode starts its items as executions of the same machine.
        new iam.PolicyStatement({
          actions: ["states:StartExecution"],
          resources: [runs.stateMachineArn, own],
        }),
        // It may stop the items, but no run: a rollout that is stopped leaves runs that are under way to their end.
        new iam.PolicyStatement({
          actions: ["states:DescribeExecution", "states:StopExecution"],
          resources: [execution(name, "/*")],
        }),
        new iam.PolicyStatement({
          actions: ["states:DescribeExecution"],
          resources: [execution(runs.stateMachineName, ":*")],
        }),
        // By which Step Functions hears that a run has ended.
        new iam.PolicyStatement({
          actions: ["events:PutTargets", "events:PutRule", "events:DescribeRule"],
          resources: [
            Stack.of(this).formatArn({
              service: "events",
              resource: "rule",
              resourceName: "StepFunctionsGetEventsForStepFunctionsExecutionRule",
            }),
          ],
        }),
      ],
    });
  }
}
