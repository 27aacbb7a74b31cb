import { LARGE_OBJECTS } from "../writes/mark.ts";
import type { Report } from "./schema.ts";
import { count, duration, grouped, list, moment } from "./words.ts";

/** Both ways back beside what the plan allows. */
export function wayBackLines({ wayBack }: Pick<Report, "wayBack">): string[] {
  if (!wayBack) return [];
  const { rollback, restore, restoreFrom, sloSeconds } = wayBack;
  const what = restore.replay ? "to the moment" : "the snapshot";
  const lines = (what: string, { seconds, leavesOut }: typeof rollback) => [
    `${what} takes about ${duration(seconds)}, its proof included; the plan allows ${duration(sloSeconds)}${seconds > sloSeconds ? ": too long" : ""}`,
    ...(leavesOut.length > 0 ? [`Not counted: ${leavesOut.join(" ")}`] : []),
  ];
  return [
    ...(rollback.parts.length > 0
      ? lines(
          restoreFrom === undefined ? "Rolling back" : `Rolling back what comes before ${restoreFrom}`,
          rollback,
        )
      : []),
    ...lines(
      restoreFrom === undefined
        ? `Restoring ${what}`
        : `Restoring ${what}, which is the way back from ${restoreFrom} on,`,
      restore,
    ),
  ];
}

/** With the application kept out there is nothing to lose: what is not as recorded, a restore brings back. */
export function lossTitle({ applicationWasIn }: NonNullable<Report["loss"]>): string {
  return applicationWasIn ? "What a restore loses" : "Rows that are not as recorded";
}

/** What a restore would lose, or has lost, table by table. */
export function lossLines({ loss }: Pick<Report, "loss">): string[] {
  if (!loss) return [];
  const { at, tables, asRecorded, byCounters, applicationWasIn } = loss;
  const read = asRecorded - byCounters;
  const how = [
    ...(byCounters > 0 ? [`${byCounters} by the server's counters`] : []),
    ...(read > 0 ? [`${read} by reading every row`] : []),
  ];
  const same = `${count(asRecorded, "table")} ${asRecorded === 1 ? "is" : "are"} as recorded${how.length > 0 ? ` (${list(how)})` : ""}`;
  // The server counts what a session did when that session is idle or ends, up to a minute later.
  const later = `Counted at ${moment(at)}: not what was written in the last minute before, nor what is written while the application is in`;
  if (tables.length === 0) return [`Nothing: ${same}`, ...(applicationWasIn ? [later] : [])];
  return [
    ...tables.map(lostInWords),
    same,
    ...(applicationWasIn
      ? [later]
      : [
          "The application was kept out: a migration, a rollback, or somebody the fence does not keep out wrote this",
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
        ? `${grouped(rowsBefore)} rows recorded, and the table is gone`
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
