import type { DBCluster } from "@aws-sdk/client-rds";

/** What stays with the former cluster, or is another's than before, whatever name and settings the new one has. */
export function clusterHandOver(former: DBCluster, restored: DBCluster): string[] {
  const [was, is] = [former.DBClusterIdentifier ?? "", restored.DBClusterIdentifier ?? ""];
  const custom = former.CustomEndpoints ?? [];
  const replicas = former.ReadReplicaIdentifiers ?? [];
  const domains = (former.DomainMemberships ?? []).flatMap(({ Domain }) => Domain ?? []);
  const secret = restored.MasterUserSecret?.SecretArn;
  const stream = former.ActivityStreamStatus === "started" || former.ActivityStreamStatus === "starting";
  return [
    ...(custom.length === 0
      ? []
      : [`Custom endpoints stayed with ${was}: ${custom.join(", ")}. Make new ones of ${is}.`]),
    ...(replicas.length === 0
      ? []
      : [`Replicas stayed with ${was}: ${replicas.join(", ")}. Make new ones of ${is}.`]),
    ...(secret === undefined || secret === former.MasterUserSecret?.SecretArn
      ? []
      : [
          `The master password is in a new secret: point whoever reads it, and database.secretArn, at ${secret}.`,
        ]),
    ...(restored.IAMDatabaseAuthenticationEnabled
      ? [
          `IAM policies for rds-db:connect that name ${former.DbClusterResourceId} must name ${restored.DbClusterResourceId}: until then those who log in by IAM are kept out.`,
        ]
      : []),
    ...(former.HttpEndpointEnabled && !restored.HttpEndpointEnabled
      ? [`Turn the Data API on for ${is} again (aws rds enable-http-endpoint).`]
      : []),
    ...(stream ? [`Start the activity stream of ${is} again: it stayed with ${was}.`] : []),
    ...(domains.length === 0 ? [] : [`Join ${is} to the directory ${domains.join(", ")} again.`]),
    `Recovery to a point in time before the restore is possible only from ${was}: its automated backups stayed with it.`,
  ];
}
