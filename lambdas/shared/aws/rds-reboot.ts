import { type RDSClient, RebootDBInstanceCommand } from "@aws-sdk/client-rds";
import { attempt } from "./rds-calls.ts";

/** Asks for it; where RDS is busy with the instance, whoever waits asks again. */
export async function reboot(client: RDSClient, instance: string): Promise<void> {
  await attempt(`reboot ${instance}`, [], () =>
    client.send(new RebootDBInstanceCommand({ DBInstanceIdentifier: instance })),
  );
}
