import type { DBInstance } from "@aws-sdk/client-rds";

/** What stays with the former instance, or is another's than before, whatever name and settings the new one has. */
export function handOverText(former: DBInstance, restored: DBInstance): string[] {
  const [was, is] = [former.DBInstanceIdentifier ?? "", restored.DBInstanceIdentifier ?? ""];
  const replicas = former.ReadReplicaDBInstanceIdentifiers ?? [];
  const domains = (former.DomainMemberships ?? []).flatMap(({ Domain }) => Domain ?? []);
  const zones = [former.AvailabilityZone, restored.AvailabilityZone];
  const secret = restored.MasterUserSecret?.SecretArn;
  return [
    ...(replicas.length === 0
      ? []
      : [`Read replicas stayed with ${was}: ${replicas.join(", ")}. Make new ones of ${is}.`]),
    ...(secret === undefined || secret === former.MasterUserSecret?.SecretArn
      ? []
      : [
          `The master password is in a new secret: point whoever reads it, and database.secretArn, at ${secret}.`,
        ]),
    ...(restored.IAMDatabaseAuthenticationEnabled
      ? [
          `IAM policies for rds-db:connect that name ${former.DbiResourceId} must name ${restored.DbiResourceId}: until then those who log in by IAM are kept out.`,
        ]
      : []),
    ...(zones[0] === zones[1] || former.MultiAZ || zones.includes(undefined)
      ? []
      : [`${is} is in zone ${zones[1]} now, not in ${zones[0]}, where AWS had no room for it.`]),
    ...(domains.length === 0 ? [] : [`Join ${is} to the directory ${domains.join(", ")} again.`]),
    `Recovery to a point in time before the restore is possible only from ${was}: its automated backups stayed with it.`,
  ];
}
