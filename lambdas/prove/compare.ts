import { Doc, type RecordName } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { describeDifference, differences } from "./difference.ts";
import type { Fingerprint } from "./fingerprint.ts";
import { movedInWords } from "./moved-columns.ts";

/** What differs between the catalogs of two records, one readable line each; none when they are equal. */
export async function differencesOfCatalogs(
  evidence: RunEvidence,
  before: RecordName,
  after: RecordName,
): Promise<string[]> {
  const was = await evidence.need<Fingerprint>(Doc.fingerprint(before));
  const is = await evidence.need<Fingerprint>(Doc.fingerprint(after));
  return differences(was, is).map(describeDifference);
}

/** Columns of the first record that came back at another position, one readable line each: no difference, but told. */
export async function movedBetween(
  evidence: RunEvidence,
  before: RecordName,
  after: RecordName,
): Promise<string[]> {
  const was = await evidence.need<Fingerprint>(Doc.fingerprint(before));
  return movedInWords(was, await evidence.need<Fingerprint>(Doc.fingerprint(after)));
}
