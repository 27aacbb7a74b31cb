import type { ChangesDoc, ColumnChangeDoc, ObjectChangesDoc, TableChangeDoc } from "../shared/documents.ts";
import { count, grouped, list } from "../shared/text.ts";

/** A table's name in messages: without the schema public. */
export const called = (table: string) => table.replace(/^public\./, "");

/** Most tables that are listed one by one. */
const MOST = 12;

/**
 * Describes what was done to existing data in a few words without a subject, such as `adds 1 row to role_kind,
 * changes account.email in 3,000 of 3,000 rows, drops account.status`.
 */
export function changesText({
  tables,
  objects,
  sequences,
}: Pick<ChangesDoc, "tables" | "objects" | "sequences">): string {
  const told = tables.slice(0, MOST).flatMap(tableTexts);
  const more = tables.length - MOST;
  return [
    ...(told.length > 0 ? told : ["changes no existing data"]),
    ...(more > 0 ? [`changes ${count(more, "more table")}`] : []),
    ...objectTexts(objects),
    ...sequences.flatMap(({ sequence, back }) => (back ? [`sets ${called(sequence)} back`] : [])),
  ].join(", ");
}

/** The same for one table: one text for each kind of change. */
export function tableTexts(change: TableChangeDoc): string[] {
  const { fate, rows, rowsBefore, columns } = change;
  const table = called(change.table);
  if (fate === "dropped") return [`drops ${table} with ${inRows(rowsBefore)}`];
  if (fate === "replaced")
    return [`drops ${table} with ${inRows(rowsBefore)} and makes another of that name`];
  const changed = columns.filter(({ how }) => how === "changed").map(({ column }) => `${table}.${column}`);
  const of = `of ${inRows(rowsBefore)}`;
  return [
    ...moved(table, change),
    ...mixed(table, of, rows),
    ...(rows && !rows.mixed && rows.added !== "0" ? [`adds ${inRows(rows.added)} to ${table}`] : []),
    ...(rows && !rows.mixed && rows.removed !== "0"
      ? [`removes ${grouped(rows.removed)} ${of} from ${table}`]
      : []),
    ...(rows && changed.length > 0 ? [`changes ${list(changed)} in ${grouped(rows.changed)} ${of}`] : []),
    ...columns.flatMap((column) => columnText(table, column)),
  ];
}

function moved(table: string, { to, partitionOf }: TableChangeDoc): string[] {
  const parent = partitionOf === undefined ? undefined : `a partition of ${called(partitionOf)}`;
  if (to === undefined) return parent === undefined ? [] : [`makes ${table} ${parent}`];
  return [`renames ${table} to ${called(to)}${parent === undefined ? "" : ` and makes it ${parent}`}`];
}

function mixed(table: string, of: string, rows: TableChangeDoc["rows"]): string[] {
  if (!rows?.mixed) return [];
  const removed = `${grouped(rows.removed)} ${of} of ${table}`;
  if (rows.added === rows.removed) return [`changes or replaces ${removed}`];
  return [`replaces ${removed} by ${grouped(rows.added)}`];
}

function columnText(table: string, { column, how, from, to }: ColumnChangeDoc): string[] {
  const name = `${table}.${column}`;
  switch (how) {
    case "changed":
      return [];
    case "dropped":
      return [`drops ${name}`];
    case "renamed":
      return [`renames ${name} to ${to}`];
    case "retyped":
      return [`changes the type of ${name} from ${from} to ${to}`];
  }
}

function objectTexts({ added, gone, some }: ObjectChangesDoc): string[] {
  return [
    ...(added > 0 ? [`adds ${fewOf(some.added, added)}`] : []),
    ...(gone > 0 ? [`drops ${fewOf(some.gone, gone)}`] : []),
  ];
}

function fewOf(some: readonly string[], all: number): string {
  const more = all - some.length;
  if (some.length === 0) return count(all, "object");
  return more > 0 ? `${some.join(", ")} and ${count(more, "more object")}` : list(some);
}

export const inRows = (rows: string) => (rows === "1" ? "1 row" : `${grouped(rows)} rows`);
