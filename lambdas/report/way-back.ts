import { LARGE_OBJECTS } from "../proof/writes.ts";
import { Doc } from "../shared/documents.ts";
import { clock, count, duration, grouped, list, moment, moment as words } from "../shared/text.ts";
import { stagingProof } from "../validate/mistakes.ts";
import type { Facts, WholeProof } from "./facts.ts";
import type { ProofReport, Report } from "./schema.ts";

/** Returns how long both ways back take, compared with the plan's limit. */
export function wayBackLines({ wayBack, backup }: Pick<Report, "wayBack" | "backup">): string[] {
  if (!wayBack) return [];
  const { rollback, restore, restoreFrom, sloSeconds } = wayBack;
  const what = backup?.by === "point-in-time" ? "to the moment" : "the snapshot";
  const lines = (what: string, { seconds, leavesOut }: typeof rollback) => [
    `${what} takes about ${duration(seconds)}, including its proof; the plan allows ${duration(sloSeconds)}${seconds > sloSeconds ? ": too long" : ""}`,
    ...(leavesOut.length > 0 ? [`Not counted: ${leavesOut.join(" ")}`] : []),
  ];
  return [
    ...(rollback.parts.length > 0
      ? lines(
          restoreFrom === undefined ? "Rolling back" : `Rolling back the migrations before ${restoreFrom}`,
          rollback,
        )
      : []),
    ...lines(
      restoreFrom === undefined
        ? `Restoring ${what}`
        : `Restoring ${what}, the way back from ${restoreFrom} on,`,
      restore,
    ),
  ];
}

/** Returns the title of the loss. With the application kept out nothing is lost: a restore brings the rows back. */
export function lossTitle({ applicationWasIn }: NonNullable<Report["loss"]>): string {
  return applicationWasIn ? "What a restore loses" : "Rows that differ from the record";
}

/** Returns what a restore would lose, or has lost, table by table. */
export function lossLines({ loss }: Pick<Report, "loss">): string[] {
  if (!loss) return [];
  const { at, tables, asRecorded, byCounters, applicationWasIn } = loss;
  const read = asRecorded - byCounters;
  const how = [
    ...(byCounters > 0 ? [`${byCounters} by the server's counters`] : []),
    ...(read > 0 ? [`${read} by reading every row`] : []),
  ];
  const same = `${count(asRecorded, "table")} ${asRecorded === 1 ? "equals" : "equal"} the record${how.length > 0 ? ` (${list(how)})` : ""}`;
  // The server adds a session's writes to its counters up to a minute later, when the session is idle or ends.
  const later = `Counted at ${moment(at)}. Writes of the last minute before, and later writes by the application, are not included`;
  if (tables.length === 0) return [`Nothing: ${same}`, ...(applicationWasIn ? [later] : [])];
  return [
    ...tables.map(lostInWords),
    same,
    ...(applicationWasIn
      ? [later]
      : [
          "The application was kept out, so this was written by a migration, a rollback, or a user outside the fence",
        ]),
  ];
}

export function lostInWords({ table, rowsBefore, rowsNow, inserted, updated, deleted }: LostTable): string {
  const rows =
    rowsBefore === null
      ? table === LARGE_OBJECTS
        ? "large objects"
        : "a new table"
      : rowsNow === null
        ? `${grouped(rowsBefore)} rows recorded; the table is gone`
        : `${grouped(rowsBefore)} rows recorded, ${grouped(rowsNow)} now`;
  const counters = [
    [inserted, "inserted"],
    [updated, "updated"],
    [deleted, "deleted"],
  ] as const;
  const said = counters.filter(([n]) => n !== null && n > 0).map(([n, what]) => `${n} ${what}`);
  return `${table}: ${rows}${said.length > 0 ? ` (counters: ${said.join(", ")})` : ""}`;
}

type LostTable = NonNullable<Report["loss"]>["tables"][number];

type Backup = NonNullable<Report["backup"]>;

/** Returns how production is backed up, and whether it could be restored when last checked. */
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
      stateText: state?.statusText ?? "not checked yet",
      until: state?.until ?? null,
      seenAt: seen?.at ?? null,
    },
    evidence: [Doc.backup, ...(moment ? [Doc.moment("final")] : [])],
  };
}

/** Returns what was restored: `from <snapshot>` or `to <moment>`. */
export function restoredFrom({ snapshot, moment }: NonNullable<Report["restore"]>): string {
  return moment === undefined ? `from ${snapshot ?? "a snapshot"}` : `to ${words(moment)}`;
}

/** Returns what holds production's state before the migration, for a restore by hand. */
export function heldBy({ at, copy, identity }: NonNullable<Backup["moment"]>): string {
  return copy === null
    ? `the automated backups of the instance with the resource id ${identity}, for ${words(at)}`
    : `the copy ${copy}`;
}

/** Returns the moment in lines that people can look up, for example in the RDS console. */
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
  failed: "Production can NOT be restored to it, as checked",
  "not known": "Not checked",
};

export function proofsOf({ proofs, plan }: Facts): ProofReport[] {
  return proofs.map((proof) => ({
    name: proof.name,
    title: titleOf(proof.name),
    at: proof.at,
    equal: proof.equal,
    fingerprintBefore: proof.fingerprintBefore,
    fingerprintAfter: proof.fingerprintAfter,
    // A rehearsal has as many proofs as migrations, so their equal tables are left out.
    tables: tablesOf(proof, plan.protect).filter(
      ({ equal }) => !equal || proof.name.startsWith("production-"),
    ),
    differences: proof.differences,
    ...(proof.left ? { left: proof.left } : {}),
    ...(proof.scope ? { scope: proof.scope } : {}),
    ...(proof.grown ? { grown: proof.grown } : {}),
    ...(proof.others ? { others: proof.others } : {}),
    moved: proof.moved,
    evidence: [proof.evidence],
  }));
}

function titleOf(name: string): string {
  if (name === "production-data") return "Production's data after the migrations";
  if (name === "production-rolled-back") return "Production, rolled back";
  if (name === "production-restored") return "Production, restored";
  if (name === "restore-rehearsed") return "Staging, restored once more from the same snapshot";
  if (name.startsWith("staging-")) {
    const { version, again } = stagingProof(name);
    return again ? `Staging, the rollback of ${version} tried again` : `Staging, ${version} rolled back`;
  }
  return name;
}

/** Lists the tables with their state before and after. Tables protected by the plan come first. */
function tablesOf(proof: WholeProof, protect: readonly string[]): ProofReport["tables"] {
  const before = new Map(proof.tablesBefore.map((table) => [table.table, table]));
  const after = new Map(proof.tablesAfter.map((table) => [table.table, table]));
  const grew = new Set((proof.grown ?? []).map((line) => line.slice(0, line.lastIndexOf(": "))));
  const agreed = new Map(proof.agreed.map(({ table, text }) => [table, text]));
  // A renamed table is listed under its former name.
  const names = proof.name === "production-data" ? before.keys() : [...before.keys(), ...after.keys()];
  return [...new Set(names)]
    .map((table) => {
      const [was, is] = [before.get(table), after.get(table)];
      return {
        table,
        protected: protect.some((name) => name === table || table.endsWith(`.${name}`)),
        rowsBefore: was?.rows ?? null,
        rowsAfter: is?.rows ?? null,
        checksumBefore: was?.checksum ?? null,
        checksumAfter: is?.checksum ?? null,
        equal: grew.has(table)
          ? proof.equal
          : was !== undefined && !agreed.has(table) && was.rows === is?.rows && was.checksum === is.checksum,
        agreed: agreed.get(table) ?? null,
      };
    })
    .sort((a, b) => Number(b.protected) - Number(a.protected) || (a.table < b.table ? -1 : 1));
}
