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

/** The source of an instance: a snapshot, by its name, or an instance at a moment. */
export type RestoreSource = string | PointInTime;

export interface Restoring {
  from: RestoreSource;
  instance: string;
  like: InstanceSettings;
  purpose: RestorePurpose;
  tags: Tags;
  /** When the restore was first requested; ISO 8601. */
  since: string;
  /** Minutes after which the state machine gives up. */
  limitMinutes?: number | undefined;
  /** The former instance of this name: while it still has the name, nothing is restored. */
  former?: string | undefined;
}

export interface RestoredInstance {
  endpoint: Endpoint;
  storage?: StorageWork | undefined;
  /** Settings that were refused. Empty for production: it is in use before all are applied. */
  refused: string[];
}

/** Minutes during which production's own zone is requested; afterwards any zone. */
export const ZONE_MINUTES = 15;

// End before the state machine's timeout, which could not report the reason.
const BEFORE_THE_LIMIT = 3;

/**
 * Restores an instance from a snapshot or to a moment, or continues a restore. Undefined while it cannot be used:
 * staging is usable once all settings apply, production as soon as it answers.
 * @param began receives the settings that a restore began without
 * @throws SluiceError FleetFailed if the instance is in a status that it will not leave by itself
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
  // Some adapters report no identity; then this cannot be checked.
  if (former && found?.identity === former) {
    ports.progress(`${instance} still has its former name`);
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
  // Only staging is deleted. An instance under production's name is never deleted here; a person must do that.
  if (found?.noRoom && purpose === "staging") {
    await instances.startDelete(instance);
    return stillWaits(ports, restoring, { why: `it was ${found.statusText}, and is created again.` });
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
      `${instance} has been requested since ${since}, in any zone for most of that time, and is still refused: ${why} See docs/operator-runbook.md, "No room for an instance".`,
    );
  ports.progress(`${instance} must wait: ${why}`);
}

function minutesSince(since: string, { clock }: Ports): number {
  return (clock.now().getTime() - Date.parse(since)) / 60_000;
}

const STORAGE_WORKED = "Staging's storage was at work while it was measured";

/** Whether such a line shows only that staging was slow, which depends on the hour: nothing differs from production. */
export function showsOnlySlowness(line: string): boolean {
  return line.startsWith(STORAGE_WORKED);
}

/**
 * Lines for each way in which staging was restored differently from production's settings: a restored production
 * would be too.
 */
export function restoredOtherwise(
  staging: StagingDoc | null | undefined,
  later: StagingStorageDoc | null | undefined,
): string[] {
  const then = later?.storage ? storageText(later.storage) : later ? "done" : "unknown";
  return [
    ...(staging?.refused ?? []).map(
      (line) => `Staging lacks a setting of production, and a restored production would too: ${line}`,
    ),
    ...(staging?.storage
      ? [
          `${STORAGE_WORKED} (${storageText(staging.storage)} when it was first used, ${then} at the end): its figures are on the slow side.`,
        ]
      : []),
  ];
}
