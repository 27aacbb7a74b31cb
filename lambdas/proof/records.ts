import type { RowMark } from "../shared/documents.ts";
import { Doc, type ProofName, type RecordDoc, type RecordName } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";

/** The record of that name; that of what a proof looked at is in the proof. */
export async function recordOf(evidence: RunEvidence, name: RecordName): Promise<RecordDoc | undefined> {
  const inProof = name.startsWith("after-")
    ? (await evidence.read(Doc.proof(name.slice("after-".length) as ProofName)))?.record
    : undefined;
  return inProof ?? (await evidence.read(Doc.record(name)));
}

/** @throws Error where there is none, which means that a state ran out of order */
export async function requireRecord(evidence: RunEvidence, name: RecordName): Promise<RecordDoc> {
  const record = await recordOf(evidence, name);
  if (!record) throw new Error(`The evidence of run ${evidence.run} has no record ${name}`);
  return record;
}

/** What a database was, and the mark that the versions of its rows are told by. */
export interface MarkedRecord extends RecordDoc {
  mark: RowMark;
}

/** @throws as needRecord */
export async function requireMarkedRecord(evidence: RunEvidence, name: RecordName): Promise<MarkedRecord> {
  return await marked(evidence, name, await requireRecord(evidence, name));
}

export async function marked(
  evidence: RunEvidence,
  name: RecordName,
  record: RecordDoc,
): Promise<MarkedRecord> {
  // Of a run that an older version of Sluice began, it is by itself.
  const { mark } = record.mark ? { mark: record.mark } : await evidence.require(Doc.recordBegan(name));
  return { ...record, mark };
}
