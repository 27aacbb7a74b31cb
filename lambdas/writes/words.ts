import type { Written } from "./mark.ts";

const HOW: Readonly<Record<Written["how"], string>> = {
  rows: "",
  anew: "truncated or written anew",
  new: "a new table",
  gone: "the table is gone",
};

/** One line, such as `public.note: 3 rows inserted, 1 deleted`. */
export function writtenInWords({ table, how, inserted, updated, deleted }: Written): string {
  const counts = [
    [inserted, "inserted"],
    [updated, "updated"],
    [deleted, "deleted"],
  ] as const;
  const said = counts.filter(([count]) => count !== 0).map(([count, what]) => `${count} ${what}`);
  const rows = said.length === 0 ? "" : `rows: ${said.join(", ")}`;
  return `${table}: ${[HOW[how], rows].filter((text) => text !== "").join("; ")}`;
}
