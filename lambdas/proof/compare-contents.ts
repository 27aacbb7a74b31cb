import type { TableContentDoc } from "../shared/documents.ts";
import { type ContentMode, SAMPLE, type TableContent } from "./checksums.ts";

export interface ContentDifference {
  table: string;
  what: "missing table" | "missing column" | "rows" | "content" | "not recorded" | "not comparable";
  /** One readable line that names the table. */
  text: string;
}

/** A table as it was read, or as its row versions show it. */
export type Compared = TableContent & Pick<TableContentDoc, "unread" | "touched">;

/**
 * Returns the differences, table by table; empty if there are none. Tables and columns that only `after` has do not
 * count: the catalog's fingerprint shows them.
 */
export function compareContents(
  before: readonly Compared[],
  after: readonly Compared[],
): ContentDifference[] {
  const now = new Map(after.map((content) => [content.table, content]));
  return before.flatMap((was) => {
    if (was.missing) return [];
    const is = now.get(was.table);
    const difference = is && !is.missing ? compareTable(was, is) : missingTable(was);
    return difference ? [{ table: was.table, ...difference }] : [];
  });
}

type Found = Omit<ContentDifference, "table">;

const missingTable = ({ table, rows }: TableContent): Found => ({
  what: "missing table",
  text: `${table}: the table is missing; it had ${inRows(rows)}`,
});

function compareTable(was: Compared, is: Compared): Found | undefined {
  const { table } = was;
  const lost = was.columns.filter((column) => !is.columns.includes(column));
  if (lost.length > 0)
    return {
      what: "missing column",
      text: `${table}: without ${lost.map((name) => JSON.stringify(name)).join(", ")}`,
    };
  if (was.rows !== is.rows) {
    const change = BigInt(is.rows) - BigInt(was.rows);
    return {
      what: "rows",
      text: `${table}: ${inRows(was.rows)} before, ${inRows(is.rows)} now (${change > 0n ? "+" : ""}${change})`,
    };
  }
  if (was.unread || is.unread) {
    if (!is.touched && (was.unread || was.checksum === is.checksum)) return undefined;
    const written = is.touched ? `, and ${inRows(is.touched.written)} written since` : "";
    return {
      what: "not recorded",
      text: `${table}: ${inRows(is.rows)} as before${written}, but what ${was.rows === "1" ? "it" : "they"} held is not recorded`,
    };
  }
  if (was.checksum === is.checksum) return undefined;
  if (wayOf(was) !== wayOf(is))
    return { what: "not comparable", text: `${table}: ${wayOf(was)} before, ${wayOf(is)} now` };
  if (was.columns.join("\0") !== is.columns.join("\0"))
    return { what: "not comparable", text: `${table}: the columns that were read differ, or their order` };
  return { what: "content", text: `${table}: ${inRows(is.rows)} as before, but ${whatDiffers(was, is)}` };
}

/** As far as the columns' sums show it, if both sides have them. */
function whatDiffers(was: TableContent, is: TableContent): string {
  const columns = differentColumns(was, is);
  if (!columns) return "not the same ones";
  const named = columns.map((name) => JSON.stringify(name)).join(", ");
  if (was.keys !== is.keys) return `not the same ones: other values in the key (${named})`;
  return columns.length > 0 ? `with other values in ${named}` : "values moved from row to row";
}

/**
 * Returns the columns whose sums differ, if both sides have comparable ones; only those of the key if rows were added
 * or removed. Undefined: unknown.
 */
export function differentColumns(was: TableContent, is: TableContent): string[] | undefined {
  const [before, now] = [was.sums, is.sums];
  if (!before || !now || was.key?.join("\0") !== is.key?.join("\0")) return undefined;
  const differ = was.columns.filter((name) => before[name] !== now[name]);
  return was.keys === is.keys ? differ : differ.filter((name) => was.key?.includes(name));
}

const inRows = (rows: string) => (rows === "1" ? "1 row" : `${rows} rows`);

const WAYS: Readonly<Record<ContentMode, string>> = {
  count: "only counted",
  sample: "read as a sample",
  full: "read in full",
};

const wayOf = (content: Compared) => WAYS[modeOf(content)];

/** How a table was read: compare it only with a reading of the same mode. */
export function modeOf({ checksum }: Pick<TableContent, "checksum">): ContentMode {
  if (checksum === null) return "count";
  return checksum.startsWith(SAMPLE) ? "sample" : "full";
}

/** The same; "versions" if it was not read and row versions show whether it was touched. */
export function readAs(content: Pick<Compared, "checksum" | "unread">): ContentMode | "versions" {
  return content.unread ? "versions" : modeOf(content);
}

/** Keeps checksums only for tables that both sides read in full; of all other tables only the rows are compared. */
export function asFarAsRead(
  before: readonly TableContent[],
  after: readonly TableContent[],
): [before: TableContent[], after: TableContent[]] {
  const partly = new Set(
    [...before, ...after].filter((content) => modeOf(content) !== "full").map(({ table }) => table),
  );
  const cut = (content: TableContent) =>
    partly.has(content.table) ? { ...content, checksum: null } : content;
  return [before.map(cut), after.map(cut)];
}
