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
import { wentBack } from "./besides.ts";
import { modeOf } from "./compare-contents.ts";
import { type Difference, differences } from "./difference.ts";

/** A database at one moment. */
export interface Moment {
  mark: RowMark;
  tables: readonly TableContentDoc[];
}

/** A table that existed before, then and now. */
interface Pair {
  was: MarkedTable;
  is: MarkedTable;
  /** Columns that still exist, possibly under another name. */
  kept: { before: MarkedColumn; now: MarkedColumn }[];
}

/**
 * Compares two moments of a database. Returns what happened to the tables of `before`, their columns and their rows.
 * The row versions of `after` must be counted since `before`.
 * @param except tables to ignore
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

/** Tables of a mark, indexed so that a lookup does not scan all of them. */
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

/** Returns what happened to the table and its columns, without its rows. */
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

/** Types for which equal values have equal hashes (hashes.ts). */
const ALIKE: readonly RegExp[] = [
  /^(?:text|character varying(?:\(\d+\))?)$/,
  /^(?:smallint|integer|bigint)$/,
];

const hashedAlike = (a: MarkedColumn, b: MarkedColumn) =>
  ALIKE.some((types) => types.test(a.type) && types.test(b.type));

const sameType = (a: MarkedColumn, b: MarkedColumn) => a.type === b.type && a.typeId === b.typeId;

/** Returns what happened to the existing rows, from the counts of new and missing ones and from the columns' sums. */
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
  // Without a key, values that swap rows leave each column's sum unchanged but change that of the rows.
  return keys === null && sameRows(pair, was, is) === false ? mixed : undefined;
}

/** True if both sides have columns' sums, taken with the same columns as key. */
function sumsCompare({ kept }: Pair, was: TableContentDoc, is: TableContentDoc): boolean {
  if (!was.sums || !is.sums) return false;
  const key = (was.key ?? []).map((name) => kept.find(({ before }) => before.name === name)?.now.name);
  return key.join("\0") === (is.key ?? []).join("\0");
}

/**
 * Columns, by their former names, whose values changed. Columns of another type count only if their hashes compare.
 */
function differing({ kept }: Pair, was: TableContentDoc, is: TableContentDoc): string[] {
  return kept
    .filter(({ before, now }) => sameType(before, now) || hashedAlike(before, now))
    .filter(({ before, now }) => {
      const [a, b] = [was.sums?.[before.name], is.sums?.[now.name]];
      return a !== undefined && b !== undefined && a !== b;
    })
    .map(({ before }) => before.name);
}

/** Sum of the keys of the missing rows; null if the key has changed or was not read. */
function goneKeys(pair: Pair, was: TableContentDoc, is: TableContentDoc): string | null {
  if (!sumsCompare(pair, was, is)) return null;
  if (was.keys === undefined || is.keys === undefined || is.written?.keys === undefined) return null;
  return (BigInt(was.keys) - (BigInt(is.keys) - BigInt(is.written.keys))).toString();
}

/** True if whole rows are unchanged; undefined if other columns were read. */
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

/** Kinds that people know by name come first; kinds that belong to another object come last. */
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

/** Most objects named for each kind of change. */
const MOST = 3;

/**
 * Counts objects that were added, removed and changed. Not counted: what `tables` already shows, and what belongs to
 * a table that was added or removed itself.
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

/** Name of the table that a column, a constraint or a trigger belongs to; empty if none. */
function ownerOf(kind: string, name: string): string {
  if (kind === "column") return name.slice(0, name.lastIndexOf("."));
  const on = name.lastIndexOf(" on ");
  return on < 0 ? "" : name.slice(on + " on ".length);
}

/**
 * True if an object is part of one of these tables.
 * @param definition names the table of an index
 */
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

/** The catalog's names of a listed table and its columns. */
function namesOf({ table, fate, to, columns }: TableChangeDoc): string[] {
  return [
    ...(fate === "renamed" || fate === "dropped" ? [table, to ?? table] : []),
    ...columns.flatMap(({ column, how, to: named }) => [
      `${table}.${quoted(column)}`,
      ...(how === "renamed" && named !== undefined ? [`${table}.${quoted(named)}`] : []),
    ]),
  ];
}

/** Quotes a name as the server does: only if needed. */
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
