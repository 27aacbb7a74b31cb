import { Doc } from "../shared/documents.ts";
import type { Facts } from "./facts.ts";
import type { Report } from "./schema.ts";
import { bytes, clock, moment as words } from "./words.ts";

type Backup = NonNullable<Report["backup"]>;

/** How production is backed up, and whether it could be restored from that when somebody last looked. */
export function backupOf({ backup, moment, momentPassed, momentSeen }: Facts): Report["backup"] {
  if (!backup) return null;
  const seen = momentSeen.at(-1);
  const { state } = seen ?? {};
  return {
    by: backup.by,
    why: backup.why,
    moment: moment && {
      at: moment.moment.at,
      lsn: moment.moment.lsn,
      timeline: moment.moment.timeline,
      notedAt: moment.notedAt,
      passedAt: momentPassed?.at ?? null,
      encrypted: state?.encrypted ?? null,
      kmsKey: state?.kmsKey ?? null,
      state: state?.status ?? "not known",
      stateText: state?.statusText ?? "nobody has looked yet",
      until: state?.until ?? null,
      seenAt: seen?.at ?? null,
    },
    evidence: [Doc.backup, ...(moment ? [Doc.moment("final")] : [])],
  };
}

/** What a restore goes back to, in a few words. */
export function restoredFrom({ snapshot, moment }: NonNullable<Report["restore"]>): string {
  return moment === undefined ? `from ${snapshot ?? "a snapshot"}` : `to ${words(moment)}`;
}

/** The moment as people look it up, such as in the console of RDS; a line each. */
export function momentLines({ moment }: Backup): string[] {
  if (!moment) return [];
  const where = moment.lsn === null ? "" : `, WAL at ${moment.lsn} of timeline ${moment.timeline}`;
  const keys = moment.encrypted === null ? "" : moment.encrypted ? ", encrypted" : ", not encrypted";
  const until = moment.until === null ? "" : `, up to ${words(moment.until)}`;
  return [
    `A restore goes back to ${words(moment.at)}${where}`,
    ...(moment.seenAt === null
      ? []
      : [`${STATE[moment.state]} at ${clock(moment.seenAt)} UTC: ${moment.stateText}${until}${keys}`]),
  ];
}

const STATE: Readonly<Record<NonNullable<Backup["moment"]>["state"], string>> = {
  available: "Production could be restored to it",
  pending: "Production could not be restored to it yet",
  failed: "Production can NOT be restored to it, as seen",
  "not known": "Nobody had looked",
};

/** The price of a restore to a moment, such as `about 12 GiB of WAL, written since 2026-11-03 01:10:00 UTC`. */
export function replayText({ bytes: size, baseAt }: { bytes: number | null; baseAt: string | null }): string {
  const much = size === null ? "WAL of unknown size" : `about ${bytes(size)} of WAL`;
  return `${much}, written since ${baseAt === null ? "the last base backup, at most a day" : words(baseAt)}`;
}
