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

export interface Reading {
  ports: Ports;
  draft: Pick<Draft, "getOrCreate">;
  /** Name that documents of what was read begin with. */
  under: string;
  session: Session;
  /** Opens further sessions; undefined where there is to be only one. */
  beside: OpenSession | undefined;
  /** Larger tables are read in parts of so many blocks; by what there is to read unless said. */
  partBlocks?: number;
}

/** 4 GiB: some ten seconds. A worker that has read so much has something to keep, and people see it go on. */
const MOST_PART_BLOCKS = 524_288;
/** 128 MiB: less is read before another session is open for it. */
const LEAST_PART_BLOCKS = 16_384;
/** In so many parts, sessions that read at the same time come to the end of one large table together. */
const PARTS = 16;
/** Small tables are read together until they come to so much, 64 MiB, or to so many. */
const TOGETHER_BLOCKS = 8_192;
const BLOCK_BYTES = 8192;
/** Sessions that read at the same time. The server may put processes of its own beside each. */
const AT_ONCE = 4;

/** Some small tables, or a part of a large one. */
interface Piece<Table> {
  tables: Table[];
  name: string;
  /** Null: the whole of each. */
  range: Range | null;
  blocks: number;
}

/**
 * Reads the tables a piece at a time, several pieces at once; each piece's result is one document of the draft.
 * @param work gives one result for each of the piece's tables
 * @returns of each table the results of its parts; undefined: this worker must leave, call again
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

/** The same for every worker: by the sizes that the record began with. */
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
      // The last part goes on to the end, also of a table that grew.
      range: { from, to: next < blocks ? next : null },
      blocks: Math.min(next, blocks) - from,
    };
  });
}

/** So that the last one to end is not one that has just begun. */
function largestFirst<Table>(pieces: readonly Piece<Table>[]): Piece<Table>[] {
  return [...pieces].sort((a, b) => b.blocks - a.blocks);
}

/** Shows what is read and, where that takes long, how far it came and how much longer it may take. */
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
 * Does the work for each item, on the given session and on up to so many in all. It stops when one says false, or fails;
 * who is at work by then comes to the end of its item.
 * @returns false when one said so
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

/** A session more than the server gives is none that is needed. */
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
