import { hasOtherLabels } from "../row-versions/mark.ts";
import type {
  ListedTable,
  MarkedTable,
  RecordBeganDoc,
  RowMark,
  TableContentDoc,
} from "../shared/documents.ts";
import type { ContentMode } from "./checksums.ts";
import { readAs } from "./compare-contents.ts";
import type { TableToRead } from "./read-tables.ts";

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

export interface Base {
  mark: RowMark;
  tables: readonly TableContentDoc[];
}

/** A table of the scope, and what is known of it from before. */
export interface Subject {
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

export function subjectsOf(began: RecordBeganDoc, scope: Scope, base: Base | undefined): Subject[] {
  const marked = new Map(began.mark.tables.map((table) => [table.table, table]));
  const before = new Map(base?.mark.tables.map((table) => [table.oid, table]));
  const contents = new Map(base?.tables.map((content) => [content.table, content]));
  const wanted = new Map(
    scope.of === "expected" ? scope.tables.map((content) => [content.table, content]) : [],
  );
  // Nobody looks which tables hold such values: it is rare, and what is to be read can be read again.
  const relabelled = base !== undefined && hasOtherLabels(base.mark, began.mark);
  const subjectOf = (listed: ListedTable): Subject[] => {
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
              !relabelled &&
              (wish === undefined || readAs(content) === wish.mode) &&
              content.columns.join("\0") === listed.columns.join("\0"),
          },
        ];
      }
      case "expected": {
        const expected = wanted.get(listed.table);
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
  };
  return began.tables.flatMap(subjectOf);
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
