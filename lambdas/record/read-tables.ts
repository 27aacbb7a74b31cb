import { bytes, duration } from "../report/words.ts";
import type { TableContentDoc } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import type { Ports } from "../shared/ports.ts";
import type { OpenSession, Session } from "../shared/session.ts";
import { mustLeave } from "../shared/task.ts";
import {
  type ContentMode,
  joinParts,
  type ListedTable,
  type Range,
  takePart,
  takeTableContent,
} from "./checksums.ts";
import { inParallel } from "./in-parallel.ts";

export interface TableToRead extends ListedTable {
  mode: ContentMode;
}

export interface Reading {
  ports: Ports;
  evidence: RunEvidence;
  /** Name that documents of what was read begin with. */
  under: string;
  session: Session;
  /** Opens further sessions; undefined where there is to be only one. */
  beside: OpenSession | undefined;
  /** Larger tables are read in parts of so many blocks. */
  partBlocks?: number;
}

/** 4 GiB: some ten seconds. A worker that has read so much has something to keep, and people see it go on. */
const PART_BLOCKS = 524_288;
const BLOCK_BYTES = 8192;
/** Sessions that read at the same time. The server may put processes of its own beside each. */
const AT_ONCE = 4;

/** A table, or a part of a large one. */
interface Piece {
  table: TableToRead;
  name: string;
  /** Null: the whole table. */
  range: Range | null;
  blocks: number;
}

/** Reads each table once, several at the same time. Undefined: this worker must leave, call again. */
export async function readTables(
  tables: readonly TableToRead[],
  reading: Reading,
): Promise<TableContentDoc[] | undefined> {
  const { ports, evidence, session, beside } = reading;
  const pieces = tables.flatMap((table, index) => piecesOf(table, index, reading));
  const progress = progressOf(pieces, ports);
  const done = await inParallel(largestFirst(pieces), session, beside, AT_ONCE, async (piece, own) => {
    if (mustLeave(ports)) return false;
    await evidence.once(piece.name, () => {
      progress.begins(piece);
      return read(piece, own);
    });
    progress.ends(piece);
    return true;
  });
  if (!done) return undefined;
  const contents: TableContentDoc[] = [];
  for (const [index, table] of tables.entries())
    contents.push(await evidence.once(`${reading.under}/${index}`, () => join(table, index, reading)));
  return contents;
}

function read({ table: { table, columns, mode }, range }: Piece, session: Session) {
  return range
    ? takePart(session, table, columns, mode, range)
    : takeTableContent(session, table, columns, mode);
}

function piecesOf(
  table: TableToRead,
  index: number,
  { under, partBlocks = PART_BLOCKS }: Reading,
): [Piece, ...Piece[]] {
  const { blocks } = table;
  const count = Math.ceil(blocks / partBlocks);
  if (count <= 1) return [{ table, name: `${under}/${index}`, range: null, blocks }];
  return Array.from({ length: count }, (_, part) => {
    const [from, next] = [part * partBlocks, (part + 1) * partBlocks];
    return {
      table,
      name: `${under}/${index}-${part}`,
      // The last part goes on to the end, also of a table that grew.
      range: { from, to: next < blocks ? next : null },
      blocks: Math.min(next, blocks) - from,
    };
  }) as [Piece, ...Piece[]];
}

async function join(table: TableToRead, index: number, reading: Reading): Promise<TableContentDoc> {
  const parts: TableContentDoc[] = [];
  for (const { name } of piecesOf(table, index, reading)) parts.push(await reading.evidence.need(name));
  return (
    joinParts(parts, table.mode) ??
    (await takeTableContent(reading.session, table.table, table.columns, table.mode))
  );
}

/** So that the last one to end is not one that has just begun. */
function largestFirst(pieces: readonly Piece[]): Piece[] {
  return [...pieces].sort((a, b) => b.blocks - a.blocks);
}

/** Tells what is read and, where that takes long, how far it came and how much longer it may take. */
function progressOf(pieces: readonly Piece[], ports: Ports) {
  const began = ports.clock.now().getTime();
  const all = pieces.reduce((sum, { blocks }) => sum + blocks, 0);
  let done = 0;
  return {
    begins({ table: { table }, range }: Piece) {
      const part = range ? `, from ${bytes(range.from * BLOCK_BYTES)} on` : "";
      const seconds = (ports.clock.now().getTime() - began) / 1000;
      const left =
        done > 0 && seconds > 10 ? `, about ${duration((seconds / done) * (all - done))} left` : "";
      ports.progress(
        `reading ${table}${part} (${bytes(done * BLOCK_BYTES)} of ${bytes(all * BLOCK_BYTES)} read${left})`,
      );
    },
    ends({ blocks }: Piece) {
      done += blocks;
    },
  };
}
