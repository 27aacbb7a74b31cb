import { type DBInstance, DescribeDBInstancesCommand, type RDSClient } from "@aws-sdk/client-rds";
import { ErrorName, messageOf, SluiceError } from "../errors.ts";
import type { Tags } from "../ports.ts";
import { awsErrorName } from "./error-name.ts";

/** An answer; undefined where the error named `absent` says that there is no such thing. */
export async function look<T>(tried: string, absent: string, call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (awsErrorName(error) === absent) return undefined;
    throw refusal(error, tried);
  }
}

/**
 * Asks for a change. False where RDS is busy with it: ask again.
 * @param done errors that say that what is asked for is so already
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

/** The instance, cluster, snapshot or parameter group is busy with something else: the same call may do later. */
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

// A refusal that a person can end, by what RDS calls it, and how.
const MEND: Readonly<Record<string, string>> = {
  AccessDenied: "Deploy the stack again; if that does not help, look for a service control policy.",
  DBClusterNotFound: "Check the setting database.cluster.",
  DBClusterParameterGroupNotFound: "Create the cluster's parameter group again; production still names it.",
  DBClusterQuotaExceeded: "Ask AWS for a higher quota of DB clusters, or delete one that nobody needs.",
  DBClusterSnapshotNotFound: "Somebody deleted the cluster's snapshot: start a new run.",
  DBInstanceAutomatedBackupNotFound:
    "Automated backups of the instance are off, or have only just been turned on: without them it can be restored from a snapshot only.",
  DBInstanceNotFound: "Check the setting database.instance.",
  DBParameterGroupNotFound: "Create the parameter group again; production still names it.",
  DBParameterGroupQuotaExceeded: "Delete parameter groups that nobody needs, or ask AWS for a higher quota.",
  DBSnapshotNotFound: "Somebody deleted the snapshot: start a new run.",
  DBSubnetGroupNotFound: "Create the subnet group again; production still names it.",
  IamRoleMissingPermissions: "Deploy the stack again; if that does not help, look at the bucket's policy.",
  InvalidS3Bucket: "Check the setting backup.exportTo.bucket: it must be there, in the instance's Region.",
  InstanceQuotaExceeded: "Ask AWS for a higher quota of DB instances, or delete one that nobody needs.",
  InsufficientAvailableIPsInSubnet: "Free addresses in the subnets of production's subnet group.",
  InsufficientDBInstanceCapacity: "AWS has no such instance to give right now: try again later.",
  InsufficientDBClusterCapacity: "AWS has no room for such a cluster right now: try again later.",
  InsufficientStorageClusterCapacity: "AWS has no room for the cluster's storage right now: try again later.",
  KMSKeyNotAccessible:
    "Let this function's role use the key that production is encrypted with: set database.storageKmsKeyArn.",
  InvalidRestore:
    "RDS restores no backup of a VPC outside of one: check that production's subnet group is still there.",
  PointInTimeRestoreNotEnabled:
    "Automated backups of the instance are off (BackupRetentionPeriod 0), and with them went all that it could be restored to.",
  SnapshotQuotaExceeded: "Delete manual snapshots that nobody needs, or ask AWS for a higher quota.",
  StorageQuotaExceeded: "Ask AWS for a higher quota of RDS storage.",
};

/**
 * What RDS refuses for good, as FleetFailed with what was tried and what mends it. Throttling, faults of the service
 * and lost connections pass unchanged: the SDK has tried again, and the state machine will once more.
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

/** The instance of that name, as RDS describes it. */
export async function findInstance(client: RDSClient, instance: string): Promise<DBInstance | undefined> {
  const found = await look(`describe ${instance}`, "DBInstanceNotFound", () =>
    client.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: instance })),
  );
  return found?.DBInstances?.[0];
}

/** RDS takes no more for one resource; those that AWS sets itself are not counted. */
export const MOST_TAGS = 50;

/** All that the instance has of its own, and of the others as many as there is room for: a tag never fails a restore. */
export function withinLimit(own: Tags, others: Tags): Tags {
  const added = Object.entries(others).filter(([key]) => !(key in own));
  const room = Math.max(0, MOST_TAGS - Object.keys(own).length);
  return { ...own, ...Object.fromEntries(added.slice(0, room)) };
}

export function tagList(tags: Tags): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

// What RDS's API lists beside RDS for PostgreSQL. Names are as AWS's documentation has them.
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

/** What people know an engine by; the engine's own name where it is a new one. */
function productOf(engine: string): string {
  return PRODUCTS.find((one) => one.engine.test(engine))?.product ?? engine;
}

/** Why Sluice does not migrate what runs that engine, whether or not it is in a cluster; undefined: it does. */
export function foreignEngine(name: string, engine: string | undefined): string | undefined {
  // Every answer of RDS names it.
  if (engine === undefined || engine === "postgres" || engine === "aurora-postgresql") return undefined;
  return `${name} runs ${productOf(engine)} (engine ${engine}), which is not PostgreSQL: Sluice migrates PostgreSQL alone.`;
}

/** Which cluster the instance is a member of, and what kind that is; undefined: of none. */
export function clusterOf(db: DBInstance): { id: string; kind: "Aurora" | "Multi-AZ" } | undefined {
  // What has none may have an empty one, as XML has empty elements.
  const id = db.DBClusterIdentifier || undefined;
  return id === undefined ? undefined : { id, kind: isAurora(db.Engine) ? "Aurora" : "Multi-AZ" };
}

function isAurora(engine: string | undefined): boolean {
  return /^aurora/.test(engine ?? "");
}
