import type { Fingerprint } from "../shared/documents.ts";
import { oneLine } from "../shared/text.ts";
import { isPartOf } from "./changes-observed.ts";
import type { Difference } from "./difference.ts";

// What a rollback may leave, as the plan lists it (lib/plan/leaves.ts): `extension vector`, `index public.i removed`,
// or a line of a definition, `enum public.state: label: archived`, `column public.t.c: without not null`.

const GONE = " removed";
const WITHOUT = "without ";

interface Accepted {
  /** Differences that `leaves` does not cover. */
  rest: Difference[];
  /** Entries of `leaves` that were left, in the plan's words. */
  left: string[];
}

/** Removes from the differences exactly what may be left. All other lines of a definition must be unchanged. */
export function withoutLeft(found: readonly Difference[], leaves: readonly string[]): Accepted {
  if (leaves.length === 0) return { rest: [...found], left: [] };
  const left: string[] = [];
  const rest: Difference[] = [];
  /** Names of tables and other relations that are left whole. */
  const whole = new Set<string>();
  for (const difference of found) {
    const { change, name } = difference;
    const what = thing(difference);
    const entry = change === "removed" ? `${what}${GONE}` : what;
    if (change !== "changed" && leaves.includes(entry)) {
      left.push(entry);
      if (change === "added") whole.add(name);
      continue;
    }
    const mine = change === "changed" ? leaves.filter((one) => one.startsWith(`${what}: `)) : [];
    const reduced = withoutLines(
      difference,
      mine.map((one) => one.slice(what.length + 2)),
    );
    left.push(...reduced.lines.map((line) => `${what}: ${line}`));
    if (change !== "changed" || reduced.before !== reduced.after)
      rest.push(
        reduced.lines.length === 0
          ? difference
          : { ...difference, before: reduced.before, after: reduced.after },
      );
  }
  // Parts of a new table need no entry if the table has one; parts of an earlier table do.
  const isSaid = (one: Difference) => one.change === "added" && isPartOf(whole, one, one.after ?? "");
  return { rest: rest.filter((one) => !isSaid(one)), left };
}

/** Entries of `leaves` that are missing after the rollback. They may have existed before. */
export function notLeft(leaves: readonly string[], { objects, access = [] }: Fingerprint): string[] {
  const lines = new Map(
    [...objects, ...access].map((object) => [thing(object), object.definition.split("\n").map(oneLine)]),
  );
  return leaves.filter((entry) => {
    if (lines.has(entry)) return false;
    if (entry.endsWith(GONE)) return lines.has(entry.slice(0, -GONE.length));
    for (let at = entry.indexOf(": "); at >= 0; at = entry.indexOf(": ", at + 1)) {
      const of = lines.get(entry.slice(0, at));
      const line = entry.slice(at + 2);
      if (of) return line.startsWith(WITHOUT) ? of.includes(line.slice(WITHOUT.length)) : !of.includes(line);
    }
    return true;
  });
}

/** Describes an entry that is missing after a rollback. */
export function notLeftText(entry: string): string {
  return `${entry}: plan.yaml names it under \`leaves\`, but the rollback does not leave it`;
}

const thing = ({ kind, name }: { kind: string; name: string }) => `${kind} ${oneLine(name)}`;

/** A line of an extension's member: members change with the extension's version. */
const MEMBER = /, sha256 [0-9a-f]{16}$/;
const VERSION = "version: ";

/** Returns the definitions without the lines that may differ, and which of those lines do. */
function withoutLines(
  { kind, before = "", after = "" }: Difference,
  leaves: readonly string[],
): { before: string; after: string; lines: string[] } {
  let was = before.split("\n").map(oneLine);
  let is = after.split("\n").map(oneLine);
  const count = (lines: readonly string[], line: string) => lines.filter((one) => one === line).length;
  const lines = leaves.filter((entry) => {
    const lost = entry.startsWith(WITHOUT);
    const line = lost ? entry.slice(WITHOUT.length) : entry;
    const [more, fewer] = lost ? [was, is] : [is, was];
    if (count(more, line) <= count(fewer, line)) return false;
    more.splice(more.indexOf(line), 1);
    return true;
  });
  // Another version of an extension is one change: the version line and the member lines change with it.
  if (kind === "extension" && lines.some((line) => line.startsWith(VERSION))) {
    const own = (line: string) => !MEMBER.test(line) && !line.startsWith(VERSION);
    [was, is] = [was.filter(own), is.filter(own)];
  }
  return { before: was.join("\n"), after: is.join("\n"), lines };
}
