import { Doc, type Fingerprint } from "../shared/documents.ts";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { applicationRoles } from "../shared/places.ts";
import type { Migration } from "../shared/plan.ts";
import type { Ports } from "../shared/ports.ts";
import type { Session } from "../shared/session.ts";
import { oneLine } from "../shared/text.ts";
import { takeFingerprint } from "./catalog.ts";
import { isPartOf } from "./changes-observed.ts";
import { type Difference, describeDifference, differences } from "./difference.ts";
import { keepFingerprint, keptFingerprint } from "./stored-record.ts";

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

// An entry of `leaves` is a name without a definition. If something else has that name, for example a table with
// other columns, it would stay when the migration is applied on top of it, and staging would differ from what
// production becomes.

const nameOf = (version: string) => `applied-${version}`;

/** Keeps staging's fingerprint after the first apply, if the migration's rollback may leave something. */
export async function noteApplied(
  session: Session,
  ports: Ports,
  evidence: RunEvidence,
  { version, leaves = [] }: Migration,
): Promise<void> {
  const name = nameOf(version);
  if (leaves.length === 0 || (await evidence.read(Doc.fingerprint(name)))) return;
  await keepFingerprint(evidence, name, await takeFingerprint(session, applicationRoles(ports)));
}

/**
 * Checks that the migration, applied on top of what its rollback left, gives the same result as the first time.
 * @throws SluiceError NotBack if it does not
 */
export async function refuseOtherwiseApplied(
  evidence: RunEvidence,
  { version, folder, leaves = [] }: Migration,
): Promise<void> {
  const name = nameOf(version);
  // A run that an older version of Sluice started has no such fingerprint.
  if (leaves.length === 0 || !(await evidence.read(Doc.fingerprint(name)))) return;
  const found = differences(
    await keptFingerprint(evidence, name),
    await keptFingerprint(evidence, `changed-${version}`),
  ).map(describeDifference);
  if (found.length === 0) return;
  const more = found.length > 5 ? `; and ${found.length - 5} more` : "";
  throw new SluiceError(
    ErrorName.NotBack,
    `Applied again after its rollback, ${folder} gives another result than the first time: ${found.slice(0, 5).join("; ")}${more}. ` +
      "Everything that its rollback leaves under `leaves` must be as the migration made it, or the migration must make it so again.",
  );
}
