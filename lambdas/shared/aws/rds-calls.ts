import { type DBInstance, DescribeDBInstancesCommand, type RDSClient } from "@aws-sdk/client-rds";
import { awsErrorName, ErrorName, messageOf, SluiceError } from "../errors.ts";
import type { Tags } from "../ports.ts";

/** Returns the call's answer; undefined where it fails with the error named `absent`, as the resource does not exist. */
export async function look<T>(tried: string, absent: string, call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (awsErrorName(error) === absent) return undefined;
    throw refusal(error, tried);
  }
}

/**
 * Requests a change. False where RDS is busy with the resource: call again.
 * @param done names of errors which mean that the change is already made
 */
export async function attempt(
  tried: string,
  done: readonly string[],
  call: () => Promise<unknown>,
): Promise<boolean> {
  try {
    await call();
    return true;
  } catch (error) {
    if (done.includes(awsErrorName(error))) return true;
    if (isBusy(error)) return false;
    throw refusal(error, tried);
  }
}

/** True where the instance, cluster, snapshot or parameter group is busy: the same call may succeed later. */
export function isBusy(error: unknown): boolean {
  return [
    "InvalidDBInstanceState",
    "InvalidDBSnapshotState",
    "InvalidDBClusterState",
    "InvalidDBClusterSnapshotState",
    "InvalidDBParameterGroupState",
    "DBInstanceNotReady",
  ].includes(awsErrorName(error));
}

// Advice for refusals that a person can resolve, by RDS's error name.
const MEND: Readonly<Record<string, string>> = {
  AccessDenied: "Deploy the stack again. If that does not help, look for a service control policy.",
  DBClusterNotFound: "Check the setting database.cluster.",
  DBClusterParameterGroupNotFound: "Create the cluster's parameter group again: production still uses it.",
  DBClusterQuotaExceeded: "Ask AWS for a higher quota of DB clusters, or delete an unused one.",
  DBClusterSnapshotNotFound: "Somebody deleted the cluster's snapshot: start a new run.",
  DBInstanceAutomatedBackupNotFound:
    "Automated backups of the instance are off, or were turned on only just now. Without them it can only be restored from a snapshot.",
  DBInstanceNotFound: "Check the setting database.instance.",
  DBParameterGroupNotFound: "Create the parameter group again: production still uses it.",
  DBParameterGroupQuotaExceeded: "Delete unused parameter groups, or ask AWS for a higher quota.",
  DBSnapshotNotFound: "Somebody deleted the snapshot: start a new run.",
  DBSubnetGroupNotFound: "Create the subnet group again: production still uses it.",
  IamRoleMissingPermissions: "Deploy the stack again. If that does not help, check the bucket's policy.",
  InvalidS3Bucket:
    "Check the setting backup.exportTo.bucket: the bucket must exist in the instance's Region.",
  InstanceQuotaExceeded: "Ask AWS for a higher quota of DB instances, or delete an unused one.",
  InsufficientAvailableIPsInSubnet: "Free addresses in the subnets of production's subnet group.",
  InsufficientDBInstanceCapacity: "AWS has no capacity for this instance class right now: try again later.",
  InsufficientDBClusterCapacity: "AWS has no capacity for this cluster right now: try again later.",
  InsufficientStorageClusterCapacity:
    "AWS has no capacity for the cluster's storage right now: try again later.",
  KMSKeyNotAccessible:
    "Let this function's role use the key that production is encrypted with: set database.storageKmsKeyArn.",
  InvalidRestore:
    "RDS cannot restore a backup from a VPC outside a VPC: check that production's subnet group still exists.",
  PointInTimeRestoreNotEnabled:
    "Automated backups of the instance are off (BackupRetentionPeriod 0). Turning them off deleted all of them.",
  SnapshotQuotaExceeded: "Delete unused manual snapshots, or ask AWS for a higher quota.",
  StorageQuotaExceeded: "Ask AWS for a higher quota of RDS storage.",
};

/**
 * Turns a final refusal by RDS into FleetFailed, with what was tried and what helps. Throttling, service faults and lost
 * connections pass unchanged: the SDK has retried them, and the state machine retries them again.
 */
export function refusal(error: unknown, tried: string): unknown {
  const { $fault, $metadata } = (error ?? {}) as { $fault?: string; $metadata?: { httpStatusCode?: number } };
  const name = awsErrorName(error);
  const passes = $metadata?.httpStatusCode === 429 || /Throttl|RequestLimitExceeded|ExpiredToken/.test(name);
  if ($fault !== "client" || passes) return error;
  const mend = MEND[name];
  return new SluiceError(
    ErrorName.FleetFailed,
    `RDS refused to ${tried}: ${name}: ${messageOf(error)}${mend === undefined ? "" : ` ${mend}`}`,
    { cause: error },
  );
}

/** Returns RDS's description of an instance. */
export async function findInstance(client: RDSClient, instance: string): Promise<DBInstance | undefined> {
  const found = await look(`describe ${instance}`, "DBInstanceNotFound", () =>
    client.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: instance })),
  );
  return found?.DBInstances?.[0];
}

/** RDS's limit for one resource. Tags that AWS sets itself do not count. */
export const MOST_TAGS = 50;

/** Returns all of the instance's own tags, and as many others as fit: a tag must never fail a restore. */
export function withinLimit(own: Tags, others: Tags): Tags {
  const added = Object.entries(others).filter(([key]) => !(key in own));
  const room = Math.max(0, MOST_TAGS - Object.keys(own).length);
  return { ...own, ...Object.fromEntries(added.slice(0, room)) };
}

export function tagList(tags: Tags): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

// Other engines in RDS's API, with their names in AWS's documentation.
const PRODUCTS: readonly { engine: RegExp; product: string }[] = [
  { engine: /^aurora-postgresql$/, product: "Aurora PostgreSQL" },
  { engine: /^aurora(-mysql)?$/, product: "Aurora MySQL" },
  { engine: /^mysql$/, product: "RDS for MySQL" },
  { engine: /^mariadb$/, product: "RDS for MariaDB" },
  { engine: /^oracle-/, product: "RDS for Oracle" },
  { engine: /^sqlserver-/, product: "RDS for SQL Server" },
  { engine: /^db2-/, product: "RDS for Db2" },
  { engine: /^custom-/, product: "RDS Custom" },
  { engine: /^neptune$/, product: "Neptune" },
  { engine: /^docdb$/, product: "DocumentDB" },
];

/** Returns an engine's product name; the engine's own name where it is unknown. */
function productOf(engine: string): string {
  return PRODUCTS.find((one) => one.engine.test(engine))?.product ?? engine;
}

/** Returns why Sluice does not migrate that engine, in a cluster or not; undefined where it does. */
export function foreignEngine(name: string, engine: string | undefined): string | undefined {
  // RDS always returns the engine; only the SDK's type makes it optional.
  if (engine === undefined || engine === "postgres" || engine === "aurora-postgresql") return undefined;
  return `${name} runs ${productOf(engine)} (engine ${engine}), which is not PostgreSQL. Sluice migrates only PostgreSQL.`;
}

/** Returns the cluster that the instance belongs to, with its kind; undefined where it belongs to none. */
export function clusterOf(db: DBInstance): { id: string; kind: "Aurora" | "Multi-AZ" } | undefined {
  // Without a cluster the id may be empty instead of absent, as XML has empty elements.
  const id = db.DBClusterIdentifier || undefined;
  return id === undefined ? undefined : { id, kind: isAurora(db.Engine) ? "Aurora" : "Multi-AZ" };
}

function isAurora(engine: string | undefined): boolean {
  return /^aurora/.test(engine ?? "");
}
