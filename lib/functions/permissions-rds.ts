import type { Stack } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import { STAGING_PREFIX, snapshotPrefix } from "../../lambdas/shared/names.ts";
import { type Database, instancesOf, type Settings } from "../settings.ts";
import { asidePattern, instanceArn, rdsArn, snapshotArns } from "./arns.ts";
import { storageKeyStatements } from "./permissions-keys.ts";
import { deleteQuietStatement, quietStatements } from "./permissions-quiet.ts";

/** Seeing production, the former production, staging, and our snapshots. */
export function instanceStatements(stack: Stack, settings: Settings): iam.PolicyStatement[] {
  const databases = instancesAmong(settings);
  if (databases.length === 0) return [];
  const { production, aside } = productions(stack, databases);
  return [
    new iam.PolicyStatement({
      actions: ["rds:DescribeDBInstances"],
      resources: [...production, ...aside, instanceArn(stack, `${STAGING_PREFIX}*`)],
    }),
    new iam.PolicyStatement({
      actions: ["rds:DescribeDBSnapshots"],
      resources: [...snapshotArns(stack), ...production],
    }),
    new iam.PolicyStatement({
      // Free disk. CloudWatch takes no resources for reading metrics.
      actions: ["cloudwatch:GetMetricStatistics"],
      resources: ["*"],
    }),
  ];
}

/** Reading what surrounds production and matters to a run. */
export function surroundingsStatements(stack: Stack): iam.PolicyStatement[] {
  return [
    new iam.PolicyStatement({
      actions: ["rds:DescribeBlueGreenDeployments"],
      resources: [rdsArn(stack, "deployment", "*")],
    }),
    new iam.PolicyStatement({
      actions: ["rds:DescribeDBProxies", "rds:DescribeDBProxyTargets"],
      resources: [
        rdsArn(stack, "db-proxy", "*"),
        rdsArn(stack, "target-group", "*"),
        rdsArn(stack, "target", "*"),
      ],
    }),
    new iam.PolicyStatement({
      // Quotas, and the end of support of a version of the engine. The actions take no resources.
      actions: ["rds:DescribeAccountAttributes", "rds:DescribeDBMajorEngineVersions"],
      resources: ["*"],
    }),
  ];
}

/** Taking snapshots of production. */
export function snapshotStatements(stack: Stack, settings: Settings): iam.PolicyStatement[] {
  const databases = instancesAmong(settings);
  if (databases.length === 0) return [];
  return [
    new iam.PolicyStatement({
      actions: ["rds:CreateDBSnapshot", "rds:AddTagsToResource"],
      resources: snapshotArns(stack),
    }),
    new iam.PolicyStatement({
      actions: ["rds:CreateDBSnapshot"],
      resources: productions(stack, databases).production,
    }),
    ...storageKeyStatements(stack, databases),
  ];
}

/**
 * Making, changing and deleting instances with staging's name, from our snapshots and, if production may be restored, from
 * its automated backups. Only the rehearsal's snapshots may be deleted: the final one is the way back.
 */
export function stagingStatements(stack: Stack, settings: Settings): iam.PolicyStatement[] {
  const databases = instancesAmong(settings);
  if (databases.length === 0) return [];
  const { restore } = settings;
  const staging = [instanceArn(stack, `${STAGING_PREFIX}*`)];
  return [
    ...restoreStatements(stack, staging, databases),
    ...(restore ? momentStatements(stack, settings, staging, productions(stack, databases).production) : []),
    new iam.PolicyStatement({
      actions: ["rds:DeleteDBInstance"],
      resources: [instanceArn(stack, `${STAGING_PREFIX}*`)],
    }),
    ...quietStatements(stack, "pg"),
    deleteQuietStatement(stack, "pg"),
    new iam.PolicyStatement({
      actions: ["rds:DeleteDBSnapshot"],
      resources: [rdsArn(stack, "snapshot", `${snapshotPrefix("rehearsal")}*`)],
    }),
  ];
}

/** Renaming production and restoring it under its name. Nothing here deletes an instance. */
export function productionStatements(stack: Stack, settings: Settings): iam.PolicyStatement[] {
  const databases = instancesAmong(settings);
  if (databases.length === 0) return [];
  const { production, aside } = productions(stack, databases);
  return [
    ...restoreStatements(stack, production, databases),
    ...momentStatements(stack, settings, production, aside),
    new iam.PolicyStatement({
      actions: ["rds:ModifyDBInstance", "rds:RebootDBInstance"],
      resources: aside,
    }),
    ...quietStatements(stack, "pg"),
    new iam.PolicyStatement({ actions: ["rds:AddRoleToDBInstance"], resources: production }),
  ];
}

function instancesAmong({ databases }: Settings): Database[] {
  return databases.filter(({ cluster }) => cluster === undefined);
}

/** ARNs of production's instances, also under the names that they get when a restore replaces them. */
function productions(
  stack: Stack,
  databases: readonly Database[],
): { production: string[]; aside: string[] } {
  const instances = instancesOf(databases);
  return {
    production: instances.map((instance) => instanceArn(stack, instance)),
    aside: instances.map((instance) => instanceArn(stack, asidePattern(instance))),
  };
}

function restoreStatements(
  stack: Stack,
  instances: string[],
  databases: readonly Database[],
): iam.PolicyStatement[] {
  return [
    new iam.PolicyStatement({
      actions: [
        "rds:RestoreDBInstanceFromDBSnapshot",
        "rds:ModifyDBInstance",
        "rds:RebootDBInstance",
        "rds:AddTagsToResource",
      ],
      resources: instances,
    }),
    new iam.PolicyStatement({
      actions: ["rds:RestoreDBInstanceFromDBSnapshot"],
      resources: snapshotArns(stack),
    }),
    new iam.PolicyStatement({
      actions: ["rds:RestoreDBInstanceFromDBSnapshot", "rds:ModifyDBInstance"],
      resources: groupArns(stack),
    }),
    ...storageKeyStatements(stack, databases),
  ];
}

/**
 * Restoring to a moment. IAM checks both instances without distinguishing them. But RDS makes no instance under a name that
 * is taken, and changes no instance that exists.
 */
function momentStatements(
  stack: Stack,
  { backup }: Settings,
  to: string[],
  from: string[],
): iam.PolicyStatement[] {
  if (backup.by === "snapshot" || backup.by === "clone") return [];
  return [
    new iam.PolicyStatement({
      actions: ["rds:RestoreDBInstanceToPointInTime"],
      resources: [...to, ...from, ...groupArns(stack)],
    }),
  ];
}

/** The parameter and subnet groups are production's own at that time: their names are not known here. */
function groupArns(stack: Stack): string[] {
  return [rdsArn(stack, "subgrp", "*"), rdsArn(stack, "pg", "*"), rdsArn(stack, "og", "*")];
}
