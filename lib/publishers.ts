import { Stack } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import type { Storage } from "./storage.ts";

/**
 * Who may publish plans: whoever this policy is attached to. It lets them start nothing. A plan that was published does
 * nothing until a run names it, and then people see at each gate who published it.
 */
export class Publishers extends Construct {
  readonly policy: iam.ManagedPolicy;

  constructor(scope: Construct, id: string, { storage }: { storage: Storage }) {
    super(scope, id);
    this.policy = new iam.ManagedPolicy(this, "Policy", {
      description: "Sluice: publishes plans",
      statements: [
        ...storage.publishStatements(),
        // The command finds the bucket and the machine in the stack's outputs.
        new iam.PolicyStatement({
          actions: ["cloudformation:DescribeStacks"],
          resources: [
            Stack.of(this).formatArn({
              service: "cloudformation",
              resource: "stack",
              resourceName: `${Stack.of(this).stackName}/*`,
            }),
          ],
        }),
      ],
    });
  }
}
