import type { Stack } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import type { Database, Settings } from "../settings.ts";
import { managedSecretArns, viaServices } from "./arns.ts";

/** Giving a restored production its roles back, and a master password that RDS manages. */
export function handedBackStatements(stack: Stack, { databases }: Settings): iam.PolicyStatement[] {
  const secretKeys = new Set(databases.flatMap(({ secretKmsKeyArn }) => secretKmsKeyArn ?? []));
  const kinds = new Set(databases.map(({ cluster }) => (cluster ? "cluster" : "db")));
  return [
    new iam.PolicyStatement({
      // The roles are those that production had, which are known only at that time.
      actions: ["iam:PassRole"],
      resources: [stack.formatArn({ service: "iam", region: "", resource: "role", resourceName: "*" })],
      conditions: {
        StringEquals: { "iam:PassedToService": ["monitoring.rds.amazonaws.com", "rds.amazonaws.com"] },
      },
    }),
    new iam.PolicyStatement({
      // For RDS to manage the restored instance's master password, if it managed production's.
      actions: ["secretsmanager:CreateSecret", "secretsmanager:TagResource"],
      resources: [...kinds].map((kind) => managedSecretArns(stack, kind)),
      // aws:CalledVia does not include RDS. Only a service can make a secret with such a name.
      conditions: { Bool: { "aws:ViaAWSService": "true" } },
    }),
    ...(databases.some(usesDefaultSecretKey)
      ? [
          new iam.PolicyStatement({
            // Before RDS makes the secret, it describes the account's default key as its caller. That key's own policy allows
            // the rest.
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

/** Whether a secret that RDS makes for the database is encrypted with the account's default key. */
export function usesDefaultSecretKey({ secretKmsKeyArn }: Database): boolean {
  return secretKmsKeyArn === undefined;
}

/** Copying data that is encrypted with the account's own key. */
export function storageKeyStatements(stack: Stack, databases: readonly Database[]): iam.PolicyStatement[] {
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
