import { Doc } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { sha256 } from "../shared/sha256.ts";
import type { Fingerprint } from "./fingerprint.ts";

/** A fingerprint in the evidence. Its objects are in a document by itself, which all that are the same share. */
interface FingerprintDoc {
  hash: string;
  /** SHA-256 of that document's text. */
  catalog: string;
}

type CatalogDoc = Omit<Fingerprint, "hash">;

export async function keepFingerprint(
  evidence: RunEvidence,
  name: string,
  { hash, ...catalog }: Fingerprint,
): Promise<void> {
  const text = JSON.stringify(catalog);
  const doc: FingerprintDoc = { hash, catalog: sha256(text) };
  // First what the other one names: a worker that dies in between leaves nothing that cannot be read.
  await evidence.keepFile(`${Doc.catalog(doc.catalog)}.json`, text, "application/json");
  await evidence.keep(Doc.fingerprint(name), doc);
}

/** The kept fingerprint's hash, or that of the one that `take` reads, kept. */
export async function fingerprintOnce(
  evidence: RunEvidence,
  name: string,
  take: () => Promise<Fingerprint>,
): Promise<string> {
  const kept = await evidence.read<FingerprintDoc>(Doc.fingerprint(name));
  if (kept) return kept.hash;
  await keepFingerprint(evidence, name, await take());
  return (await evidence.need<FingerprintDoc>(Doc.fingerprint(name))).hash;
}

/** @throws Error where it was not kept */
export async function keptFingerprint(evidence: RunEvidence, name: string): Promise<Fingerprint> {
  const { hash, catalog } = await evidence.need<FingerprintDoc>(Doc.fingerprint(name));
  return { hash, ...(await evidence.need<CatalogDoc>(Doc.catalog(catalog))) };
}
