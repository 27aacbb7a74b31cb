import { Stack } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import type { Storage } from "./storage.ts";

/**
 * The policy for people who may publish plans. It starts nothing: a published plan has no effect until a run names it, and
 * then each gate shows its publisher.
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
