import type { DBInstance } from "@aws-sdk/client-rds";
import type { StorageWork } from "../ports.ts";

// From the RDS user guide, "Viewing Amazon RDS DB instance status". Every other status counts as a change under way, so a
// run waits for a status that AWS adds later instead of failing.

/** In normal use. RDS may work in the background: a volume may be slow while it is filled from a snapshot. */
const USABLE = ["available", "storage-initialization", "storage-optimization"];

/** Serves sessions but accepts no change meanwhile. */
const ANSWERS = [
  ...USABLE,
  "backing-up",
  "configuring-enhanced-monitoring",
  "configuring-iam-database-auth",
  "configuring-log-exports",
  "storage-config-upgrade",
];

/** An instance leaves these only when a person acts. */
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

// From the Aurora user guide, "Viewing DB cluster status". States such as `upgrading` pass.
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

/** Returns what RDS reports that it is doing to the instance's storage; undefined where it reports nothing. */
export function storageWork(db: DBInstance): StorageWork | undefined {
  const { StorageOperationStatus: doing, StorageOperationPercentProgress: percent } = db;
  if (doing !== undefined) return { doing, ...(percent === undefined ? {} : { percent }) };
  const byStatus = /^storage-(initializ|optimiz)ation$/.exec(db.DBInstanceStatus ?? "")?.[1];
  return byStatus === undefined
    ? undefined
    : { doing: byStatus === "initializ" ? "Initializing" : "Optimizing" };
}

/** True where AWS accepted the request and then had no capacity for it. */
export function lacksRoom(text: string): boolean {
  return text === "insufficient-capacity";
}

export function snapshotStatus(text: string): "available" | "pending" | "failed" {
  if (text === "available") return "available";
  return BAD_SNAPSHOT.includes(text) ? "failed" : "pending";
}
