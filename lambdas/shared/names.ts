import { createHash } from "node:crypto";
import type { Tags } from "./ports.ts";
import type { RunSettings } from "./settings.ts";

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

/** Name of the one instance of a staging cluster. */
export function writerName(cluster: string): string {
  return `${cluster}-writer`;
}

/** Name that an instance of a cluster gets when that is moved aside as `aside`: told apart also where only its end is its own. */
export function memberAsideName(member: string, aside: string): string {
  const [, run = ""] = /-before-(\w+)$/.exec(aside) ?? [];
  const short =
    member.length <= 40 ? member : `${member.slice(0, 33).replace(/-+$/, "")}-${digest(member).slice(0, 6)}`;
  return `${short}-before-${run}`;
}

/**
 * Names of a cluster's instances that may be changed: those that are listed and, where none is, every one that begins
 * with the cluster's. `*` stands for anything.
 */
export function memberPatterns(cluster: string, listed: readonly string[] = []): string[] {
  return listed.length === 0 ? [cluster, `${cluster}-*`] : [...listed];
}

/** What these are called once they were moved aside. */
export function memberAsidePatterns(cluster: string, listed: readonly string[] = []): string[] {
  const names = listed.length === 0 ? [cluster] : listed;
  return names.map((name) => `${name.slice(0, 33).replace(/-+$/, "")}*-before-*`);
}

export function matches(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => new RegExp(`^${pattern.replaceAll("*", ".*")}$`).test(name));
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

/** What whatever the run makes is tagged with: the organization's own tags first, then what tells which run it is of. */
export function runTags(
  settings: Pick<RunSettings, "tags">,
  run: string,
  purpose: SnapshotPurpose | "staging" | "aside",
): Tags {
  return { ...settings.tags, "sluice:run": run, "sluice:purpose": purpose };
}

/** Until when it is kept; people delete it. */
export const KEEP_UNTIL = "sluice:keep-until";

/**
 * What people call a state that works on one migration: `Apply to staging` is `Apply 006 to staging`. The machine's
 * states are the same for every plan, and go through its migrations in a loop.
 */
export function stateInWords(state: string, version: string | undefined): string {
  if (version === undefined) return state;
  const verb =
    /^(?:(?:Time|Gate|Escalate|Confirm|Look at the backup): after|Roll back|\w+)/.exec(state)?.[0] ?? state;
  return `${verb} ${version}${state.slice(verb.length)}`;
}
