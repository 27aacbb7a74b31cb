import { createHash } from "node:crypto";
import type { Tags } from "./ports.ts";
import type { RunSettings } from "./settings.ts";

// RDS identifiers hold at most 63 letters, digits and single hyphens. An execution name may be longer and hold other
// characters, so names carry a digest of it. IAM policies are scoped to the prefix.
export const NAME_PREFIX = "sluice";
/** Prefix of every instance that Sluice may delete. */
export const STAGING_PREFIX = `${NAME_PREFIX}-staging-`;

/** Prefix of every parameter group that Sluice creates. */
export const QUIET_PREFIX = `${NAME_PREFIX}-quiet-`;

function digest(run: string): string {
  return createHash("sha256").update(run).digest("hex").slice(0, 12);
}

/** @param again true for the copy that is restored a second time, when the restore is rehearsed as the way back */
export function stagingName(run: string, again = false): string {
  return `${STAGING_PREFIX}${digest(run)}${again ? "-2" : ""}`;
}

/** Name of the parameter group that stops a copy of production from running jobs and subscriptions by itself. */
export function quietName(run: string): string {
  return `${QUIET_PREFIX}${digest(run)}`;
}

/** `kept`: taken after the opening, where the settings ask for it. */
export type SnapshotPurpose = "rehearsal" | "final" | "kept";

export function snapshotName(run: string, purpose: SnapshotPurpose): string {
  return `${snapshotPrefix(purpose)}${digest(run)}`;
}

/** A moment of production: `rehearsal` for rehearsing the restore, `final` for restoring production itself. */
export type MomentPurpose = "rehearsal" | "final";

/** Name of the copy that instances without an archive keep for a moment. */
export function momentName(run: string, purpose: MomentPurpose): string {
  return `${NAME_PREFIX}-moment-${purpose}-${digest(run)}`;
}

export function snapshotPrefix(purpose: SnapshotPurpose): string {
  return `${NAME_PREFIX}-${purpose}-`;
}

/** Name that the former production gets when a restore takes its place. */
export function asideName(instance: string, run: string): string {
  return `${asidePrefix(instance)}${digest(run)}`;
}

export function asidePrefix(instance: string): string {
  return `${instance.slice(0, 40).replace(/-+$/, "")}-before-`;
}

/** Name of a staging cluster's single instance. */
export function writerName(cluster: string): string {
  return `${cluster}-writer`;
}

/** Name of a cluster's instance when the cluster is moved aside as `aside`. A digest keeps long names distinct when they are cut. */
export function memberAsideName(member: string, aside: string): string {
  const [, run = ""] = /-before-(\w+)$/.exec(aside) ?? [];
  const short =
    member.length <= 40 ? member : `${member.slice(0, 33).replace(/-+$/, "")}-${digest(member).slice(0, 6)}`;
  return `${short}-before-${run}`;
}

/**
 * Returns patterns for the cluster's instances that may be changed: the listed names or, where none is listed, every
 * name that begins with the cluster's. `*` stands for any text.
 */
export function memberPatterns(cluster: string, listed: readonly string[] = []): string[] {
  return listed.length === 0 ? [cluster, `${cluster}-*`] : [...listed];
}

/** Returns patterns for the names of the same instances after they were moved aside. */
export function memberAsidePatterns(cluster: string, listed: readonly string[] = []): string[] {
  const names = listed.length === 0 ? [cluster] : listed;
  return names.map((name) => `${name.slice(0, 33).replace(/-+$/, "")}*-before-*`);
}

export function matches(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => new RegExp(`^${pattern.replaceAll("*", ".*")}$`).test(name));
}

/**
 * Returns a database's label as a name that AWS accepts: letters, digits, `-` and `_`, at most `most` characters. A
 * digest keeps it distinct where the label is too long or holds other characters.
 */
export function nameOf(label: string, most: number): string {
  // An instance's identifier never holds a `_`, so two labels never become one name.
  const name = label.replace("/", "_");
  if (name.length <= most && /^[\w-]+$/.test(name)) return name;
  return `${name.replace(/[^\w-]/g, "-").slice(0, most - 13)}-${digest(label)}`;
}

/** Names of the watch's metrics in CloudWatch. */
export const METRICS = { namespace: "Sluice", service: "watch", dimension: "Instance" } as const;

/** Attribute of a message for one subscriber of a topic. A subscription's filter passes messages for that person or for all. */
export const FOR_ONE = "person";

/** Returns the tags for everything the run creates: the organization's own tags, then the run's name and the purpose. */
export function runTags(
  settings: Pick<RunSettings, "tags">,
  run: string,
  purpose: SnapshotPurpose | "staging" | "aside",
): Tags {
  return { ...settings.tags, "sluice:run": run, "sluice:purpose": purpose };
}

/** Tag with the day until which a snapshot is kept; people delete it. */
export const KEEP_UNTIL = "sluice:keep-until";

/**
 * Returns a state's name with its migration, for people: `Apply to staging` becomes `Apply 006 to staging`. The
 * machine's states are the same for every plan and loop over its migrations.
 */
export function stateInWords(state: string, version: string | undefined): string {
  if (version === undefined) return state;
  const verb =
    /^(?:(?:Time|Gate|Escalate|Confirm|Look at the backup): after|Roll back|\w+)/.exec(state)?.[0] ?? state;
  return `${verb} ${version}${state.slice(verb.length)}`;
}
