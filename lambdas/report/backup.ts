import { Doc } from "../shared/documents.ts";
import type { Facts } from "./facts.ts";
import type { Report } from "./schema.ts";
import { clock, moment as words } from "./words.ts";

type Backup = NonNullable<Report["backup"]>;

/** How production is backed up, and whether it could be restored from that when somebody last looked. */
export function backupOf({ backup, moment, momentPassed, momentSeen, production }: Facts): Report["backup"] {
  if (!backup) return null;
  const seen = momentSeen.at(-1);
  const { state } = seen ?? {};
  const held = production?.moments?.by ?? "archive";
  return {
    by: backup.by,
    why: backup.why,
    moment: moment && {
      at: moment.moment.at,
      held,
      copy: held === "copy" ? moment.name : null,
      instance: moment.instance,
      identity: moment.identity,
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

/** What holds production as it was, for who has to bring it back by hand. */
export function heldBy({ at, copy, identity }: NonNullable<Backup["moment"]>): string {
  return copy === null
    ? `the automated backups of the instance with the resource id ${identity}, for ${words(at)}`
    : `the copy ${copy}`;
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
