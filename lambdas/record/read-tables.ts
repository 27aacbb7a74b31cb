import { countRows, isNew, isWithin, type RowCounts } from "../row-versions/count.ts";
import type { ListedTable, RowMark, TableContentDoc } from "../shared/documents.ts";
import type { Session } from "../shared/session.ts";
import { type ContentMode, joinParts, type TableContent, takePart, takeTableContent } from "./checksums.ts";
import { type Piece, type Reading, readPieces } from "./pieces.ts";

export interface TableToRead extends ListedTable {
  mode: ContentMode;
  /** Sum each column by itself, so that a difference can name it. */
  byColumn: boolean;
  /** Columns that told rows apart when it was read before. */
  key?: readonly string[] | undefined;
  /** Sum the keys of those rows by themselves that are new since then. */
  since?: RowMark["since"] | undefined;
}

/** So many tables are counted in one query. */
const COUNTED_TOGETHER = 200;
const READ_TOGETHER = 25;

/** Counts the rows of each table, many tables in one query. Undefined: this worker must leave, call again. */
export async function countTables(
  tables: readonly ListedTable[],
  since: RowMark["since"] | undefined,
  reading: Reading,
): Promise<RowCounts[] | undefined> {
  const counted = await readPieces(tables, COUNTED_TOGETHER, reading, ({ tables: some, range }, session) =>
    countRows(
      session,
      some.map(({ table }) => table),
      since,
      range,
    ),
  );
  return counted?.map((parts) => ({
    rows: sum(parts.map(({ rows }) => rows)),
    old: parts.some(({ old }) => old === null) ? null : sum(parts.map(({ old }) => old ?? "0")),
  }));
}

const sum = (values: readonly string[]) => values.reduce((all, value) => all + BigInt(value), 0n).toString();

/** What a piece says of a table: all of its rows, and those that are new. */
interface Read {
  all: TableContent;
  written: TableContent | null;
}

/** Reads each table once, several at the same time. Undefined: this worker must leave, call again. */
export async function readTables(
  tables: readonly TableToRead[],
  reading: Reading,
): Promise<TableContentDoc[] | undefined> {
  const read = await readPieces(tables, READ_TOGETHER, reading, async (piece, session) => {
    const contents: Read[] = [];
    for (const table of piece.tables) contents.push(await readTable(table, piece, session));
    return contents;
  });
  if (!read) return undefined;
  const contents: TableContentDoc[] = [];
  for (const [place, parts] of read.entries())
    contents.push(await join(tables[place] as TableToRead, parts, reading.session));
  return contents;
}

async function readTable(
  { table, columns, mode, byColumn, key, since }: TableToRead,
  { range }: Piece<TableToRead>,
  session: Session,
): Promise<Read> {
  const how = { sums: byColumn, key };
  const all = range
    ? await takePart(session, table, columns, mode, range, how)
    : await takeTableContent(session, table, columns, mode, how);
  if (since === undefined || !all.sums || all.keys === undefined) return { all, written: null };
  // Only the key: what the columns come to is known of the whole.
  const where = range ? `${isNew(since)} AND ${isWithin(range)}` : isNew(since);
  const written = await takeTableContent(session, table, all.key ?? [], mode, {
    ...how,
    key: all.key,
    where,
  });
  return { all, written };
}

async function join(
  { table, columns, mode, byColumn, key }: TableToRead,
  parts: readonly Read[],
  session: Session,
): Promise<TableContentDoc> {
  const all = parts.map((part) => part.all);
  const content =
    joinParts(all, mode) ?? (await takeTableContent(session, table, columns, mode, { sums: byColumn, key }));
  const some = parts.flatMap(({ written }) => written ?? []);
  const written = some.length === parts.length ? joinParts(some, "full") : undefined;
  return { ...content, ...(written ? { written: { rows: written.rows, keys: written.keys } } : {}) };
}
