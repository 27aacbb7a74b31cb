import type { TableChangeDoc } from "../shared/documents.ts";
import type { Migration } from "../shared/plan.ts";
import { type Kind, kindsOf, kindText } from "./changes-held.ts";

/** Words of a plan for a table or a column, in addition to names of columns. */
export const CHANGE_WORDS = ["rows", "changed", "dropped", "replaced", "renamed", "retyped"] as const;

type ChangeWord = (typeof CHANGE_WORDS)[number];

const OF_COLUMNS: readonly ChangeWord[] = ["changed", "dropped", "renamed", "retyped"];

/** One change that the plan declares for a migration. */
interface Agreed {
  /** The entry as plan.yaml has it. */
  text: string;
  table: string;
  column: string | null;
  word: ChangeWord;
}

/** The tables of a database, to resolve names in plan.yaml. */
export interface Names {
  tables: readonly { table: string; columns: readonly string[] }[];
  /** Schemas in which an unqualified table is looked up. */
  path: readonly string[];
}

/**
 * Compares staging's changes with plan.yaml. Returns one line for each change that plan.yaml does not declare, and
 * for each declared change that staging did not show. A table that becomes a partition needs no entry, because its
 * rows stay the same.
 * @param names tables and columns as they were before the migration
 */
export function disagreements(
  changes: NonNullable<Migration["changes"]>,
  seen: readonly TableChangeDoc[],
  names: Names,
): string[] {
  const { agreed, unknown } = resolve(changes, names);
  const shown = seen.flatMap((change) =>
    kindsOf(change)
      .filter(({ what }) => what !== "attached")
      .map((kind) => ({ kind, text: kindText(kind, change) })),
  );
  return [
    ...unknown.map((text) => `plan.yaml names ${text}, but there was no such table or column`),
    ...shown
      .filter(({ kind }) => !agreed.some((one) => covers(one, kind, agreed)))
      .map(({ text }) => `${text}, which plan.yaml does not declare`),
    ...agreed
      .filter((one) => !shown.some(({ kind }) => covers(one, kind, agreed)))
      .map(({ text }) => `plan.yaml declares ${text}, but staging did not show it`),
  ];
}

function covers({ table, column, word }: Agreed, kind: Kind, all: readonly Agreed[]): boolean {
  if (table !== kind.table) return false;
  if (word === "rows") return kind.column === null && ["added", "removed", "mixed"].includes(kind.what);
  // Changed rows cannot be distinguished from rows that were removed and added.
  if (word === "changed" && kind.what === "mixed")
    return all.some((one) => one.table === table && one.word === "rows");
  return word === kind.what && column === kind.column;
}

function resolve(
  changes: NonNullable<Migration["changes"]>,
  names: Names,
): { agreed: Agreed[]; unknown: string[] } {
  const agreed: Agreed[] = [];
  const unknown: string[] = [];
  for (const [name, words] of Object.entries(changes)) {
    const table = tableOf(name, names);
    const owner = table ? undefined : ownerOf(name, names);
    for (const word of words) {
      const text = `\`${name}: ${word}\``;
      if (owner && isChangeWord(word) && OF_COLUMNS.includes(word)) agreed.push({ text, ...owner, word });
      else if (!table) unknown.push(text);
      else if (isChangeWord(word)) agreed.push({ text, table: table.table, column: null, word });
      else if (table.columns.includes(word))
        agreed.push({ text, table: table.table, column: word, word: "changed" });
      else unknown.push(text);
    }
  }
  return { agreed, unknown };
}

function isChangeWord(word: string): word is ChangeWord {
  return (CHANGE_WORDS as readonly string[]).includes(word);
}

function tableOf(name: string, { tables, path }: Names): Names["tables"][number] | undefined {
  return [name, ...path.map((schema) => `${schema}.${name}`)]
    .map((candidate) => tables.find(({ table }) => table === candidate))
    .find((found) => found !== undefined);
}

function ownerOf(name: string, names: Names): { table: string; column: string } | undefined {
  const dot = name.lastIndexOf(".");
  if (dot < 0) return undefined;
  const table = tableOf(name.slice(0, dot), names);
  const column = name.slice(dot + 1);
  return table?.columns.includes(column) ? { table: table.table, column } : undefined;
}
