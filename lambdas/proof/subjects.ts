import {
  Doc,
  type ListedTable,
  type MarkedTable,
  type RecordBeganDoc,
  type RecordName,
  type RowMark,
  type TableContentDoc,
} from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import type { CompiledPlan } from "../shared/plan.ts";
import type { Ports } from "../shared/ports.ts";
import type { Session } from "../shared/session.ts";
import { versionTables } from "../version-table/tables.ts";
import type { ContentMode } from "./checksums.ts";
import { readAs } from "./compare-contents.ts";
import type { TableToRead } from "./read-tables.ts";
import { hasOtherLabels } from "./row-versions.ts";
import { requireMarkedRecord } from "./stored-record.ts";

/** How a table's values are read. */
export type Wish = Pick<TableToRead, "mode" | "byColumn">;

/** What a record covers. */
export type Scope =
  /** Every table. `read` undefined for a table: its rows are only counted, and row versions must be enough. */
  | { of: "all"; read: (table: string) => Wish | undefined }
  /** These tables and columns, if they exist, each read as it was then. */
  | { of: "expected"; tables: readonly TableContentDoc[] }
  /** The tables and columns of the base record, under their current names. */
  | { of: "since" };

export interface Base {
  mark: RowMark;
  tables: readonly TableContentDoc[];
}

/** A table of the scope, with what is already known of it. */
export interface Subject {
  listed: ListedTable;
  columns: string[];
  wish: Wish | undefined;
  /** The contents to compare with; undefined: none. */
  was: TableContentDoc | undefined;
  /** Columns that identified rows then, by their current names; undefined: use the primary key. */
  key: string[] | undefined;
  /** True if row versions since the base record apply to `was`. */
  comparable: boolean;
  /** True if the columns of `was` are still the same columns. */
  kept: boolean;
  /** True if `was` covers all recorded columns in the requested mode: for an untouched table it stays valid. */
  carries: boolean;
}

export function subjectsOf(began: RecordBeganDoc, scope: Scope, base: Base | undefined): Subject[] {
  const marked = new Map(began.mark.tables.map((table) => [table.table, table]));
  const before = new Map(base?.mark.tables.map((table) => [table.oid, table]));
  const contents = new Map(base?.tables.map((content) => [content.table, content]));
  const wanted = new Map(
    scope.of === "expected" ? scope.tables.map((content) => [content.table, content]) : [],
  );
  // Assume that every table may hold relabelled values: this is rare, and reading again is safe.
  const relabelled = base !== undefined && hasOtherLabels(base.mark, began.mark);
  const subjectOf = (listed: ListedTable): Subject[] => {
    const is = marked.get(listed.table);
    const was = is && before.get(is.oid);
    const content = was && contents.get(was.table);
    const heap = is?.heap === true && was?.heap === true;
    switch (scope.of) {
      case "all": {
        // Under another table access method than heap, row versions show nothing.
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
        // The expected contents must be those at the base's mark.
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

/** The mode of the earlier reading; undefined if there was none. */
function wishOf(content: TableContentDoc): Wish | undefined {
  const mode = readAs(content);
  return mode === "versions" ? undefined : { mode: mode as ContentMode, byColumn: true };
}

/** True if no column was made again or changed its type, so unchanged rows hold unchanged values. */
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

type Contents = CompiledPlan["contents"];

/**
 * Returns the plan's `contents` for each relation, by the names that records use. A partitioned table's entry applies
 * to its leaves; an entry for a leaf itself takes precedence.
 */
export async function contentsByName(session: Session, contents: Contents): Promise<Map<string, string>> {
  const found = await session.query<{ name: string; said: string }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name, w.value AS said
       FROM jsonb_each_text($1::text::jsonb) w
       CROSS JOIN LATERAL (SELECT to_regclass(w.key) AS oid) r
       CROSS JOIN LATERAL (SELECT r.oid AS relid UNION SELECT relid FROM pg_partition_tree(r.oid)) t
       JOIN pg_class c ON c.oid = t.relid
       JOIN pg_namespace n ON n.oid = c.relnamespace
      ORDER BY c.oid = r.oid, (SELECT count(*) FROM pg_partition_ancestors(r.oid))`,
    [JSON.stringify(contents)],
  );
  return new Map(found.map(({ name, said }) => [name, said]));
}

/** Returns how the plan requests tables' contents to be read. All other tables are read in full. */
export async function contentModes(
  session: Session,
  contents: Contents,
): Promise<ReadonlyMap<string, ContentMode>> {
  const modes = new Map<string, ContentMode>();
  // besides.ts reads tables that only grow. Tables that are left out are not read.
  for (const [name, said] of await contentsByName(session, contents))
    if (said !== "none") modes.set(name, said === "grows" ? "count" : (said as ContentMode));
  return modes;
}

/**
 * Returns the unlogged tables that the plan leaves out: snapshots do not contain their rows, so a copy has none. A
 * table that has become logged is not left out, and preflight reports it.
 */
export async function tablesLeftOut(session: Session, contents: Contents): Promise<ReadonlySet<string>> {
  const named = [...(await contentsByName(session, contents))].flatMap(([name, said]) =>
    said === "none" ? [name] : [],
  );
  if (named.length === 0) return new Set();
  const found = await session.query<{ name: string }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = 'r' AND c.relpersistence = 'u' AND format('%I.%I', n.nspname, c.relname) = ANY ($1)
      ORDER BY 1`,
    [named],
  );
  return new Set(found.map(({ name }) => name));
}

/** The same for materialized views, which may be left out. */
export async function viewModes(
  session: Session,
  contents: Contents,
): Promise<ReadonlyMap<string, ViewMode>> {
  const modes = await contentsByName(session, contents);
  return new Map(
    [...modes].filter(([, said]) => said !== "grows").map(([name, said]) => [name, said as ViewMode]),
  );
}

/** "none": left out, because a refresh rightly changes the view's contents. */
export type ViewMode = ContentMode | "none";

type Wishes = (table: string) => Wish | undefined;

/** Every row of every table, column by column: reading a backup tests it, and later steps build on the result. */
export const EVERY_ROW: Wishes = () => ({ mode: "full", byColumn: true });

/** The plan's mode for each table; every row by default. */
export async function stagingWishes(session: Session, ports: Ports): Promise<Wishes> {
  const modes = await contentModes(session, ports.plan.contents);
  return (table) => ({ mode: modes.get(table) ?? "full", byColumn: true });
}

/**
 * Production's values are read where row versions are not enough: tables that the rehearsal touched, that had no rows
 * there, or that the plan names; and all tables if staging must equal this record or others may write.
 */
export async function productionWishes(
  session: Session,
  ports: Ports,
  evidence: RunEvidence,
): Promise<Wishes> {
  const modes = await contentModes(session, ports.plan.contents);
  const seen = await evidence.read(Doc.changes("staging"));
  if (!seen || ports.settings.fence === "none")
    return (table) => ({ mode: modes.get(table) ?? "full", byColumn: seen !== undefined });
  const touched = new Set(seen.touched);
  // Tables that were empty on staging: rows added since may be written, for example to fill a new column.
  const { mark, tables } = await requireMarkedRecord(evidence, "staging");
  const partitions = new Set(mark.tables.flatMap(({ table, parent }) => (parent ? [table] : [])));
  const named = namedTables(ports);
  for (const { table, rows } of tables)
    if (rows === "0" && (partitions.has(table) || named(table))) touched.add(table);
  // The run itself writes to these.
  for (const table of await versionTables(session, ports.plan.schema)) touched.add(table);
  return (table) => {
    const mode = modes.get(table);
    if (mode === undefined && !touched.has(table)) return undefined;
    return { mode: mode ?? "full", byColumn: true };
  };
}

/** True if the migrations may write to a table, by its name; true for all if a step does not list its relations. */
function namedTables({ plan }: Ports): (table: string) => boolean {
  const relations = plan.migrations.flatMap(({ migrate }) => migrate.steps.map((step) => step.relations));
  const names = relations.every((some) => some !== undefined)
    ? new Set(relations.flat().map(({ name }) => name))
    : null;
  // Quoted or not, a qualified name ends with the table's own name.
  return (table) =>
    names === null || [...names].some((name) => table.replaceAll('"', "").endsWith(`.${name}`));
}

/** Without a fence, writes since the record show nothing about the migration. */
export function sinceBefore({ settings }: Ports): RecordName | undefined {
  return settings.fence === "none" ? undefined : "before";
}
