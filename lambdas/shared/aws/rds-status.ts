import type { DBInstance } from "@aws-sdk/client-rds";
import type { StorageWork } from "../ports.ts";

// From the RDS user guide, "Viewing Amazon RDS DB instance status". Whatever is neither usable nor listed as bad is a
// change under way: a status that AWS adds some day is waited out rather than given up on.

/** In use as usual, though RDS may be doing something beside: a volume may be slow while it is filled from a snapshot. */
const USABLE = ["available", "storage-initialization", "storage-optimization"];

/** Serves sessions, and takes no change meanwhile. */
const ANSWERS = [
  ...USABLE,
  "backing-up",
  "configuring-enhanced-monitoring",
  "configuring-iam-database-auth",
  "configuring-log-exports",
  "storage-config-upgrade",
];

/** From these an instance does not come back unless somebody does something. */
const BAD = [
  "failed",
  "inaccessible-encryption-credentials",
  "inaccessible-encryption-credentials-recoverable",
  "incompatible-create",
  "incompatible-credentials",
  "incompatible-network",
  "incompatible-option-group",
  "incompatible-parameters",
  "incompatible-restore",
  "insufficient-capacity",
  "restore-error",
  "stopped",
  "storage-full",
];

// From the Aurora user guide, "Viewing DB cluster status". `upgrading` and the like pass.
const BAD_CLUSTER = [...BAD, "cloning-failed", "migration-failed"];

const BAD_SNAPSHOT = ["failed", "incompatible-restore"];

export function instanceStatus(text: string): "available" | "pending" | "failed" {
  if (USABLE.includes(text)) return "available";
  return BAD.includes(text) ? "failed" : "pending";
}

export function clusterStatus(text: string): "available" | "pending" | "failed" {
  return BAD_CLUSTER.includes(text) ? "failed" : instanceStatus(text);
}

export function servesSessions(text: string): boolean {
  return ANSWERS.includes(text);
}

/** What RDS says that it is doing to the instance's storage; undefined where it says nothing. */
export function storageWork(db: DBInstance): StorageWork | undefined {
  const { StorageOperationStatus: doing, StorageOperationPercentProgress: percent } = db;
  if (doing !== undefined) return { doing, ...(percent === undefined ? {} : { percent }) };
  const byStatus = /^storage-(initializ|optimiz)ation$/.exec(db.DBInstanceStatus ?? "")?.[1];
  return byStatus === undefined
    ? undefined
    : { doing: byStatus === "initializ" ? "Initializing" : "Optimizing" };
}

/** AWS had taken the request, and then had no capacity for it after all. */
export function lacksRoom(text: string): boolean {
  return text === "insufficient-capacity";
}

export function snapshotStatus(text: string): "available" | "pending" | "failed" {
  if (text === "available") return "available";
  return BAD_SNAPSHOT.includes(text) ? "failed" : "pending";
}
