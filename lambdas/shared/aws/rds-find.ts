import { type DBInstance, DescribeDBInstancesCommand, type RDSClient } from "@aws-sdk/client-rds";
import { look } from "./rds-calls.ts";

/** The instance of that name, as RDS describes it. */
export async function findInstance(client: RDSClient, instance: string): Promise<DBInstance | undefined> {
  const found = await look(`describe ${instance}`, "DBInstanceNotFound", () =>
    client.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: instance })),
  );
  return found?.DBInstances?.[0];
}
