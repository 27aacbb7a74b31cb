import {
  type DBCluster,
  type DBInstance,
  DescribeDBClustersCommand,
  type RDSClient,
} from "@aws-sdk/client-rds";
import { look } from "./rds-calls.ts";
import { findInstance } from "./rds-find.ts";

/** A cluster with the instances that are in it. */
export interface FoundCluster {
  db: DBCluster;
  /** Those that are in it and can be seen; one that is being deleted, or renamed, may not be. */
  members: DBInstance[];
  /** Undefined where it has no instance yet, or none that writes. */
  writer: DBInstance | undefined;
}

export async function findCluster(client: RDSClient, cluster: string): Promise<DBCluster | undefined> {
  const found = await look(`describe cluster ${cluster}`, "DBClusterNotFound", () =>
    client.send(new DescribeDBClustersCommand({ DBClusterIdentifier: cluster })),
  );
  return found?.DBClusters?.[0];
}

/** @param mayBeSeen by what the roles allow: an instance that the settings do not know is one that nobody may ask about */
export async function findWithMembers(
  client: RDSClient,
  cluster: string,
  mayBeSeen: (member: string) => boolean,
): Promise<FoundCluster | undefined> {
  const db = await findCluster(client, cluster);
  if (!db) return undefined;
  const names = memberNames(db).filter(mayBeSeen);
  const found = await Promise.all(names.map((name) => findInstance(client, name)));
  const members = found.flatMap((one) => one ?? []);
  const writer = db.DBClusterMembers?.find(({ IsClusterWriter }) => IsClusterWriter)?.DBInstanceIdentifier;
  return { db, members, writer: members.find(({ DBInstanceIdentifier: id }) => id === writer) };
}

export function memberNames(db: DBCluster): string[] {
  return (db.DBClusterMembers ?? []).flatMap(({ DBInstanceIdentifier: id }) => id ?? []);
}
