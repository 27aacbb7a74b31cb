import { ErrorName, messageOf, SluiceError } from "../errors.ts";
import { awsErrorName } from "./error-name.ts";

/** The instance or snapshot is busy with something else: the same call may do later. */
export function isBusy(error: unknown): boolean {
  return ["InvalidDBInstanceState", "InvalidDBSnapshotState", "DBInstanceNotReady"].includes(
    awsErrorName(error),
  );
}

// A refusal that a person can end, by what RDS calls it, and how.
const MEND: Readonly<Record<string, string>> = {
  AccessDenied: "Deploy the stack again; if that does not help, look for a service control policy.",
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
