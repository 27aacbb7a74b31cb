import { oneLine } from "../shared/plain.ts";
import type { CatalogObject, Fingerprint } from "./fingerprint.ts";
import { movedColumns, relationOf, withoutPosition } from "./moved-columns.ts";

/** One object that is not as it was. `before` and `after` are its definitions, absent when it was not there. */
export interface Difference {
  kind: string;
  name: string;
  change: "added" | "removed" | "changed";
  before?: string;
  after?: string;
}

const keyOf = ({ kind, name }: { kind: string; name: string }) => JSON.stringify([kind, name]);

/**
 * What changed from `before` to `after`, by kind and name. What one of them could not read does not count, nor does the
 * position of columns that were dropped and came back (moved-columns.ts names those).
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

/** Who may connect now and could not before, and the other way round: what the fence changes. */
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

/** Lines of each side that a description shows at most, and the characters of each. */
const MAX_LINES = 2;
const MAX_WIDTH = 120;

/**
 * One readable line, such as `table public.t changed: now "row level security: enabled"`. Never long, whatever the
 * definitions: of a change, the lines that differ are shown, a few of them, cut down to where they differ.
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
  return `${what} changed: ${sameWords ? "only white space differs" : "its lines stand in another order"}`;
}

/** The lines that only one of the two has, however often it has more of them. */
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

/** At most MAX_WIDTH characters of the line, from the given one on. */
function cut(line: string, from: number): string {
  const piece = line.slice(from, from + MAX_WIDTH).replace(HALF_CHARACTERS, "");
  return (from > 0 ? "…" : "") + piece + (from + MAX_WIDTH < line.length ? "…" : "");
}

/** Halves of surrogate pairs, which a cut may leave at either end. */
const HALF_CHARACTERS = /^[\uDC00-\uDFFF]|[\uD800-\uDBFF]$/g;
