import { Doc } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";

/** A Go that did not take effect, and why: what it was given for was no longer so. */
export interface WithheldDoc {
  at: string;
  /** Ask: the gate is asked once more. */
  answer: "Ask" | "NoGo";
  changed: string[];
}

export const withheldDoc = (gate: string, attempt: number) => `gates/${gate}-${attempt}/withheld`;

/** The machine has heard the decision. */
export interface DeliveredDoc {
  at: string;
}

export const deliveredDoc = (gate: string, attempt: number) => `gates/${gate}-${attempt}/told`;

/** Evidence documents that stood behind the page, by name, each with a tag that changes when its content does. */
export type ShownDocuments = Readonly<Record<string, string>>;

export const shownDocumentsDoc = (gate: string, attempt: number) => `gates/${gate}-${attempt}/documents`;

/** Number of the newest attempt at the gate; only its link is good. 0: never opened. */
export async function latestAttempt(evidence: RunEvidence, gate: string): Promise<number> {
  const names = new Set(await evidence.list(`gates/${gate}-`));
  let latest = 0;
  while (names.has(Doc.gate(gate, latest + 1))) latest += 1;
  return latest;
}

/** Why a Go was withheld so far, attempt by attempt. */
export async function withheldSoFar(evidence: RunEvidence, gate: string): Promise<WithheldDoc[]> {
  const latest = await latestAttempt(evidence, gate);
  const numbers = Array.from({ length: latest }, (_, i) => i + 1);
  const found = await Promise.all(numbers.map((n) => evidence.read<WithheldDoc>(withheldDoc(gate, n))));
  return found.filter((doc) => doc !== undefined);
}
