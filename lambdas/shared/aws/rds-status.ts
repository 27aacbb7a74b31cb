// From the RDS user guide, "Viewing Amazon RDS DB instance status". Whatever is neither usable nor listed as bad is a
// change under way: a status that AWS adds some day is waited out rather than given up on.

/** In use as usual, though RDS may be doing something beside. */
const USABLE = ["available", "storage-optimization"];

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

const BAD_SNAPSHOT = ["failed", "incompatible-restore"];

export function instanceStatus(text: string): "available" | "pending" | "failed" {
  if (USABLE.includes(text)) return "available";
  return BAD.includes(text) ? "failed" : "pending";
}

export function snapshotStatus(text: string): "available" | "pending" | "failed" {
  if (text === "available") return "available";
  return BAD_SNAPSHOT.includes(text) ? "failed" : "pending";
}
