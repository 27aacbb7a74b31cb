import type { ListedTable, RowMark, TableContentDoc } from "../shared/documents.ts";
import type { Draft } from "../shared/evidence.ts";
import type { Ports } from "../shared/ports.ts";
import type { OpenSession, Session } from "../shared/session.ts";
import { mustLeave } from "../shared/task.ts";
import { bytes, duration } from "../shared/text.ts";
import {
  type ContentMode,
  joinParts,
  type Range,
  type TableContent,
  takePart,
  takeTableContent,
} from "./checksums.ts";
import { countRows, isNew, isWithin, type RowCounts } from "./row-versions.ts";

export interface TableToRead extends ListedTable {
  mode: ContentMode;
  /** Sum each column separately, so that a difference can name it. */
  byColumn: boolean;
  /** Columns that identified rows in an earlier reading. */
  key?: readonly string[] | undefined;
  /** Also sum the keys of rows that are new since this mark. */
  since?: RowMark["since"] | undefined;
}

/** Tables counted in one query. */
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

/** A piece's result for one table: all of its rows, and the new ones. */
interface Read {
  all: TableContent;
  written: TableContent | null;
}

/** Reads each table once, several at a time. Undefined: this worker must leave, call again. */
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
  // Only the key: the columns' sums come from the whole reading.
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

export interface Reading {
  ports: Ports;
  draft: Pick<Draft, "getOrCreate">;
  /** Prefix of the documents that hold what was read. */
  under: string;
  session: Session;
  /** Opens further sessions; undefined if only one may be used. */
  beside: OpenSession | undefined;
  /** Blocks of one part of a larger table; by default it depends on the size of all tables. */
  partBlocks?: number;
}

/** 4 GiB: some ten seconds. After that a worker has a result to keep, and the progress shows. */
const MOST_PART_BLOCKS = 524_288;
/** 128 MiB: a smaller part is read before another session is open for it. */
const LEAST_PART_BLOCKS = 16_384;
/** With this many parts, parallel sessions finish one large table at about the same time. */
const PARTS = 16;
/** Small tables are read together, up to 64 MiB or a number of tables. */
const TOGETHER_BLOCKS = 8_192;
const BLOCK_BYTES = 8192;
/** Sessions that read at a time. The server may add parallel workers to each. */
const AT_ONCE = 4;

/** Several small tables, or a part of a large one. */
interface Piece<Table> {
  tables: Table[];
  name: string;
  /** Null: the whole of each table. */
  range: Range | null;
  blocks: number;
}

/**
 * Reads the tables a piece at a time, several pieces at once; each piece's result is one document of the draft.
 * @param work returns one result for each of the piece's tables
 * @returns the results of each table's parts; undefined: this worker must leave, call again
 */
async function readPieces<Table extends ListedTable, Result>(
  tables: readonly Table[],
  mostTogether: number,
  reading: Reading,
  work: (piece: Piece<Table>, session: Session) => Promise<Result[]>,
): Promise<Result[][] | undefined> {
  const { ports, draft, session, beside } = reading;
  const pieces = piecesOf(tables, mostTogether, reading);
  const progress = progressOf(pieces, ports);
  const results = new Map<Table, Result[]>(tables.map((table) => [table, []]));
  const read = new Map<Piece<Table>, Result[]>();
  const done = await inParallel(largestFirst(pieces), session, beside, AT_ONCE, async (piece, own) => {
    if (mustLeave(ports)) return false;
    const result = await draft.getOrCreate(piece.name, () => {
      progress.begins(piece);
      return work(piece, own);
    });
    read.set(piece, result);
    progress.ends(piece);
    return true;
  });
  if (!done) return undefined;
  for (const piece of pieces)
    for (const [place, table] of piece.tables.entries())
      results.get(table)?.push(read.get(piece)?.[place] as Result);
  return [...results.values()];
}

function piecesOf<Table extends ListedTable>(
  tables: readonly Table[],
  mostTogether: number,
  { under, beside, partBlocks = beside ? partFor(tables) : MOST_PART_BLOCKS }: Reading,
): Piece<Table>[] {
  const pieces: Omit<Piece<Table>, "name">[] = [];
  let small: Omit<Piece<Table>, "name"> | undefined;
  for (const table of tables) {
    const { blocks } = table;
    if (blocks > partBlocks) pieces.push(...partsOf(table, partBlocks));
    else if (
      small &&
      small.tables.length < mostTogether &&
      small.blocks + blocks <= Math.min(TOGETHER_BLOCKS, partBlocks)
    ) {
      small.tables.push(table);
      small.blocks += blocks;
    } else {
      small = { tables: [table], range: null, blocks };
      pieces.push(small);
    }
  }
  return pieces.map((piece, place) => ({ ...piece, name: `${under}-${place}` }));
}

/** The same for every worker: it depends on the sizes at the start of the record. */
function partFor(tables: readonly ListedTable[]): number {
  const all = tables.reduce((sum, { blocks }) => sum + blocks, 0);
  return Math.min(MOST_PART_BLOCKS, Math.max(LEAST_PART_BLOCKS, Math.ceil(all / PARTS)));
}

function partsOf<Table extends ListedTable>(table: Table, partBlocks: number): Omit<Piece<Table>, "name">[] {
  const { blocks } = table;
  return Array.from({ length: Math.ceil(blocks / partBlocks) }, (_, part) => {
    const [from, next] = [part * partBlocks, (part + 1) * partBlocks];
    return {
      tables: [table],
      // The last part reaches the table's end, even if the table grew.
      range: { from, to: next < blocks ? next : null },
      blocks: Math.min(next, blocks) - from,
    };
  });
}

/** Largest first, so that no long piece starts at the end. */
function largestFirst<Table>(pieces: readonly Piece<Table>[]): Piece<Table>[] {
  return [...pieces].sort((a, b) => b.blocks - a.blocks);
}

/** Reports what is read and, if it takes long, how much is done and the time left. */
function progressOf<Table extends ListedTable>(pieces: readonly Piece<Table>[], ports: Ports) {
  const began = ports.clock.now().getTime();
  const all = pieces.reduce((sum, { blocks }) => sum + blocks, 0);
  let done = 0;
  return {
    begins({ tables: [first, ...more], range }: Piece<Table>) {
      const part = range ? `, from ${bytes(range.from * BLOCK_BYTES)} on` : "";
      const others = more.length > 0 ? ` and ${more.length} more` : "";
      const seconds = (ports.clock.now().getTime() - began) / 1000;
      const left =
        done > 0 && seconds > 10 ? `, about ${duration((seconds / done) * (all - done))} left` : "";
      ports.progress(
        `reading ${first?.table}${others}${part} (${bytes(done * BLOCK_BYTES)} of ${bytes(all * BLOCK_BYTES)} read${left})`,
      );
    },
    ends({ blocks }: Piece<Table>) {
      done += blocks;
    },
  };
}

/**
 * Does the work for each item, on the given session and on up to `atOnce` in all. It stops once one returns false or
 * fails; work under way finishes its item.
 * @returns false if one returned false
 */
export async function inParallel<Item>(
  items: readonly Item[],
  session: Session,
  beside: OpenSession | undefined,
  atOnce: number,
  work: (item: Item, session: Session) => Promise<boolean>,
): Promise<boolean> {
  const left = [...items];
  let stopped = false;
  const drain = async (own: Session): Promise<void> => {
    for (let item = left.shift(); item !== undefined && !stopped; item = left.shift()) {
      const goesOn = await work(item, own).catch((error: unknown) => {
        stopped = true;
        throw error;
      });
      if (!goesOn) stopped = true;
    }
  };
  const others = beside ? Math.min(atOnce, items.length) - 1 : 0;
  const helpers = Array.from({ length: Math.max(0, others) }, () => helped(beside as OpenSession, drain));
  const ends = await Promise.allSettled([drain(session), ...helpers]);
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  return !stopped;
}

/** Failing to open a further session is not an error: the first one does all the work. */
async function helped(open: OpenSession, drain: (session: Session) => Promise<void>): Promise<void> {
  let opened = false;
  try {
    await open(async (session) => {
      opened = true;
      await drain(session);
    });
  } catch (error) {
    if (opened) throw error;
  }
}
