import type {
  ColumnChangeDoc,
  Fingerprint,
  MarkedColumn,
  MarkedTable,
  ObjectChangesDoc,
  RowChangesDoc,
  RowMark,
  SequenceDoc,
  SequenceMovedDoc,
  TableChangeDoc,
  TableContentDoc,
} from "../shared/documents.ts";
import { identifier } from "../shared/sql-text.ts";
import { modeOf } from "./compare-contents.ts";
import { type Difference, differences } from "./difference.ts";
import { wentBack } from "./sequences.ts";

/** A database at some moment. */
export interface Moment {
  mark: RowMark;
  tables: readonly TableContentDoc[];
}

/** A table that was there before, as it was and as it is. */
interface Pair {
  was: MarkedTable;
  is: MarkedTable;
  /** Those that are still there, be it under another name. */
  kept: { before: MarkedColumn; now: MarkedColumn }[];
}

/**
 * What became of the tables that `before` knows, of their columns and of their rows; `after` must be told by the row
 * versions since `before`.
 * @param except tables that are nobody's concern
 */
export function observe(
  before: Moment,
  after: Moment,
  except: (table: string) => boolean = () => false,
): TableChangeDoc[] {
  const contents = byTable(before.tables);
  const now = byTable(after.tables);
  const marked = markedBy(after.mark);
  return before.mark.tables.flatMap((was) => {
    const content = contents.get(was.table);
    if (!content || except(was.table)) return [];
    const change = structureOf(was, content, marked);
    const pair = pairOf(was, marked);
    const is = pair && now.get(pair.is.table);
    const rows = pair && is?.touched && rowsOf(pair, content, is);
    const whole = rows
      ? { ...change, rows: rows.rows, columns: [...change.columns, ...rows.columns] }
      : change;
    return isChange(whole) ? [whole] : [];
  });
}

/** Tables of a mark, to be found without looking at all of them. */
export interface MarkedTables {
  byOid: ReadonlyMap<string, MarkedTable>;
  byName: ReadonlyMap<string, MarkedTable>;
}

export function markedBy({ tables }: RowMark): MarkedTables {
  return {
    byOid: new Map(tables.map((table) => [table.oid, table])),
    byName: new Map(tables.map((table) => [table.table, table])),
  };
}

export const byTable = (tables: readonly TableContentDoc[]) =>
  new Map(tables.map((table) => [table.table, table]));

export function isChange({ fate, partitionOf, rows, columns }: TableChangeDoc): boolean {
  return fate !== undefined || partitionOf !== undefined || rows !== undefined || columns.length > 0;
}

function pairOf(was: MarkedTable, { byOid }: MarkedTables): Pair | undefined {
  const is = byOid.get(was.oid);
  return (
    is && {
      was,
      is,
      kept: was.columns.flatMap((before) => {
        const now = is.columns.find(({ number }) => number === before.number);
        return now ? [{ before, now }] : [];
      }),
    }
  );
}

/** What became of the table and its columns, their rows aside. */
export function structureOf(
  was: MarkedTable,
  content: TableContentDoc,
  marked: MarkedTables,
): TableChangeDoc {
  const pair = pairOf(was, marked);
  const change: TableChangeDoc = {
    table: was.table,
    rowsBefore: content.rows,
    columns: [],
    began: modeOf(content) === "full" ? content.checksum : null,
  };
  if (!pair) return { ...change, fate: marked.byName.has(was.table) ? "replaced" : "dropped" };
  const { is, kept } = pair;
  return {
    ...change,
    ...(is.table === was.table ? {} : { fate: "renamed" as const, to: is.table }),
    ...(is.parent !== null && is.parent.oid !== was.parent?.oid ? { partitionOf: is.parent.table } : {}),
    columns: was.columns.flatMap((column): ColumnChangeDoc[] => {
      const found = kept.find(({ before }) => before === column);
      if (!found) return [{ column: column.name, how: "dropped" }];
      const { now } = found;
      return [
        ...(now.name === column.name ? [] : [{ column: column.name, how: "renamed" as const, to: now.name }]),
        ...(sameType(column, now)
          ? []
          : [{ column: column.name, how: "retyped" as const, from: column.type, to: now.type }]),
      ];
    }),
  };
}

/** Types of which the same value has the same hash (record/hashes.ts). */
const ALIKE: readonly RegExp[] = [
  /^(?:text|character varying(?:\(\d+\))?)$/,
  /^(?:smallint|integer|bigint)$/,
];

const hashedAlike = (a: MarkedColumn, b: MarkedColumn) =>
  ALIKE.some((types) => types.test(a.type) && types.test(b.type));

const sameType = (a: MarkedColumn, b: MarkedColumn) => a.type === b.type && a.typeId === b.typeId;

/** What became of the rows that were there, by how many are new and gone and by what the columns come to. */
function rowsOf(
  pair: Pair,
  was: TableContentDoc,
  is: TableContentDoc,
): { rows: RowChangesDoc; columns: ColumnChangeDoc[] } | undefined {
  const { written, gone } = is.touched ?? { written: "0", gone: "0" };
  if (written === "0" && gone === "0") return undefined;
  const keys = goneKeys(pair, was, is);
  const none = { added: "0", removed: "0", changed: "0", keys };
  const only = (rows: Partial<RowChangesDoc>) => ({ rows: { ...none, ...rows }, columns: [] });
  if (gone === "0") return only({ added: written });
  if (written === "0") return only({ removed: gone });
  const mixed = only({ added: written, removed: gone, mixed: true });
  const others = keys !== null && keys !== is.written?.keys;
  if (written !== gone || others || !sumsCompare(pair, was, is)) return mixed;
  const columns = differing(pair, was, is);
  if (columns.length > 0)
    return {
      rows: { ...none, changed: written },
      columns: columns.map((column) => ({ column, how: "changed" as const })),
    };
  // Without a key, values that changed places leave each column's sum as it was, and not that of the rows.
  return keys === null && sameRows(pair, was, is) === false ? mixed : undefined;
}

/** Whether the columns' sums were taken alike: of both, and with the same columns as key. */
function sumsCompare({ kept }: Pair, was: TableContentDoc, is: TableContentDoc): boolean {
  if (!was.sums || !is.sums) return false;
  const key = (was.key ?? []).map((name) => kept.find(({ before }) => before.name === name)?.now.name);
  return key.join("\0") === (is.key ?? []).join("\0");
}

/** Columns, by their former names, whose values are not what they were, so far as those of another type compare. */
function differing({ kept }: Pair, was: TableContentDoc, is: TableContentDoc): string[] {
  return kept
    .filter(({ before, now }) => sameType(before, now) || hashedAlike(before, now))
    .filter(({ before, now }) => {
      const [a, b] = [was.sums?.[before.name], is.sums?.[now.name]];
      return a !== undefined && b !== undefined && a !== b;
    })
    .map(({ before }) => before.name);
}

/** Sum of the keys of the rows that are gone; null where the key is not the same any more, or was not read. */
function goneKeys(pair: Pair, was: TableContentDoc, is: TableContentDoc): string | null {
  if (!sumsCompare(pair, was, is)) return null;
  if (was.keys === undefined || is.keys === undefined || is.written?.keys === undefined) return null;
  return (BigInt(was.keys) - (BigInt(is.keys) - BigInt(is.written.keys))).toString();
}

/** Whether whole rows are what they were; undefined where other columns were read. */
function sameRows(
  { kept, was: table }: Pair,
  was: TableContentDoc,
  is: TableContentDoc,
): boolean | undefined {
  const comparable =
    kept.length === table.columns.length &&
    kept.every(({ before, now }) => sameType(before, now)) &&
    was.columns.length === is.columns.length &&
    modeOf(was) === "full" &&
    modeOf(is) === "full";
  return comparable ? was.checksum === is.checksum : undefined;
}

/** What people know of by its name comes first; kinds that belong to others come last. */
const KINDS = [
  "table",
  "partitioned table",
  "view",
  "materialized view",
  "function",
  "procedure",
  "type",
  "column",
  "index",
];

const TABLES: readonly string[] = ["table", "partitioned table"];

/** Names of objects that are shown of each. */
const MOST = 3;

/**
 * Objects that came, went and changed. Not counted: what `tables` has already, and what belongs to a table that came or
 * went itself.
 */
export function objectChanges(
  before: Fingerprint,
  after: Fingerprint,
  tables: readonly TableChangeDoc[],
): ObjectChangesDoc {
  const found = differences(before, after);
  const whole = new Set([
    ...found
      .filter(({ kind, change }) => TABLES.includes(kind) && change !== "changed")
      .map(({ name }) => name),
    ...tables.flatMap(({ table, fate, to }) => (fate ? [table, to ?? table] : [])),
  ]);
  const told = new Set(tables.flatMap(namesOf));
  const counted = found.filter(({ kind, name }) => !told.has(name) && !whole.has(ownerOf(kind, name)));
  const of = (change: "added" | "removed" | "changed") => counted.filter((one) => one.change === change);
  const some = (change: "added" | "removed" | "changed") =>
    [...of(change)]
      .sort((a, b) => rank(a.kind) - rank(b.kind))
      .slice(0, MOST)
      .map(({ kind, name }) => `${kind} ${name.replace(/^public\./, "")}`);
  return {
    added: of("added").length,
    gone: of("removed").length,
    changed: of("changed").length,
    some: { added: some("added"), gone: some("removed"), changed: some("changed") },
  };
}

const rank = (kind: string) => (KINDS.includes(kind) ? KINDS.indexOf(kind) : KINDS.length);

/** The table that a column, a constraint or a trigger is of, by its name; empty: none. */
function ownerOf(kind: string, name: string): string {
  if (kind === "column") return name.slice(0, name.lastIndexOf("."));
  const on = name.lastIndexOf(" on ");
  return on < 0 ? "" : name.slice(on + " on ".length);
}

/** Whether an object is a part of one of these tables. @param definition by which an index names its table */
export function isPartOf(
  tables: ReadonlySet<string>,
  { kind, name }: Pick<Difference, "kind" | "name">,
  definition: string,
): boolean {
  return (
    tables.has(ownerOf(kind, name)) ||
    (kind === "index" && [...tables].some((table) => definition.includes(` ON ${table} USING `)))
  );
}

/** What the catalog calls a table that is told of, and its columns. */
function namesOf({ table, fate, to, columns }: TableChangeDoc): string[] {
  return [
    ...(fate === "renamed" || fate === "dropped" ? [table, to ?? table] : []),
    ...columns.flatMap(({ column, how, to: named }) => [
      `${table}.${quoted(column)}`,
      ...(how === "renamed" && named !== undefined ? [`${table}.${quoted(named)}`] : []),
    ]),
  ];
}

/** As the server quotes it: where it must be. */
const quoted = (name: string) => (/^[a-z_][a-z0-9_]*$/.test(name) ? name : identifier(name));

export function sequencesMoved(
  before: readonly SequenceDoc[],
  after: readonly SequenceDoc[],
): SequenceMovedDoc[] {
  const now = new Map(after.map((found) => [found.sequence, found]));
  return before.flatMap((was): SequenceMovedDoc[] => {
    const { sequence, last } = was;
    const is = now.get(sequence);
    if (!is || is.last === last) return [];
    const back = wentBack([was], after).length > 0;
    return [{ sequence, from: last, to: is.last, ...(back ? { back } : {}) }];
  });
}
