import { type Difference, differences } from "../prove/difference.ts";
import type { Fingerprint } from "../prove/fingerprint.ts";
import { wentBack } from "../record/sequences.ts";
import type { ObjectChangesDoc, SequenceDoc, SequenceMovedDoc, TableChangeDoc } from "../shared/documents.ts";
import { identifier } from "../shared/sql-text.ts";

/** What people know of by its name comes first; kinds that belong to others come last. */
const KINDS = [
  "table",
  "partitioned table",
  "view",
  "materialized view",
  "function",
  "procedure",
  "type",
  "column",
  "index",
];

const TABLES: readonly string[] = ["table", "partitioned table"];

/** Names of objects that are shown of each. */
const MOST = 3;

/**
 * Objects that came, went and changed. Not counted: what `tables` has already, and what belongs to a table that came or
 * went itself.
 */
export function objectChanges(
  before: Fingerprint,
  after: Fingerprint,
  tables: readonly TableChangeDoc[],
): ObjectChangesDoc {
  const found = differences(before, after);
  const whole = new Set([
    ...found
      .filter(({ kind, change }) => TABLES.includes(kind) && change !== "changed")
      .map(({ name }) => name),
    ...tables.flatMap(({ table, fate, to }) => (fate ? [table, to ?? table] : [])),
  ]);
  const told = new Set(tables.flatMap(namesOf));
  const counted = found.filter(({ kind, name }) => !told.has(name) && !whole.has(ownerOf(kind, name)));
  const of = (change: "added" | "removed" | "changed") => counted.filter((one) => one.change === change);
  const some = (change: "added" | "removed" | "changed") =>
    [...of(change)]
      .sort((a, b) => rank(a.kind) - rank(b.kind))
      .slice(0, MOST)
      .map(({ kind, name }) => `${kind} ${name.replace(/^public\./, "")}`);
  return {
    added: of("added").length,
    gone: of("removed").length,
    changed: of("changed").length,
    some: { added: some("added"), gone: some("removed"), changed: some("changed") },
  };
}

const rank = (kind: string) => (KINDS.includes(kind) ? KINDS.indexOf(kind) : KINDS.length);

/** The table that a column, a constraint or a trigger is of, by its name; empty: none. */
export function ownerOf(kind: string, name: string): string {
  if (kind === "column") return name.slice(0, name.lastIndexOf("."));
  const on = name.lastIndexOf(" on ");
  return on < 0 ? "" : name.slice(on + " on ".length);
}

/** Whether an object is a part of one of these tables. @param definition by which an index names its table */
export function isPartOf(
  tables: ReadonlySet<string>,
  { kind, name }: Pick<Difference, "kind" | "name">,
  definition: string,
): boolean {
  return (
    tables.has(ownerOf(kind, name)) ||
    (kind === "index" && [...tables].some((table) => definition.includes(` ON ${table} USING `)))
  );
}

/** What the catalog calls a table that is told of, and its columns. */
function namesOf({ table, fate, to, columns }: TableChangeDoc): string[] {
  return [
    ...(fate === "renamed" || fate === "dropped" ? [table, to ?? table] : []),
    ...columns.flatMap(({ column, how, to: named }) => [
      `${table}.${quoted(column)}`,
      ...(how === "renamed" && named !== undefined ? [`${table}.${quoted(named)}`] : []),
    ]),
  ];
}

/** As the server quotes it: where it must be. */
const quoted = (name: string) => (/^[a-z_][a-z0-9_]*$/.test(name) ? name : identifier(name));

export function sequencesMoved(
  before: readonly SequenceDoc[],
  after: readonly SequenceDoc[],
): SequenceMovedDoc[] {
  const now = new Map(after.map((found) => [found.sequence, found]));
  return before.flatMap((was): SequenceMovedDoc[] => {
    const { sequence, last } = was;
    const is = now.get(sequence);
    if (!is || is.last === last) return [];
    const back = wentBack([was], after).length > 0;
    return [{ sequence, from: last, to: is.last, ...(back ? { back } : {}) }];
  });
}
