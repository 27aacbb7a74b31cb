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
import { keptFingerprint } from "./stored-record.ts";

// Others also work on production, even behind the fence: its own maintenance, an administrator. If a plan's rehearsal
// did not touch an object, its migrations did not change it, so a difference there is reported separately.

/** Marks a difference that the plan did not make. */
export const NOT_MADE = "not made by this plan";

/** Notes every object that a migration made, changed or dropped on staging. */
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

/** Notes in one document what each of these migrations made. */
export async function noteMadeByAll(evidence: RunEvidence, versions: readonly string[]): Promise<void> {
  const made: [string, MadeDoc["objects"]][] = [];
  for (const version of versions) made.push([version, (await evidence.require(Doc.made(version))).objects]);
  await evidence.createOnce(Doc.madeByAll, { made: Object.fromEntries(made) });
}

/** Returns what each migration made, by its version; undefined: nothing was rehearsed. */
export async function madeByEach(evidence: RunEvidence): Promise<MadeByAllDoc["made"] | undefined> {
  const all = await evidence.read(Doc.madeByAll);
  if (all) return all.made;
  // Evidence of a run that an older version of Sluice started.
  const prefix = Doc.made("");
  const names = await evidence.list(prefix);
  if (names.length === 0) return undefined;
  const made: [string, MadeDoc["objects"]][] = [];
  for (const name of names)
    made.push([name.slice(prefix.length), (await evidence.require(docName<MadeDoc>(name))).objects]);
  return Object.fromEntries(made);
}

/** Returns true if the plan may have made a difference. */
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

/** The catalog's differences that the plan did not make. */
export function notMade(found: readonly Difference[], made: MayHaveMade | undefined): Difference[] {
  return made === undefined ? [] : found.filter((one) => !made(one));
}

/** Leaves out parts of a table that was added or removed itself. */
export function withoutParts(found: readonly Difference[]): Difference[] {
  const whole = new Set(found.filter(({ change }) => change !== "changed").map(({ name }) => name));
  return found.filter((one) => !isPartOf(whole, one, `${one.before ?? ""}${one.after ?? ""}`));
}

/** One line, such as `table public.events_2026_12 added, not made by this plan`. */
export function notMadeText(difference: Difference): string {
  return `${describeDifference(difference)}, ${NOT_MADE}`;
}

/** Ends the line of a table whose rows differ although no migration touched it in the rehearsal. */
export const NOT_BY_ROWS = `${NOT_MADE}, whose rehearsal did not touch it`;

/** True if every difference is one that the plan did not make. */
export function onlyOthers({ differences }: ProofDoc): boolean {
  return (
    differences.length > 0 &&
    differences.every((line) => line.endsWith(NOT_MADE) || line.endsWith(NOT_BY_ROWS))
  );
}

/** Returns a test for tables whose rows no migration of the plan touched in the rehearsal. */
export async function isUntouchedByPlan(evidence: RunEvidence): Promise<(table: string) => boolean> {
  const seen = await evidence.read(Doc.changes("staging"));
  if (!seen) return () => false;
  const touched = new Set([...seen.touched, ...seen.tables.map(({ table }) => table)]);
  return (table) => !touched.has(table);
}
