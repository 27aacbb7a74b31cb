import { ownerOf } from "../changes/objects.ts";
import { type ChangesDoc, Doc, type MadeDoc, type ProofDoc, type RecordName } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { type Difference, describeDifference, differences, differencesOfAccess } from "./difference.ts";
import { keptFingerprint } from "./kept-fingerprint.ts";

// Others work on production too, behind every fence: maintenance of its own, an administrator. What the rehearsal of a
// plan did not touch, its migrations do not make: such a difference is told apart.

/** Said of a difference. */
export const NOT_MADE = "not made by this plan";

/** Notes every object that a migration makes, changes or drops, as staging showed it. */
export async function noteMade(
  evidence: RunEvidence,
  version: string,
  before: RecordName,
  after: RecordName,
): Promise<void> {
  const was = await keptFingerprint(evidence, before);
  const is = await keptFingerprint(evidence, after);
  const made = [...differences(was, is), ...differencesOfAccess(was, is)];
  await evidence.keep<MadeDoc>(Doc.made(version), { objects: made.map(({ kind, name }) => [kind, name]) });
}

/** Whether the plan may have made a difference. Undefined: nothing was rehearsed that would tell. */
export type MayHaveMade = (difference: Pick<Difference, "kind" | "name">) => boolean;

export async function madeByPlan(evidence: RunEvidence): Promise<MayHaveMade | undefined> {
  const names = await evidence.list(Doc.made(""));
  if (names.length === 0) return undefined;
  const made = new Set<string>();
  for (const name of names)
    for (const object of (await evidence.need<MadeDoc>(name)).objects) made.add(JSON.stringify(object));
  return ({ kind, name }) => made.has(JSON.stringify([kind, name]));
}

/** Of the catalog's differences those that the plan did not make. */
export function notMade(found: readonly Difference[], made: MayHaveMade | undefined): Difference[] {
  return made === undefined ? [] : found.filter((one) => !made(one));
}

/** What belongs to a table that came or went goes without saying. */
export function withoutParts(found: readonly Difference[]): Difference[] {
  const whole = new Set(found.filter(({ change }) => change !== "changed").map(({ name }) => name));
  const isOn = (text: string) => [...whole].some((table) => text.includes(` ON ${table} USING `));
  return found.filter(
    ({ kind, name, before = "", after = "" }) =>
      !whole.has(ownerOf(kind, name)) && !(kind === "index" && isOn(`${before}${after}`)),
  );
}

/** One line, such as `table public.events_2026_12 added, not made by this plan`. */
export function notMadeText(difference: Difference): string {
  return `${describeDifference(difference)}, ${NOT_MADE}`;
}

/** Ends the line of a table whose rows differ and that no migration touched in the rehearsal. */
export const NOT_BY_ROWS = `${NOT_MADE}, whose rehearsal did not touch it`;

/** Nothing differs but what the plan did not make. */
export function onlyOthers({ differences }: ProofDoc): boolean {
  return (
    differences.length > 0 &&
    differences.every((line) => line.endsWith(NOT_MADE) || line.endsWith(NOT_BY_ROWS))
  );
}

/** Tables whose rows no migration of the plan touched when it was rehearsed. */
export async function isUntouchedByPlan(evidence: RunEvidence): Promise<(table: string) => boolean> {
  const seen = await evidence.read<ChangesDoc>(Doc.changes("staging"));
  if (!seen) return () => false;
  const touched = new Set([...seen.touched, ...seen.tables.map(({ table }) => table)]);
  return (table) => !touched.has(table);
}
