import { createHash } from "node:crypto";

// RDS identifiers hold at most 63 letters, digits and single hyphens; an execution name may be longer and hold more,
// so names carry a digest of it. The prefix is what IAM policies are scoped to.
export const NAME_PREFIX = "sluice";
/** Of every instance that Sluice may delete. */
export const STAGING_PREFIX = `${NAME_PREFIX}-staging-`;

/** Of every parameter group that Sluice makes. */
export const QUIET_PREFIX = `${NAME_PREFIX}-quiet-`;

function digest(run: string): string {
  return createHash("sha256").update(run).digest("hex").slice(0, 12);
}

/** Again: the copy that is restored a second time, where the restore is rehearsed as the way back. */
export function stagingName(run: string, again = false): string {
  return `${STAGING_PREFIX}${digest(run)}${again ? "-2" : ""}`;
}

/** Parameter group that keeps still what would run by itself in a copy of production. */
export function quietName(run: string): string {
  return `${QUIET_PREFIX}${digest(run)}`;
}

/** `kept`: taken once the application is in, where the settings want one. */
export type SnapshotPurpose = "rehearsal" | "final" | "kept";

export function snapshotName(run: string, purpose: SnapshotPurpose): string {
  return `${snapshotPrefix(purpose)}${digest(run)}`;
}

/** Moments of production: one that the restore is rehearsed with, and the one that production would go back to. */
export type MomentPurpose = "rehearsal" | "final";

/** Of what a fleet without an archive keeps for a moment. */
export function momentName(run: string, purpose: MomentPurpose): string {
  return `${NAME_PREFIX}-moment-${purpose}-${digest(run)}`;
}

export function snapshotPrefix(purpose: SnapshotPurpose): string {
  return `${NAME_PREFIX}-${purpose}-`;
}

/** Name that production gets when a restore takes its place. */
export function asideName(instance: string, run: string): string {
  return `${asidePrefix(instance)}${digest(run)}`;
}

export function asidePrefix(instance: string): string {
  return `${instance.slice(0, 40).replace(/-+$/, "")}-before-`;
}

/**
 * A database's label as a name that AWS takes: letters, digits, `-` and `_`. Told apart by its digest where it is longer
 * than that, or holds what no name may.
 */
export function nameOf(label: string, most: number): string {
  // No instance's identifier holds a `_`: so no two labels become one name.
  const name = label.replace("/", "_");
  if (name.length <= most && /^[\w-]+$/.test(name)) return name;
  return `${name.replace(/[^\w-]/g, "-").slice(0, most - 13)}-${digest(label)}`;
}

/** Where CloudWatch keeps what the watch measures. */
export const METRICS = { namespace: "Sluice", service: "watch", dimension: "Instance" } as const;

/** Attribute of a message that is for one subscriber of a topic; their subscription lets pass what is for them or all. */
export const FOR_ONE = "person";
