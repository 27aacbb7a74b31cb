import { countRows, isNew, type RowCounts, withinBlocks } from "../row-versions/count.ts";
import type { RowMark } from "../row-versions/mark.ts";
import type { TableContentDoc } from "../shared/documents.ts";
import type { Session } from "../shared/session.ts";
import { type ContentMode, joinParts, type ListedTable, takePart, takeTableContent } from "./checksums.ts";
import { type ColumnSums, takeColumnSums, together } from "./column-sums.ts";
import { type Piece, type Reading, readPieces } from "./pieces.ts";

export interface TableToRead extends ListedTable {
  mode: ContentMode;
  /** Sum each column by itself, so that a difference can name it. */
  byColumn: boolean;
  /** Sum those rows by themselves that are new since then. */
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

interface Read {
  content: TableContentDoc;
  all: ColumnSums | null;
  written: ColumnSums | null;
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
  { table, columns, mode, byColumn, since }: TableToRead,
  { range }: Piece<TableToRead>,
  session: Session,
): Promise<Read> {
  const content = range
    ? await takePart(session, table, columns, mode, range)
    : await takeTableContent(session, table, columns, mode);
  const where = range ? withinBlocks(range) : "";
  const sums = (more: string) => takeColumnSums(session, table, columns, more);
  const summed = byColumn && !content.missing && mode === "full";
  return {
    content,
    all: summed ? await sums(where) : null,
    written:
      summed && since !== undefined
        ? await sums(where === "" ? `WHERE ${isNew(since)}` : `${where} AND ${isNew(since)}`)
        : null,
  };
}

async function join(
  { table, columns, mode }: TableToRead,
  parts: readonly Read[],
  session: Session,
): Promise<TableContentDoc> {
  const content =
    joinParts(
      parts.map((part) => part.content),
      mode,
    ) ?? (await takeTableContent(session, table, columns, mode));
  const joined = (which: "all" | "written") =>
    parts.reduce<ColumnSums | null | undefined>(
      (all, part) =>
        all === undefined ? part[which] : all && part[which] ? together(all, part[which]) : null,
      undefined,
    ) ?? null;
  const [all, written] = [joined("all"), joined("written")];
  return { ...content, ...(all ? { all } : {}), ...(written ? { written } : {}) };
}
