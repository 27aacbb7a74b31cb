import type { Stack } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import { snapshotPrefix } from "../../lambdas/shared/names.ts";
import type { Settings } from "../settings.ts";
import { finalSnapshotArn, rdsArn } from "./arns.ts";

/** Copying final snapshots to another Region and exporting them, each only where the settings want it. */
export function archiveStatements(
  stack: Stack,
  { backup: { copyTo, exportTo } }: Settings,
  exportRole: iam.IRole | undefined,
): iam.PolicyStatement[] {
  return [
    ...(copyTo ? copyStatements(stack, copyTo) : []),
    ...(exportTo && exportRole ? exportStatements(stack, exportTo, exportRole) : []),
  ];
}

function copyStatements(
  stack: Stack,
  { region, kmsKeyArn }: NonNullable<Settings["backup"]["copyTo"]>,
): iam.PolicyStatement[] {
  const copies = finalSnapshotArn(stack, region);
  return [
    new iam.PolicyStatement({
      actions: ["rds:CopyDBSnapshot"],
      resources: [rdsArn(stack, "snapshot", `${snapshotPrefix("final")}*`), copies],
    }),
    new iam.PolicyStatement({
      actions: ["rds:AddTagsToResource", "rds:DescribeDBSnapshots"],
      resources: [copies],
    }),
    ...(kmsKeyArn === undefined ? [] : [keyStatement(kmsKeyArn, `rds.${region}.amazonaws.com`)]),
  ];
}

function exportStatements(
  stack: Stack,
  { kmsKeyArn }: NonNullable<Settings["backup"]["exportTo"]>,
  role: iam.IRole,
): iam.PolicyStatement[] {
  return [
    new iam.PolicyStatement({
      actions: ["rds:StartExportTask"],
      resources: [rdsArn(stack, "snapshot", `${snapshotPrefix("final")}*`)],
    }),
    new iam.PolicyStatement({
      // The action knows no resources.
      actions: ["rds:DescribeExportTasks"],
      resources: ["*"],
    }),
    new iam.PolicyStatement({
      actions: ["iam:PassRole"],
      resources: [role.roleArn],
      conditions: { StringEquals: { "iam:PassedToService": "export.rds.amazonaws.com" } },
    }),
    keyStatement(kmsKeyArn, `rds.${stack.region}.amazonaws.com`),
  ];
}

/** RDS goes on with the key by itself, by a grant that it is given here. */
function keyStatement(keyArn: string, via: string): iam.PolicyStatement {
  return new iam.PolicyStatement({
    actions: ["kms:CreateGrant", "kms:DescribeKey"],
    resources: [keyArn],
    conditions: { StringEquals: { "kms:ViaService": via } },
  });
}
