import {
  type DeliveredDoc,
  Doc,
  docName,
  type ShownDocuments,
  type WithheldDoc,
} from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";

export const withheldDoc = Doc.gateWithheld;

export const deliveredDoc = (gate: string, attempt: number) =>
  docName<DeliveredDoc>(`gates/${gate}-${attempt}/told`);

export const shownDocumentsDoc = (gate: string, attempt: number) =>
  docName<ShownDocuments>(`gates/${gate}-${attempt}/documents`);

/** Returns the number of the newest attempt at the gate, the only one whose link works. 0: never opened. */
export async function latestAttempt(evidence: RunEvidence, gate: string): Promise<number> {
  const names = new Set(await evidence.list(`gates/${gate}-`));
  let latest = 0;
  while (names.has(Doc.gate(gate, latest + 1))) latest += 1;
  return latest;
}

/** Returns each Go withheld so far at this gate with its reasons, oldest attempt first. */
export async function withheldSoFar(evidence: RunEvidence, gate: string): Promise<WithheldDoc[]> {
  const latest = await latestAttempt(evidence, gate);
  const numbers = Array.from({ length: latest }, (_, i) => i + 1);
  const found = await Promise.all(numbers.map((n) => evidence.read(withheldDoc(gate, n))));
  return found.filter((doc) => doc !== undefined);
}
