import { Fn, type Stack, Token } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import { asidePrefix, QUIET_PREFIX, STAGING_PREFIX, snapshotPrefix } from "../../lambdas/shared/names.ts";
import { type Database, instancesOf, type Settings } from "../settings.ts";
import { instanceArn, managedSecretArns, rdsArn, snapshotArns, viaServices } from "./arns.ts";

/** Seeing production, the former production, staging, and our snapshots. */
export function instanceStatements(stack: Stack, { databases }: Settings): iam.PolicyStatement[] {
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
      // Free disk. CloudWatch knows no resources for reading metrics.
      actions: ["cloudwatch:GetMetricStatistics"],
      resources: ["*"],
    }),
  ];
}

/** Seeing what around production a run has to know of: all of it only to be looked at. */
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
      // Quotas, and until when a version of the engine is supported. The actions know no resources.
      actions: ["rds:DescribeAccountAttributes", "rds:DescribeDBMajorEngineVersions"],
      resources: ["*"],
    }),
  ];
}

/** Taking snapshots of production. */
export function snapshotStatements(stack: Stack, { databases }: Settings): iam.PolicyStatement[] {
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
 * Making, changing and deleting instances of staging's name, from our snapshots and, where production may be restored,
 * from its automated backups. Of the snapshots only the rehearsal's may be deleted: the final one is the way back.
 */
export function stagingStatements(stack: Stack, settings: Settings): iam.PolicyStatement[] {
  const { databases, restore } = settings;
  const staging = [instanceArn(stack, `${STAGING_PREFIX}*`)];
  return [
    ...restoreStatements(stack, staging, databases),
    ...(restore ? momentStatements(stack, settings, staging, productions(stack, databases).production) : []),
    new iam.PolicyStatement({
      actions: ["rds:DeleteDBInstance"],
      resources: [instanceArn(stack, `${STAGING_PREFIX}*`)],
    }),
    ...quietStatements(stack),
    new iam.PolicyStatement({
      actions: ["rds:DeleteDBParameterGroup"],
      resources: [rdsArn(stack, "pg", `${QUIET_PREFIX}*`)],
    }),
    new iam.PolicyStatement({
      actions: ["rds:DeleteDBSnapshot"],
      resources: [rdsArn(stack, "snapshot", `${snapshotPrefix("rehearsal")}*`)],
    }),
  ];
}

/** Renaming production and restoring it under its name. Nothing here deletes an instance. */
export function productionStatements(stack: Stack, settings: Settings): iam.PolicyStatement[] {
  const { databases } = settings;
  const { production, aside } = productions(stack, databases);
  const secretKeys = new Set(databases.flatMap(({ secretKmsKeyArn }) => secretKmsKeyArn ?? []));
  return [
    ...restoreStatements(stack, production, databases),
    ...momentStatements(stack, settings, production, aside),
    new iam.PolicyStatement({
      actions: ["rds:ModifyDBInstance", "rds:RebootDBInstance"],
      resources: aside,
    }),
    ...quietStatements(stack),
    new iam.PolicyStatement({ actions: ["rds:AddRoleToDBInstance"], resources: production }),
    new iam.PolicyStatement({
      // The restored instance gets the roles that production had; which these are is known only then.
      actions: ["iam:PassRole"],
      resources: [stack.formatArn({ service: "iam", region: "", resource: "role", resourceName: "*" })],
      conditions: {
        StringEquals: { "iam:PassedToService": ["monitoring.rds.amazonaws.com", "rds.amazonaws.com"] },
      },
    }),
    new iam.PolicyStatement({
      // Lets RDS manage the master password of the restored instance where it managed production's.
      actions: ["secretsmanager:CreateSecret", "secretsmanager:TagResource"],
      resources: [managedSecretArns(stack)],
      // RDS is none of the services that aws:CalledVia names. A secret of such a name can only be a service's.
      conditions: { Bool: { "aws:ViaAWSService": "true" } },
    }),
    ...(databases.some(usesDefaultSecretKey)
      ? [
          new iam.PolicyStatement({
            // Before it makes the secret, RDS looks at the account's default key as who called it; that key's own
            // policy allows all else.
            actions: ["kms:DescribeKey"],
            resources: [stack.formatArn({ service: "kms", resource: "key", resourceName: "*" })],
            conditions: {
              "ForAnyValue:StringEquals": { "kms:ResourceAliases": "alias/aws/secretsmanager" },
            },
          }),
        ]
      : []),
    ...(secretKeys.size === 0
      ? []
      : [
          new iam.PolicyStatement({
            actions: ["kms:DescribeKey", "kms:Decrypt", "kms:GenerateDataKey", "kms:CreateGrant"],
            resources: [...secretKeys],
            conditions: { StringEquals: { "kms:ViaService": viaServices(stack, "rds", "secretsmanager") } },
          }),
        ]),
  ];
}

/** True where the secret of that database, should RDS make one, is encrypted with the account's default key. */
export function usesDefaultSecretKey({ secretKmsKeyArn }: Database): boolean {
  return secretKmsKeyArn === undefined;
}

/** ARNs of the instances that are production, and of what they are called once a restore has taken their place. */
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

/** Of a name that CloudFormation makes up only its first word is at hand here, up to a hyphen. */
export function asidePattern(instance: string): string {
  return Token.isUnresolved(instance)
    ? `${Fn.select(0, Fn.split("-", instance))}*-before-*`
    : `${asidePrefix(instance)}*`;
}

/** Making parameter groups of Sluice's own from production's, whatever that is called. */
function quietStatements(stack: Stack): iam.PolicyStatement[] {
  return [
    new iam.PolicyStatement({
      actions: ["rds:DescribeDBParameterGroups", "rds:DescribeDBParameters"],
      resources: [rdsArn(stack, "pg", "*")],
    }),
    new iam.PolicyStatement({
      actions: ["rds:CreateDBParameterGroup", "rds:ModifyDBParameterGroup", "rds:AddTagsToResource"],
      resources: [rdsArn(stack, "pg", `${QUIET_PREFIX}*`)],
    }),
  ];
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
 * Restoring to a moment. IAM is asked about both instances, and cannot tell which is which; but RDS makes none under a
 * name that is taken, and changes none that is there.
 */
function momentStatements(
  stack: Stack,
  { backup }: Settings,
  to: string[],
  from: string[],
): iam.PolicyStatement[] {
  if (backup.by === "snapshot") return [];
  return [
    new iam.PolicyStatement({
      actions: ["rds:RestoreDBInstanceToPointInTime"],
      resources: [...to, ...from, ...groupArns(stack)],
    }),
  ];
}

/** The groups are production's own, as they are at the time: their names are not known here. */
function groupArns(stack: Stack): string[] {
  return [rdsArn(stack, "subgrp", "*"), rdsArn(stack, "pg", "*"), rdsArn(stack, "og", "*")];
}

function storageKeyStatements(stack: Stack, databases: readonly Database[]): iam.PolicyStatement[] {
  const keys = new Set(databases.flatMap(({ storageKmsKeyArn }) => storageKmsKeyArn ?? []));
  if (keys.size === 0) return [];
  return [
    new iam.PolicyStatement({
      actions: ["kms:DescribeKey", "kms:CreateGrant"],
      resources: [...keys],
      conditions: { StringEquals: { "kms:ViaService": viaServices(stack, "rds") } },
    }),
  ];
}
