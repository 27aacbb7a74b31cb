import { bytes, duration } from "../report/words.ts";
import type { ListedTable } from "../shared/documents.ts";
import type { Draft } from "../shared/draft.ts";
import type { Ports } from "../shared/ports.ts";
import type { OpenSession, Session } from "../shared/session.ts";
import { mustLeave } from "../shared/task.ts";
import type { Range } from "./checksums.ts";
import { inParallel } from "./in-parallel.ts";

export interface Reading {
  ports: Ports;
  draft: Pick<Draft, "once">;
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
export interface Piece<Table> {
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
export async function readPieces<Table extends ListedTable, Result>(
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
    const result = await draft.once(piece.name, () => {
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
