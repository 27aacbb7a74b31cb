import type { RowMark } from "../shared/documents.ts";
import { Doc, type ProofName, type RecordDoc, type RecordName } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";

/** Returns the record of that name; the record of a proof is stored in the proof. */
export async function recordOf(evidence: RunEvidence, name: RecordName): Promise<RecordDoc | undefined> {
  const inProof = name.startsWith("after-")
    ? (await evidence.read(Doc.proof(name.slice("after-".length) as ProofName)))?.record
    : undefined;
  return inProof ?? (await evidence.read(Doc.record(name)));
}

/** @throws Error if there is none: a state ran out of order */
export async function requireRecord(evidence: RunEvidence, name: RecordName): Promise<RecordDoc> {
  const record = await recordOf(evidence, name);
  if (!record) throw new Error(`The evidence of run ${evidence.run} has no record ${name}`);
  return record;
}

/** A record with its mark, from which row versions are counted. */
export interface MarkedRecord extends RecordDoc {
  mark: RowMark;
}

/** @throws Error as requireRecord */
export async function requireMarkedRecord(evidence: RunEvidence, name: RecordName): Promise<MarkedRecord> {
  return await marked(evidence, name, await requireRecord(evidence, name));
}

export async function marked(
  evidence: RunEvidence,
  name: RecordName,
  record: RecordDoc,
): Promise<MarkedRecord> {
  // A run that an older version of Sluice started keeps the mark in a document of its own.
  const { mark } = record.mark ? { mark: record.mark } : await evidence.require(Doc.recordBegan(name));
  return { ...record, mark };
}
