import { type DBInstance, DescribeDBInstancesCommand, type RDSClient } from "@aws-sdk/client-rds";
import { awsErrorName } from "./error-name.ts";
import { refusal } from "./rds-errors.ts";

/** The instance of that name, as RDS describes it. */
export async function findInstance(client: RDSClient, instance: string): Promise<DBInstance | undefined> {
  const found = await look(`describe ${instance}`, "DBInstanceNotFound", () =>
    client.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: instance })),
  );
  return found?.DBInstances?.[0];
}

/** What the call gives; undefined where RDS answers by the name `absent`. */
export async function look<T>(tried: string, absent: string, call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (awsErrorName(error) === absent) return undefined;
    throw refusal(error, tried);
  }
}
