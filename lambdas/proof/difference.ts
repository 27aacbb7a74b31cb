import type { CatalogObject, Fingerprint, RecordDoc, RecordName } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { oneLine } from "../shared/text.ts";
import { fingerprintOf, keptFingerprint } from "./stored-record.ts";

/** One object that differs. `before` and `after` are its definitions, absent if it did not exist then. */
export interface Difference {
  kind: string;
  name: string;
  change: "added" | "removed" | "changed";
  before?: string;
  after?: string;
}

const keyOf = ({ kind, name }: { kind: string; name: string }) => JSON.stringify([kind, name]);

/**
 * Returns what changed from `before` to `after`, by kind and name. Objects that one of them could not read do not
 * count, nor does the position of columns that were dropped and came back (`movedInWords` names those).
 */
export function differences(before: Fingerprint, after: Fingerprint): Difference[] {
  if (before.hash === after.hash) return [];
  const unread = new Set([...(before.unread ?? []), ...(after.unread ?? [])].map(keyOf));
  const readByBoth = (objects: readonly CatalogObject[]) =>
    unread.size === 0 ? objects : objects.filter((object) => !unread.has(keyOf(object)));
  const { relations } = movedColumns(before, after);
  return differencesOf(readByBoth(before.objects), readByBoth(after.objects), ({ kind, name, definition }) =>
    kind === "column" && relations.has(relationOf(name)) ? withoutPosition(definition) : definition,
  );
}

/** Returns who may connect now but could not before, and the reverse: what the fence changes. */
export function differencesOfAccess(before: Fingerprint, after: Fingerprint): Difference[] {
  return before.access && after.access ? differencesOf(before.access, after.access) : [];
}

function differencesOf(
  before: readonly CatalogObject[],
  after: readonly CatalogObject[],
  compared: (object: CatalogObject) => string = ({ definition }) => definition,
): Difference[] {
  const gone = byKey(before);
  const found: Difference[] = [];
  for (const object of after) {
    const { kind, name, definition } = object;
    const key = keyOf({ kind, name });
    const earlier = gone.get(key);
    gone.delete(key);
    if (!earlier) found.push({ kind, name, change: "added", after: definition });
    else if (compared(earlier) !== compared(object))
      found.push({ kind, name, change: "changed", before: compared(earlier), after: compared(object) });
  }
  for (const { kind, name, definition } of gone.values())
    found.push({ kind, name, change: "removed", before: definition });
  return found.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

function byKey(objects: readonly CatalogObject[]): Map<string, CatalogObject> {
  return new Map(objects.map((object) => [keyOf(object), object]));
}

/** Most lines that a description shows of each side, and most characters of each line. */
const MAX_LINES = 2;
const MAX_WIDTH = 120;

/**
 * One readable line, such as `table public.t changed: now "row level security: enabled"`. Always short: for a change
 * it shows a few of the lines that differ, cut to where they differ.
 */
export function describeDifference({ kind, name, change, before = "", after = "" }: Difference): string {
  const what = `${kind} ${cut(oneLine(name), 0)}`;
  if (change !== "changed") return `${what} ${change}`;
  const [lost, gained] = linesThatDiffer(before, after);
  const [first, ...more] = gained;
  if (lost.length === 1 && first !== undefined && more.length === 0) {
    const [was = ""] = lost;
    const from = Math.max(0, firstDifference(was, first) - MAX_WIDTH / 2);
    return `${what} changed: was ${quote(was, from)}, now ${quote(first, from)}`;
  }
  const parts = [
    ...(lost.length > 0 ? [`was ${quoteSome(lost)}`] : []),
    ...(gained.length > 0 ? [`now ${quoteSome(gained)}`] : []),
  ];
  if (parts.length > 0) return `${what} changed: ${parts.join(", ")}`;
  const sameWords = oneLine(before) === oneLine(after);
  return `${what} changed: ${sameWords ? "only white space differs" : "its lines are in another order"}`;
}

/** Lines that only one of the two has, or has more often. */
function linesThatDiffer(before: string, after: string): [lost: string[], gained: string[]] {
  const lines = (text: string) => text.split("\n").map(oneLine);
  return [without(lines(before), lines(after)), without(lines(after), lines(before))];
}

function without(lines: string[], others: string[]): string[] {
  const counts = new Map<string, number>();
  for (const line of others) counts.set(line, (counts.get(line) ?? 0) + 1);
  return lines.filter((line) => {
    const left = counts.get(line) ?? 0;
    counts.set(line, left - 1);
    return left <= 0 && line !== "";
  });
}

function firstDifference(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return at;
}

function quoteSome(lines: string[]): string {
  const shown = lines.slice(0, MAX_LINES).map((line) => quote(line, 0));
  const hidden = lines.length - shown.length;
  return shown.join(" and ") + (hidden > 0 ? ` and ${hidden} more ${hidden === 1 ? "line" : "lines"}` : "");
}

const quote = (line: string, from: number) => `"${cut(line, from)}"`;

/** At most MAX_WIDTH characters of the line, starting at the given one. */
function cut(line: string, from: number): string {
  const piece = line.slice(from, from + MAX_WIDTH).replace(HALF_CHARACTERS, "");
  return (from > 0 ? "…" : "") + piece + (from + MAX_WIDTH < line.length ? "…" : "");
}

/** Halves of surrogate pairs, which a cut may leave at either end. */
const HALF_CHARACTERS = /^[\uDC00-\uDFFF]|[\uD800-\uDBFF]$/g;

// A dropped column can only come back as the last of its table, so its position alone is not a difference. The order
// among columns that were never dropped is.

interface MovedColumn {
  name: string;
  /** Position among the living columns of its table, from 1. */
  was: number;
  is: number;
}

interface Column {
  object: CatalogObject;
  position: number;
  number: number;
}

const POSITION = /^position: (\d+)$/m;

/** Columns that came back at another position, and the tables in which only positions differ. */
function movedColumns(
  before: Fingerprint,
  after: Fingerprint,
): { moved: MovedColumn[]; relations: ReadonlySet<string> } {
  const was = byRelation(before);
  const moved: MovedColumn[] = [];
  const relations = new Set<string>();
  for (const [relation, now] of byRelation(after)) {
    const then = was.get(relation) ?? [];
    const positions = new Map(then.map(({ object, position }) => [object.name, position]));
    // No later column gets the number of a dropped one.
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

/** One readable line for each moved column. */
export function movedInWords(before: Fingerprint, after: Fingerprint): string[] {
  if (before.hash === after.hash) return [];
  return movedColumns(before, after).moved.map(
    ({ name, was, is }) =>
      `column ${name} moved from position ${was} to ${is}: a dropped column comes back as the last one`,
  );
}

/** The table or other relation in a column's name. */
function relationOf(column: string): string {
  return column.replace(/\.(?:"(?:[^"]|"")*"|[^."]+)$/, "");
}

function withoutPosition(definition: string): string {
  return definition.replace(POSITION, "");
}

/** Columns by position. Older evidence has no column numbers: those columns count as never dropped. */
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

/** Differences between the catalogs of two records of one database, including access; empty if they are equal. */
export async function catalogDifferences(
  evidence: RunEvidence,
  before: RecordName,
  after: Pick<RecordDoc, "fingerprint" | "catalog">,
): Promise<Difference[]> {
  const was = await keptFingerprint(evidence, before);
  const is = await fingerprintOf(evidence, after);
  return [...differences(was, is), ...differencesOfAccess(was, is)];
}

/**
 * Differences between a database and its copy. Access does not count, because one of them may be behind the fence.
 * Subscriptions do not count: a copy on the same server has none, and on another server they must not work.
 */
export function differencesOfCopy(original: Fingerprint, copy: Fingerprint): string[] {
  return differences(original, copy)
    .filter(({ kind }: Difference) => !/subscription$/.test(kind))
    .map(describeDifference);
}

/**
 * Columns of the first record that came back at another position, one readable line each: reported, but not a
 * difference.
 */
export async function movedBetween(
  evidence: RunEvidence,
  before: RecordName,
  after: Pick<RecordDoc, "fingerprint" | "catalog">,
): Promise<string[]> {
  const was = await keptFingerprint(evidence, before);
  return movedInWords(was, await fingerprintOf(evidence, after));
}
