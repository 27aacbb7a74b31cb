import type { CatalogObject, Fingerprint } from "./fingerprint.ts";

// A column that was dropped can only come back as the last of its table. So where a column stands is no difference by
// itself; the order among the columns that were never dropped is one.

export interface MovedColumn {
  name: string;
  /** Among the living columns of its table, from 1 on. */
  was: number;
  is: number;
}

interface Column {
  object: CatalogObject;
  position: number;
  number: number;
}

const POSITION = /^position: (\d+)$/m;

/** The columns that came back at another position, and the tables in which only such positions differ. */
export function movedColumns(
  before: Fingerprint,
  after: Fingerprint,
): { moved: MovedColumn[]; relations: ReadonlySet<string> } {
  const was = byRelation(before);
  const moved: MovedColumn[] = [];
  const relations = new Set<string>();
  for (const [relation, now] of byRelation(after)) {
    const then = was.get(relation) ?? [];
    const positions = new Map(then.map(({ object, position }) => [object.name, position]));
    // No later column gets the number of one that was dropped.
    const last = Math.max(...then.map(({ number }) => number));
    const stayed = now.filter(({ object, number }) => positions.has(object.name) && !(number > last));
    const order = stayed.map(({ object }) => positions.get(object.name) ?? 0);
    if (order.some((position, i) => position < (order[i - 1] ?? 0))) continue;
    relations.add(relation);
    for (const { object, position, number } of now) {
      const former = positions.get(object.name);
      if (former !== undefined && former !== position && number > last)
        moved.push({ name: object.name, was: former, is: position });
    }
  }
  return { moved, relations };
}

/** One line each, for people. */
export function movedInWords(before: Fingerprint, after: Fingerprint): string[] {
  if (before.hash === after.hash) return [];
  return movedColumns(before, after).moved.map(
    ({ name, was, is }) =>
      `column ${name} is at position ${is}, and was at ${was}: a column that was dropped comes back as the last one`,
  );
}

/** The table or other relation that a column's name begins with. */
export function relationOf(column: string): string {
  return column.replace(/\.(?:"(?:[^"]|"")*"|[^."]+)$/, "");
}

export function withoutPosition(definition: string): string {
  return definition.replace(POSITION, "");
}

/** By their position. Without its number, which older evidence does not have, a column counts as one that stayed. */
function byRelation({ objects }: Fingerprint): Map<string, Column[]> {
  const found = new Map<string, Column[]>();
  for (const object of objects) {
    const position = object.kind === "column" ? POSITION.exec(object.definition)?.[1] : undefined;
    if (position === undefined) continue;
    const relation = relationOf(object.name);
    const columns = found.get(relation) ?? [];
    columns.push({ object, position: Number(position), number: object.number ?? Number.NaN });
    found.set(relation, columns);
  }
  for (const columns of found.values()) columns.sort((a, b) => a.position - b.position);
  return found;
}
