import { recordOf } from "../record/records.ts";
import { Doc, type RecordDoc, type RecordName } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { sha256 } from "../shared/sha256.ts";
import type { Fingerprint } from "./fingerprint.ts";

/** A fingerprint in the evidence. Its objects are in a document by itself, which all that are the same share. */
export interface FingerprintDoc {
  hash: string;
  /** SHA-256 of that document's text. */
  catalog: string;
}

type CatalogDoc = Omit<Fingerprint, "hash">;

export async function keepFingerprint(
  evidence: RunEvidence,
  name: string,
  fingerprint: Fingerprint,
): Promise<void> {
  // First what the other one names: a worker that dies in between leaves nothing that cannot be read.
  const doc = await keepCatalog(evidence, fingerprint);
  await evidence.keep(Doc.fingerprint(name), doc);
}

/** Keeps a fingerprint's objects. What it answers is for the document that names them. */
export async function keepCatalog(
  evidence: RunEvidence,
  { hash, ...catalog }: Fingerprint,
): Promise<FingerprintDoc> {
  const text = JSON.stringify(catalog);
  const name = sha256(text);
  await evidence.keepFile(`${Doc.catalog(name)}.json`, text, "application/json");
  return { hash, catalog: name };
}

/**
 * That of a gate or a record.
 * @throws Error where it was not kept
 */
export async function keptFingerprint(evidence: RunEvidence, name: string): Promise<Fingerprint> {
  const record = await recordOf(evidence, name as RecordName);
  if (record?.catalog !== undefined) return await fingerprintOf(evidence, record);
  const { hash, catalog } = await evidence.need<FingerprintDoc>(Doc.fingerprint(name));
  return { hash, ...(await evidence.need<CatalogDoc>(Doc.catalog(catalog))) };
}

/** That of a record, which need not be kept yet. */
export async function fingerprintOf(
  evidence: RunEvidence,
  { fingerprint, catalog }: Pick<RecordDoc, "fingerprint" | "catalog">,
): Promise<Fingerprint> {
  if (catalog === undefined) throw new Error("The record names no catalog");
  return { hash: fingerprint, ...(await evidence.need<CatalogDoc>(Doc.catalog(catalog))) };
}
