import type { Stack } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import type { Database, Settings } from "../settings.ts";
import { managedSecretArns, viaServices } from "./arns.ts";

/** Giving a restored production what production had of others': roles, and a master password that RDS manages. */
export function handedBackStatements(stack: Stack, { databases }: Settings): iam.PolicyStatement[] {
  const secretKeys = new Set(databases.flatMap(({ secretKmsKeyArn }) => secretKmsKeyArn ?? []));
  const kinds = new Set(databases.map(({ cluster }) => (cluster ? "cluster" : "db")));
  return [
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
      resources: [...kinds].map((kind) => managedSecretArns(stack, kind)),
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

/** Copying what is encrypted with a key of the account's own. */
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
