import { takeFingerprint } from "../prove/fingerprint.ts";
import { isDoubtful, type MarkedTable, type RowMark, takeRowMark } from "../row-versions/mark.ts";
import {
  Doc,
  type RecordBeganDoc,
  type RecordDoc,
  type RecordName,
  type TableContentDoc,
  type Target,
} from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { applicationRoles, besideTarget } from "../shared/places.ts";
import type { Ports } from "../shared/ports.ts";
import type { Session } from "../shared/session.ts";
import { type ContentMode, type ListedTable, listTables } from "./checksums.ts";
import { readAs } from "./compare-contents.ts";
import type { Reading } from "./pieces.ts";
import { countTables, readTables, type TableToRead } from "./read-tables.ts";
import { takeSequences } from "./sequences.ts";

/** How a table's values are read. */
export type Wish = Pick<TableToRead, "mode" | "byColumn">;

/** What a record is of. */
export type Scope =
  /** Every table that there is. Undefined: its rows are only counted, and row versions must do. */
  | { of: "all"; read: (table: string) => Wish | undefined }
  /** These tables and columns, so far as they are there, each read as it was then. */
  | { of: "expected"; tables: readonly TableContentDoc[] }
  /** The tables and columns of the record that this one builds on, whatever they are called now. */
  | { of: "since" };

export interface Recording {
  name: RecordName;
  target: Target;
  session: Session;
  scope: Scope;
  /**
   * An earlier record of this database, or of the one that it is a copy of: where row versions show that a table was not
   * touched since, what is known of it stays so. Undefined: there is none, or others may have written since.
   */
  since: RecordName | undefined;
}

/**
 * Catalog and contents of a database under that name, a piece at a time, each kept as it is read, so that another worker
 * can go on. Undefined: this worker must leave, call again.
 */
export async function takeRecord(
  ports: Ports,
  evidence: RunEvidence,
  { name, target, session, scope, since }: Recording,
): Promise<RecordDoc | undefined> {
  const taken = await evidence.read<RecordDoc>(Doc.record(name));
  if (taken) return taken;
  const began = await evidence.once<RecordBeganDoc>(Doc.recordBegan(name), async () => ({
    at: ports.clock.now().toISOString(),
    // Before anything is read: what is written later counts as new.
    mark: await takeRowMark(session),
    sequences: await takeSequences(session),
    tables: await listTables(session),
  }));
  const { hash } = await evidence.once(Doc.fingerprint(name), () =>
    takeFingerprint(session, applicationRoles(ports)),
  );
  // Where the application is not kept out, it works on this database meanwhile: it is read by one session.
  const alone = target === "production" && ports.settings.fence === "none";
  const reading = (under: string): Reading => ({
    ports,
    evidence,
    under: `${Doc.record(name)}/${under}`,
    session,
    beside: alone ? undefined : besideTarget(ports, evidence, target),
  });
  const base = since === undefined ? undefined : await baseOf(evidence, since);
  const tables = await contentsOf(began, scope, base, reading);
  if (!tables) return undefined;
  const now = ports.clock.now();
  return await evidence.keep<RecordDoc>(Doc.record(name), {
    at: began.at,
    seconds: (now.getTime() - Date.parse(began.at)) / 1000,
    fingerprint: hash,
    ...(since === undefined ? {} : { since }),
    tables,
    sequences: began.sequences,
  });
}

interface Base {
  mark: RowMark;
  tables: readonly TableContentDoc[];
}

async function baseOf(evidence: RunEvidence, since: RecordName): Promise<Base> {
  const { mark } = await evidence.need<RecordBeganDoc>(Doc.recordBegan(since));
  const { tables } = await evidence.need<RecordDoc>(Doc.record(since));
  return { mark, tables };
}

/** A table of the scope, and what is known of it from before. */
interface Subject {
  listed: ListedTable;
  columns: string[];
  wish: Wish | undefined;
  /** What it is to be compared with; undefined: nothing. */
  was: TableContentDoc | undefined;
  /** Columns that told rows apart then, by their names now; undefined: the primary key does. */
  key: string[] | undefined;
  /** Whether row versions since the base record can speak for `was`. */
  comparable: boolean;
  /** Whether the columns of `was` are the same ones still. */
  kept: boolean;
  /** Whether they are all that are recorded, read as they are to be read: what is known of an untouched table stays so. */
  carries: boolean;
}

async function contentsOf(
  began: RecordBeganDoc,
  scope: Scope,
  base: Base | undefined,
  reading: (under: string) => Reading,
): Promise<TableContentDoc[] | undefined> {
  const subjects = subjectsOf(began, scope, base);
  const compared = subjects.filter(({ comparable }) => comparable);
  const since = base?.mark.since;
  const counts = await countTables(
    compared.map(({ listed }) => listed),
    since,
    reading("counted"),
  );
  if (!counts) return undefined;
  const known = new Map<Subject, TableContentDoc>();
  const toRead: Subject[] = [];
  const toCount: Subject[] = subjects.filter(({ comparable, wish }) => !comparable && !wish);
  for (const subject of subjects) {
    const count = counts[compared.indexOf(subject)];
    if (!count || !subject.was) {
      if (subject.wish) toRead.push(subject);
      continue;
    }
    const { was, listed, wish } = subject;
    const old = BigInt(count.old ?? "0");
    const written = (BigInt(count.rows) - old).toString();
    const gone = (BigInt(was.rows) - old).toString();
    const intact = written === "0" && gone === "0";
    const table = listed.table;
    const kept = { ...was, table, columns: subject.columns };
    delete kept.touched;
    if (intact && subject.kept && subject.carries) known.set(subject, kept);
    else {
      if (wish) toRead.push(subject);
      known.set(subject, {
        table,
        columns: subject.columns,
        rows: count.rows,
        checksum: null,
        ...(wish?.mode === "count" ? {} : { unread: true as const }),
        ...(intact && subject.kept ? {} : { touched: { written, gone } }),
      });
    }
  }
  const mark = isDoubtful(began.mark) ? began.mark.since : undefined;
  const counted = await countTables(
    toCount.map(({ listed }) => listed),
    mark,
    reading("rows"),
  );
  if (!counted) return undefined;
  for (const [place, subject] of toCount.entries()) {
    const count = counted[place];
    if (!count) throw new Error(`There is no count of ${subject.listed.table}`);
    // Rows that look new from the start would look changed later: their values must be known.
    if (!subject.was && count.old !== null && count.old !== count.rows)
      toRead.push({ ...subject, wish: { mode: "full", byColumn: true } });
    else
      known.set(subject, {
        table: subject.listed.table,
        columns: subject.columns,
        rows: count.rows,
        checksum: null,
        unread: true,
        // Of another table under the same name nothing is known: none of its rows was there before.
        ...(subject.was ? { touched: { written: count.rows, gone: subject.was.rows } } : {}),
      });
  }
  const contents = await readTables(
    toRead.map(({ listed, columns, wish, key, comparable }) => ({
      ...listed,
      columns,
      ...(wish as Wish),
      key,
      since: comparable ? since : undefined,
    })),
    reading("read"),
  );
  if (!contents) return undefined;
  const found = new Map<string, TableContentDoc>();
  for (const [subject, content] of known) found.set(subject.listed.table, content);
  for (const content of contents) {
    const touched = found.get(content.table)?.touched;
    found.set(content.table, { ...content, ...(touched ? { touched } : {}) });
  }
  return subjects.flatMap(({ listed }) => found.get(listed.table) ?? []);
}

function subjectsOf(began: RecordBeganDoc, scope: Scope, base: Base | undefined): Subject[] {
  const marked = new Map(began.mark.tables.map((table) => [table.table, table]));
  const before = new Map(base?.mark.tables.map((table) => [table.oid, table]));
  const contents = new Map(base?.tables.map((content) => [content.table, content]));
  return began.tables.flatMap((listed): Subject[] => {
    const is = marked.get(listed.table);
    const was = is && before.get(is.oid);
    const content = was && contents.get(was.table);
    const heap = is?.heap === true && was?.heap === true;
    switch (scope.of) {
      case "all": {
        // Where rows are kept in another way than PostgreSQL's own, their versions tell nothing.
        const wish = scope.read(listed.table) ?? (is?.heap ? undefined : { mode: "full", byColumn: true });
        return [
          {
            listed,
            columns: listed.columns,
            wish,
            was: content,
            key: keyNow(content, was, is),
            comparable: heap && content !== undefined,
            kept: content !== undefined && columnsKept(content.columns, was, is),
            carries:
              content !== undefined &&
              (wish === undefined || readAs(content) === wish.mode) &&
              content.columns.join("\0") === listed.columns.join("\0"),
          },
        ];
      }
      case "expected": {
        const expected = scope.tables.find(({ table }) => table === listed.table);
        if (!expected) return [];
        const columns = expected.columns.filter((column) => listed.columns.includes(column));
        // What is expected must be what was there at the base's mark.
        const same = content?.rows === expected.rows && content.checksum === expected.checksum;
        return [
          {
            listed,
            columns,
            wish: wishOf(expected),
            was: expected,
            key: expected.key,
            comparable: heap && same,
            kept: columnsKept(expected.columns, was, is),
            carries: true,
          },
        ];
      }
      case "since": {
        if (!was || !is || !content) return [];
        const kept = was.columns.flatMap(({ name, number }) => {
          const column = content.columns.includes(name) && is.columns.find((now) => now.number === number);
          return column ? [column.name] : [];
        });
        return [
          {
            listed,
            columns: kept,
            wish: wishOf(content),
            was: content,
            key: keyNow(content, was, is),
            comparable: heap,
            kept: columnsKept(content.columns, was, is),
            carries: true,
          },
        ];
      }
    }
  });
}

function keyNow(
  content: TableContentDoc | undefined,
  was: MarkedTable | undefined,
  is: MarkedTable | undefined,
): string[] | undefined {
  const key = content?.key?.map((name) => {
    const number = was?.columns.find((column) => column.name === name)?.number;
    return is?.columns.find((column) => column.number === number)?.name;
  });
  return key?.every((name) => name !== undefined) ? key : undefined;
}

/** As it was read before; undefined where it was not. */
function wishOf(content: TableContentDoc): Wish | undefined {
  const mode = readAs(content);
  return mode === "versions" ? undefined : { mode: mode as ContentMode, byColumn: true };
}

/** Whether those columns hold what they held, so far as their rows do: none was made again, or is of another type. */
function columnsKept(
  names: readonly string[],
  was: MarkedTable | undefined,
  is: MarkedTable | undefined,
): boolean {
  return names.every((name) => {
    const [before, now] = [was, is].map((table) => table?.columns.find((column) => column.name === name));
    return (
      before !== undefined &&
      now !== undefined &&
      before.number === now.number &&
      before.type === now.type &&
      before.typeId === now.typeId
    );
  });
}
