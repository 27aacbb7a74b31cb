import { ArnFormat, type Stack } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import type { Settings } from "../settings.ts";
import { instanceArn, managedSecretArns, viaServices } from "./arns.ts";

/** Logging in: by a secret, or by a token of IAM's. */
export function databaseStatements(stack: Stack, { database }: Settings): iam.PolicyStatement[] {
  const { iamUser, secretArn } = database;
  if (iamUser !== undefined) return [tokenStatement(stack, iamUser)];
  return secretArn === undefined ? [] : secretStatements(stack, database, secretArn);
}

/** As that one role, on any instance: each copy of production has a resource id of its own, known only once it is there. */
function tokenStatement(stack: Stack, user: string): iam.PolicyStatement {
  return new iam.PolicyStatement({
    actions: ["rds-db:connect"],
    resources: [
      stack.formatArn({
        service: "rds-db",
        resource: "dbuser",
        resourceName: `*/${user}`,
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      }),
    ],
  });
}

/** The secret, and the one that RDS makes when a restored production gets a managed password again. */
function secretStatements(
  stack: Stack,
  database: Settings["database"],
  secretArn: string,
): iam.PolicyStatement[] {
  const statements = [
    new iam.PolicyStatement({ actions: ["secretsmanager:GetSecretValue"], resources: [secretArn] }),
    new iam.PolicyStatement({
      actions: ["secretsmanager:GetSecretValue"],
      // RDS chooses the name; the tag, which only RDS can set, says whose it is.
      resources: [managedSecretArns(stack)],
      conditions: {
        StringEquals: {
          "aws:ResourceTag/aws:rds:primaryDBInstanceArn": instanceArn(stack, database.instance),
        },
      },
    }),
    new iam.PolicyStatement({
      actions: ["secretsmanager:ListSecrets"],
      // Looked for only when the known secret opens nothing. The action knows no resources; it shows no values.
      resources: ["*"],
    }),
  ];
  if (database.secretKmsKeyArn !== undefined)
    statements.push(
      new iam.PolicyStatement({
        actions: ["kms:Decrypt"],
        resources: [database.secretKmsKeyArn],
        conditions: { StringEquals: { "kms:ViaService": viaServices(stack, "secretsmanager") } },
      }),
    );
  return statements;
}
