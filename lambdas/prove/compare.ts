import type { RecordDoc, RecordName } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { type Difference, describeDifference, differences, differencesOfAccess } from "./difference.ts";
import type { Fingerprint } from "./fingerprint.ts";
import { fingerprintOf, keptFingerprint } from "./kept-fingerprint.ts";
import { movedInWords } from "./moved-columns.ts";

/** What differs between the catalogs of two records of one database; nothing when they are equal. */
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
 * What differs between a database and a copy of it. Not who may connect, as one of them may stand behind the fence; and
 * not subscriptions: a copy on the same server has none, and in one on another nobody wants them to be at work.
 */
export function differencesOfCopy(original: Fingerprint, copy: Fingerprint): string[] {
  return differences(original, copy)
    .filter(({ kind }: Difference) => !/subscription$/.test(kind))
    .map(describeDifference);
}

/** Columns of the first record that came back at another position, one readable line each: no difference, but told. */
export async function movedBetween(
  evidence: RunEvidence,
  before: RecordName,
  after: Pick<RecordDoc, "fingerprint" | "catalog">,
): Promise<string[]> {
  const was = await keptFingerprint(evidence, before);
  return movedInWords(was, await fingerprintOf(evidence, after));
}
