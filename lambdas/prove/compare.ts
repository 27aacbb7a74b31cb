import { type ContentDifference, compareContents } from "../record/checksums.ts";
import { Doc, type RecordDoc, type RecordName, type TableContentDoc } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { describeDifference, differences } from "./difference.ts";
import type { Fingerprint } from "./fingerprint.ts";

/** What differs between two records, one readable line each; none when they are equal. */
export async function differencesOfRecords(
  evidence: RunEvidence,
  before: RecordName,
  after: RecordName,
  { contents }: { contents: boolean },
): Promise<string[]> {
  const [was, is] = [await record(evidence, before), await record(evidence, after)];
  return [
    ...(await differencesOfCatalogs(evidence, before, after)),
    ...(contents ? differencesOfContents(was.tables, is.tables).map(({ text }) => text) : []),
  ];
}

export async function differencesOfCatalogs(
  evidence: RunEvidence,
  before: RecordName,
  after: RecordName,
): Promise<string[]> {
  const was = await evidence.need<Fingerprint>(Doc.fingerprint(before));
  const is = await evidence.need<Fingerprint>(Doc.fingerprint(after));
  return was.hash === is.hash ? [] : differences(was, is).map(describeDifference);
}

export function differencesOfContents(
  before: readonly TableContentDoc[],
  after: readonly TableContentDoc[],
): ContentDifference[] {
  return compareContents([...before], [...after]);
}

function record(evidence: RunEvidence, name: RecordName): Promise<RecordDoc> {
  return evidence.need<RecordDoc>(Doc.record(name));
}
