import { grouped } from "../report/words.ts";
import type { TableChangeDoc, TableContentDoc } from "../shared/documents.ts";
import { allows, kindsOf, kindText } from "./kinds.ts";
import { called } from "./words.ts";

/**
 * Holds production to what the rehearsal showed: kinds of change, tables and columns must be the same. Where a table
 * began as staging's did, so must be which of its rows were touched, unless they are picked by the time.
 * @param before production's contents before its migrations
 * @param beside other partitions of the same table, where the rehearsal had no rows of this one: what it showed of them
 * goes for rows that came since
 * @returns one line for each thing that is otherwise; none: it did that and nothing more
 */
export function departures(
  seen: readonly TableChangeDoc[],
  did: readonly TableChangeDoc[],
  before: readonly TableContentDoc[],
  beside: (table: string) => readonly string[] = () => [],
): string[] {
  const showed = new Map(seen.map((change) => [change.table, change]));
  const done = new Map(did.map((change) => [change.table, change]));
  const began = new Map(before.map((content) => [content.table, content]));
  const tables = [...new Set([...showed.keys(), ...done.keys()])];
  return tables.flatMap((table) => {
    const [staging, production] = [showed.get(table), done.get(table)];
    const content = began.get(table);
    return [
      ...more(
        staging,
        production,
        beside(table).flatMap((other) => showed.get(other) ?? []),
      ),
      ...less(staging, production, content),
      ...otherRows(staging, production, content),
    ];
  });
}

function more(
  staging: TableChangeDoc | undefined,
  production: TableChangeDoc | undefined,
  beside: readonly TableChangeDoc[],
): string[] {
  if (!production) return [];
  const { table } = production;
  const allowed = [
    ...(staging ? kindsOf(staging) : []),
    ...beside
      .flatMap(kindsOf)
      .flatMap((kind) => (ABOUT_ROWS.includes(kind.what) ? [{ ...kind, table }] : [])),
  ];
  return kindsOf(production)
    .filter((kind) => !allows(allowed, kind))
    .map((kind) => `${kindText(kind, production)}, which the rehearsal did not show`);
}

function less(
  staging: TableChangeDoc | undefined,
  production: TableChangeDoc | undefined,
  began: TableContentDoc | undefined,
): string[] {
  if (!staging) return [];
  const did = production ? kindsOf(production) : [];
  return kindsOf(staging)
    .filter((kind) => !did.some((one) => allows([kind], one)))
    .filter(({ what }) => !ABOUT_ROWS.includes(what) || beganAlike(staging, began))
    .map((kind) => `the rehearsal showed ${kindText(kind, staging)}, and production does not`);
}

/** Of these there may be none where production's rows are others than staging's. */
const ABOUT_ROWS: readonly string[] = ["added", "removed", "mixed", "changed"];

/** Whether the same rows must have been hit. */
function beganAlike(
  { began, rowsBefore, byTime }: TableChangeDoc,
  content: TableContentDoc | undefined,
): boolean {
  return (
    !byTime &&
    began !== null &&
    content !== undefined &&
    began === content.checksum &&
    rowsBefore === content.rows
  );
}

function otherRows(
  staging: TableChangeDoc | undefined,
  production: TableChangeDoc | undefined,
  began: TableContentDoc | undefined,
): string[] {
  if (!staging?.rows || !production?.rows || !beganAlike(staging, began)) return [];
  const table = called(staging.table);
  const columns = production.columns.filter(({ how }) => how === "changed").map(({ column }) => column);
  const where = columns.length > 0 ? `${table} (${columns.join(", ")})` : table;
  for (const what of ["added", "removed", "changed"] as const)
    if (staging.rows[what] !== production.rows[what])
      return [
        `${where}: ${grouped(production.rows[what])} rows ${what}, and ${grouped(staging.rows[what])} in the rehearsal, though its rows were the same`,
      ];
  if (staging.rows.keys === null || production.rows.keys === null) return [];
  if (staging.rows.keys === production.rows.keys) return [];
  return [`${where}: other rows were touched than in the rehearsal, though its rows were the same`];
}
