import {
  Doc,
  docName,
  type MadeByAllDoc,
  type MadeDoc,
  type ProofDoc,
  type RecordName,
} from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { isPartOf } from "./changes-observed.ts";
import { type Difference, describeDifference, differences, differencesOfAccess } from "./difference.ts";
import { keptFingerprint } from "./stored-catalog.ts";

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
  await evidence.createOnce(Doc.made(version), {
    objects: made.map(({ kind, name }): [string, string] => [kind, name]),
  });
}

/** Notes what each of these migrations made in one document. */
export async function noteMadeByAll(evidence: RunEvidence, versions: readonly string[]): Promise<void> {
  const made: [string, MadeDoc["objects"]][] = [];
  for (const version of versions) made.push([version, (await evidence.require(Doc.made(version))).objects]);
  await evidence.createOnce(Doc.madeByAll, { made: Object.fromEntries(made) });
}

/** What each migration made, by its version; undefined: nothing was rehearsed. */
export async function madeByEach(evidence: RunEvidence): Promise<MadeByAllDoc["made"] | undefined> {
  const all = await evidence.read(Doc.madeByAll);
  if (all) return all.made;
  // Of a run that an older version of Sluice began.
  const prefix = Doc.made("");
  const names = await evidence.list(prefix);
  if (names.length === 0) return undefined;
  const made: [string, MadeDoc["objects"]][] = [];
  for (const name of names)
    made.push([name.slice(prefix.length), (await evidence.require(docName<MadeDoc>(name))).objects]);
  return Object.fromEntries(made);
}

/** Whether the plan may have made a difference. Undefined: nothing was rehearsed that would tell. */
export type MayHaveMade = (difference: Pick<Difference, "kind" | "name">) => boolean;

export async function madeByPlan(evidence: RunEvidence): Promise<MayHaveMade | undefined> {
  const each = await madeByEach(evidence);
  if (!each) return undefined;
  const made = new Set(
    Object.values(each)
      .flat()
      .map((object) => JSON.stringify(object)),
  );
  return ({ kind, name }) => made.has(JSON.stringify([kind, name]));
}

/** Of the catalog's differences those that the plan did not make. */
export function notMade(found: readonly Difference[], made: MayHaveMade | undefined): Difference[] {
  return made === undefined ? [] : found.filter((one) => !made(one));
}

/** What belongs to a table that came or went goes without saying. */
export function withoutParts(found: readonly Difference[]): Difference[] {
  const whole = new Set(found.filter(({ change }) => change !== "changed").map(({ name }) => name));
  return found.filter((one) => !isPartOf(whole, one, `${one.before ?? ""}${one.after ?? ""}`));
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
  const seen = await evidence.read(Doc.changes("staging"));
  if (!seen) return () => false;
  const touched = new Set([...seen.touched, ...seen.tables.map(({ table }) => table)]);
  return (table) => !touched.has(table);
}
