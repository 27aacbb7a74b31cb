import { grouped } from "../report/words.ts";
import type { TableChangeDoc } from "../shared/documents.ts";
import { called } from "./words.ts";

/** One kind of change of one table or column, so far as a Go or a plan speaks of it: numbers of rows aside. */
export interface Kind {
  what:
    | "dropped"
    | "replaced"
    | "renamed"
    | "attached"
    | "added"
    | "removed"
    | "mixed"
    | "changed"
    | "retyped";
  table: string;
  /** Null: it is of the table, or of its rows. */
  column: string | null;
  /** Of a new name, or a new type. */
  to: string | null;
}

export function kindsOf(change: TableChangeDoc): Kind[] {
  const { table, fate, to, rows, columns, partitionOf } = change;
  const of = (what: Kind["what"], name: string | null = null): Kind => ({
    what,
    table,
    column: null,
    to: name,
  });
  const rowKinds = rows?.mixed
    ? [of("mixed")]
    : [...(isSome(rows?.added) ? [of("added")] : []), ...(isSome(rows?.removed) ? [of("removed")] : [])];
  return [
    ...(fate ? [of(fate, to ?? null)] : []),
    ...(partitionOf === undefined ? [] : [of("attached", partitionOf)]),
    ...rowKinds,
    ...columns.map(({ column, how, to: named }): Kind => ({ what: how, table, column, to: named ?? null })),
  ];
}

const isSome = (rows: string | undefined) => rows !== undefined && rows !== "0";

export const isSameKind = (a: Kind, b: Kind): boolean =>
  a.what === b.what && a.table === b.table && a.column === b.column && a.to === b.to;

/** True where `seen` allows for it: what cannot be told apart may be any of rows added, removed and changed. */
export function allows(seen: readonly Kind[], kind: Kind): boolean {
  if (seen.some((one) => isSameKind(one, kind))) return true;
  return (
    ["added", "removed", "changed"].includes(kind.what) &&
    seen.some(({ what, table }) => what === "mixed" && table === kind.table)
  );
}

/** In words, without a subject: `account.email changed in 3,000 of 3,000 rows`. */
export function kindText({ what, table, column, to }: Kind, { rows, rowsBefore }: TableChangeDoc): string {
  const name = column === null ? called(table) : `${called(table)}.${column}`;
  const of = (n: string | undefined) => `${grouped(n ?? "0")} of ${inRows(rowsBefore)}`;
  switch (what) {
    case "dropped":
      return `${name} dropped`;
    case "replaced":
      return `${name} dropped and made again`;
    case "renamed":
      return `${name} renamed to ${column === null ? called(to ?? "") : to}`;
    case "attached":
      return `${name} made a partition of ${called(to ?? "")}`;
    case "added":
      return `${inRows(rows?.added ?? "0")} added to ${name}`;
    case "removed":
      return `${of(rows?.removed)} removed from ${name}`;
    case "mixed":
      return rows?.added === rows?.removed
        ? `${of(rows?.removed)} of ${name} changed or replaced`
        : `${of(rows?.removed)} of ${name} replaced by ${grouped(rows?.added ?? "0")}`;
    case "changed":
      return `${name} changed in ${of(rows?.changed)}`;
    case "retyped":
      return `${name} made ${to}`;
  }
}

const inRows = (rows: string) => (rows === "1" ? "1 row" : `${grouped(rows)} rows`);
