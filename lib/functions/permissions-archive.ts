import type { Stack } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import { snapshotPrefix } from "../../lambdas/shared/names.ts";
import type { Settings } from "../settings.ts";
import { finalSnapshotArn, rdsArn } from "./arns.ts";

/** Kind of snapshot: of an instance, or of a cluster. */
type Kind = "snapshot" | "cluster-snapshot";

/** Copying final snapshots to another Region and exporting them, each only if the settings ask for it. */
export function archiveStatements(
  stack: Stack,
  settings: Settings,
  exportRole: iam.IRole | undefined,
): iam.PolicyStatement[] {
  const { copyTo, exportTo } = settings.backup;
  const clusters = settings.databases.filter(({ cluster }) => cluster !== undefined).length;
  const kinds: Kind[] = [
    ...(clusters < settings.databases.length ? (["snapshot"] as const) : []),
    ...(clusters > 0 ? (["cluster-snapshot"] as const) : []),
  ];
  return [
    ...(copyTo ? kinds.flatMap((kind) => copyStatements(stack, kind, copyTo)) : []),
    ...(exportTo && exportRole ? exportStatements(stack, kinds, exportTo, exportRole) : []),
  ];
}

function copyStatements(
  stack: Stack,
  kind: Kind,
  { region, kmsKeyArn }: NonNullable<Settings["backup"]["copyTo"]>,
): iam.PolicyStatement[] {
  const copies = finalSnapshotArn(stack, kind, region);
  const what = kind === "snapshot" ? "DBSnapshot" : "DBClusterSnapshot";
  return [
    new iam.PolicyStatement({
      actions: [`rds:Copy${what}`],
      resources: [rdsArn(stack, kind, `${snapshotPrefix("final")}*`), copies],
    }),
    new iam.PolicyStatement({
      actions: ["rds:AddTagsToResource", `rds:Describe${what}s`],
      resources: [copies],
    }),
    ...(kmsKeyArn === undefined ? [] : [keyStatement(kmsKeyArn, `rds.${region}.amazonaws.com`)]),
  ];
}

function exportStatements(
  stack: Stack,
  kinds: readonly Kind[],
  { kmsKeyArn }: NonNullable<Settings["backup"]["exportTo"]>,
  role: iam.IRole,
): iam.PolicyStatement[] {
  return [
    new iam.PolicyStatement({
      actions: ["rds:StartExportTask"],
      resources: kinds.map((kind) => rdsArn(stack, kind, `${snapshotPrefix("final")}*`)),
    }),
    new iam.PolicyStatement({
      // The action takes no resources.
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

/** Rights on a key. RDS continues to use the key by itself, with the grant made here. */
function keyStatement(keyArn: string, via: string): iam.PolicyStatement {
  return new iam.PolicyStatement({
    actions: ["kms:CreateGrant", "kms:DescribeKey"],
    resources: [keyArn],
    conditions: { StringEquals: { "kms:ViaService": via } },
  });
}
