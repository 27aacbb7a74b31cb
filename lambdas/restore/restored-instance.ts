import { momentsOf } from "../moments/look.ts";
import type { StagingDoc, StagingStorageDoc } from "../shared/documents.ts";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import type {
  Endpoint,
  InstanceSettings,
  PointInTime,
  Ports,
  RestoreBegun,
  RestorePurpose,
  StorageWork,
  Tags,
} from "../shared/ports.ts";
import { moment, storageText } from "../shared/text.ts";

/** What an instance is made from: a snapshot, by its name, or what an instance was at a moment. */
export type RestoreSource = string | PointInTime;

export interface Restoring {
  from: RestoreSource;
  instance: string;
  like: InstanceSettings;
  purpose: RestorePurpose;
  tags: Tags;
  /** When it was first asked for; ISO 8601. */
  since: string;
  /** After so long the state machine gives up. */
  limitMinutes?: number | undefined;
  /** The instance that had this name before: while it is still seen there, nothing is restored yet. */
  former?: string | undefined;
}

export interface RestoredInstance {
  endpoint: Endpoint;
  storage?: StorageWork | undefined;
  /** Settings that the fleet refuses. Of production this is not known yet: it is in use before it has them all. */
  refused: string[];
}

/** So long production's own zone is asked for; then any will do. */
export const ZONE_MINUTES = 15;

// The state machine's own end says nothing of what was waited for.
const BEFORE_THE_LIMIT = 3;

/**
 * Restores an instance from a snapshot or to a moment, or goes on with a restore that was begun. Undefined while it cannot be used:
 * staging is used when it is as it must be, production as soon as it answers.
 * @param began what a restore was begun without
 * @throws SluiceError FleetFailed when the instance is in a status that it will not leave by itself.
 */
export async function ensureRestored(
  ports: Ports,
  restoring: Restoring,
  began: (without: string[]) => Promise<void> = async () => undefined,
): Promise<RestoredInstance | undefined> {
  const { instances } = ports;
  const { from, instance, like, purpose, tags, former } = restoring;
  const anywhere = minutesSince(restoring.since, ports) >= ZONE_MINUTES;
  let found = await instances.describe(instance);
  // A fleet that tells no identity cannot be asked.
  if (former && found?.identity === former) {
    ports.progress(`${instance} has not left its name yet`);
    return undefined;
  }
  if (!found) {
    const begun =
      typeof from === "string"
        ? await instances.startRestore(from, instance, like, purpose, tags, anywhere)
        : await momentsOf(ports).startRestore(from, instance, like, purpose, tags, anywhere);
    if (begun?.waits) return stillWaits(ports, restoring, begun.waits);
    if (begun) await began(begun.without);
    found = await instances.describe(instance);
  } else if (found.status === "pending") {
    const begun = await instances.continueRestore?.(instance, like, purpose, tags, anywhere);
    if (begun?.waits) return stillWaits(ports, restoring, begun.waits);
    if (begun) await began(begun.without);
  }
  // Production's name is no staging's, and nothing of that name is ever deleted: a person must.
  if (found?.noRoom && purpose === "staging") {
    await instances.startDelete(instance);
    return stillWaits(ports, restoring, { why: `it was ${found.statusText}, and is made anew.` });
  }
  if (found?.status === "failed")
    throw new SluiceError(
      ErrorName.FleetFailed,
      `Instance ${instance}, restored ${sourceInWords(from)}, is ${found.statusText}.`,
    );
  const usable = found?.status === "available" || (purpose === "production" && found?.answers === true);
  if (!found || !usable || !found.endpoint) {
    ports.progress(`${instance} is ${found?.statusText ?? "not there yet"}`);
    return undefined;
  }
  const { endpoint, storage } = found;
  if (purpose === "production") return { endpoint, storage, refused: [] };
  const { changing, refused } = await instances.finishRestore(instance, like, purpose);
  return changing ? undefined : { endpoint, storage, refused };
}

/** Such as `from sluice-final-0123`, `to 2026-11-03 02:14:05 UTC`. */
export function sourceInWords(from: RestoreSource): string {
  return typeof from === "string" ? `from ${from}` : `to ${moment(from.moment.at)}`;
}

function stillWaits(
  ports: Ports,
  { instance, since, limitMinutes = Number.POSITIVE_INFINITY }: Restoring,
  { why, minutes = Number.POSITIVE_INFINITY }: NonNullable<RestoreBegun["waits"]>,
): undefined {
  const waited = minutesSince(since, ports);
  if (waited >= Math.min(minutes, limitMinutes - BEFORE_THE_LIMIT))
    throw new SluiceError(
      ErrorName.FleetFailed,
      `${instance} was asked for since ${since}, in any zone for most of that time, and is still refused: ${why} See docs/operator-runbook.md, "No room for an instance".`,
    );
  ports.progress(`${instance} has to wait: ${why}`);
}

function minutesSince(since: string, { clock }: Ports): number {
  return (clock.now().getTime() - Date.parse(since)) / 60_000;
}

/** How staging was restored otherwise than wished for: production would be, too. */
export function restoredOtherwise(
  staging: StagingDoc | null | undefined,
  later: StagingStorageDoc | null | undefined,
): string[] {
  const then = later?.storage ? storageText(later.storage) : later ? "done" : "not known";
  return [
    ...(staging?.refused ?? []).map(
      (line) => `Staging lacks a setting of production, and so would what is restored: ${line}`,
    ),
    ...(staging?.storage
      ? [
          `Staging's storage was at work while it was measured (${storageText(staging.storage)} when it was first used, ${then} at the end): its figures are on the slow side.`,
        ]
      : []),
  ];
}
