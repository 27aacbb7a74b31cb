import { ArnFormat, Duration, RemovalPolicy, Stack } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import type * as lambda from "aws-cdk-lib/aws-lambda";
import { ScheduleGroup } from "aws-cdk-lib/aws-scheduler";
import { Construct } from "constructs";
import { watchSchedules } from "../lambdas/shared/aws/events.ts";
import { Envar } from "../lambdas/shared/deployment.ts";

export interface WatchProps {
  /** The function that schedules the watch. */
  starter: lambda.Function;
  /** The function that takes one reading. */
  probe: lambda.Function;
  /** Labels of the databases that may be watched. */
  labels: readonly string[];
}

/** For a watch that continues after its run: a group for the schedules, and a role to call the probe. */
export class Watch extends Construct {
  constructor(scope: Construct, id: string, { starter, probe, labels }: WatchProps) {
    super(scope, id);
    const stack = Stack.of(this);
    const group = new ScheduleGroup(this, "Schedules", {
      // The schedules are deleted with the group, so none calls a function that is gone.
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new iam.Role(this, "Role", {
      description: "Sluice: calls the watch on its schedule",
      assumedBy: new iam.ServicePrincipal("scheduler.amazonaws.com", {
        conditions: {
          StringEquals: {
            "aws:SourceAccount": stack.account,
            "aws:SourceArn": group.scheduleGroupArn,
          },
        },
      }),
    });
    role.addToPolicy(
      new iam.PolicyStatement({ actions: ["lambda:InvokeFunction"], resources: [probe.functionArn] }),
    );
    // A late reading is of no use: the next one comes soon.
    probe.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: Duration.minutes(1) });

    starter.addEnvironment(Envar.watchFunction, probe.functionArn);
    starter.addEnvironment(Envar.watchRole, role.roleArn);
    starter.addEnvironment(Envar.watchGroup, group.scheduleGroupName);
    const names = labels.flatMap((label) => Object.values(watchSchedules(label)));
    const schedules = names.map((name) =>
      stack.formatArn({
        service: "scheduler",
        resource: "schedule",
        resourceName: `${group.scheduleGroupName}/${name}`,
        arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
      }),
    );
    if (!starter.role) throw new Error(`${starter.node.path} has no role`);
    new iam.Policy(this, "Starts", {
      roles: [starter.role],
      statements: [
        new iam.PolicyStatement({
          actions: ["scheduler:CreateSchedule", "scheduler:UpdateSchedule"],
          resources: schedules,
        }),
        new iam.PolicyStatement({
          actions: ["iam:PassRole"],
          resources: [role.roleArn],
          conditions: { StringEquals: { "iam:PassedToService": "scheduler.amazonaws.com" } },
        }),
      ],
    });
  }
}
