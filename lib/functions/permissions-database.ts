import { ArnFormat, type Stack } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import { type Database, instancesOf, type Settings } from "../settings.ts";
import { instanceArn, managedSecretArns, oneOrAll, rdsArn, viaServices } from "./arns.ts";

/** Logging in to these databases, by a secret or by an IAM token. */
export function databaseStatements(stack: Stack, { databases }: Settings): iam.PolicyStatement[] {
  const users = new Set(databases.flatMap(({ iamUser }) => iamUser ?? []));
  return [
    ...[...users].map((user) => tokenStatement(stack, user)),
    ...secretStatements(
      stack,
      databases.filter(({ secretArn }) => secretArn !== undefined),
    ),
  ];
}

/** Logs in as that role on any instance: each copy of production has its own resource id, known only once it exists. */
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

function managedStatements(stack: Stack, of: "db" | "cluster", owners: string[]): iam.PolicyStatement[] {
  if (owners.length === 0) return [];
  const tag = of === "db" ? "aws:rds:primaryDBInstanceArn" : "aws:rds:primaryDBClusterArn";
  return [
    new iam.PolicyStatement({
      actions: ["secretsmanager:GetSecretValue"],
      // RDS chooses the name; the tag, which only RDS can set, names the owner.
      resources: [managedSecretArns(stack, of)],
      conditions: { StringEquals: { [`aws:ResourceTag/${tag}`]: oneOrAll(owners) } },
    }),
  ];
}

/** The secrets, and those that RDS makes when a restored production gets a managed password again. */
function secretStatements(stack: Stack, databases: readonly Database[]): iam.PolicyStatement[] {
  if (databases.length === 0) return [];
  const keys = new Set(databases.flatMap(({ secretKmsKeyArn }) => secretKmsKeyArn ?? []));
  const statements = [
    new iam.PolicyStatement({
      actions: ["secretsmanager:GetSecretValue"],
      resources: databases.flatMap(({ secretArn }) => secretArn ?? []),
    }),
    ...managedStatements(
      stack,
      "db",
      instancesOf(databases.filter(({ cluster }) => !cluster)).map((instance) =>
        instanceArn(stack, instance),
      ),
    ),
    ...managedStatements(
      stack,
      "cluster",
      instancesOf(databases.filter(({ cluster }) => cluster)).map((one) => rdsArn(stack, "cluster", one)),
    ),
    new iam.PolicyStatement({
      actions: ["secretsmanager:ListSecrets"],
      // Searched only if the known secret does not open the database. The action takes no resources, and shows no values.
      resources: ["*"],
    }),
  ];
  if (keys.size > 0)
    statements.push(
      new iam.PolicyStatement({
        actions: ["kms:Decrypt"],
        resources: [...keys],
        conditions: { StringEquals: { "kms:ViaService": viaServices(stack, "secretsmanager") } },
      }),
    );
  return statements;
}
