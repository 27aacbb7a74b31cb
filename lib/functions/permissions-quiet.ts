import type { Stack } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import { QUIET_PREFIX } from "../../lambdas/shared/names.ts";
import { rdsArn } from "./arns.ts";

/** Making Sluice's own parameter groups from production's, which may have any name: of instances, or of clusters. */
export function quietStatements(stack: Stack, of: "pg" | "cluster-pg"): iam.PolicyStatement[] {
  const what = of === "pg" ? "DB" : "DBCluster";
  return [
    new iam.PolicyStatement({
      actions: [`rds:Describe${what}ParameterGroups`, `rds:Describe${what}Parameters`],
      resources: [rdsArn(stack, of, "*")],
    }),
    new iam.PolicyStatement({
      actions: [
        `rds:Create${what}ParameterGroup`,
        `rds:Modify${what}ParameterGroup`,
        "rds:AddTagsToResource",
      ],
      resources: [rdsArn(stack, of, `${QUIET_PREFIX}*`)],
    }),
  ];
}

export function deleteQuietStatement(stack: Stack, of: "pg" | "cluster-pg"): iam.PolicyStatement {
  return new iam.PolicyStatement({
    actions: [of === "pg" ? "rds:DeleteDBParameterGroup" : "rds:DeleteDBClusterParameterGroup"],
    resources: [rdsArn(stack, of, `${QUIET_PREFIX}*`)],
  });
}
