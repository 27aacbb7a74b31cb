import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { GateDoc } from "../shared/documents.ts";

/** A new key for a link, and the hash that alone is stored: whoever reads the evidence cannot answer a gate. */
export function newKey(): { key: string; hash: string } {
  const key = randomBytes(32).toString("base64url");
  return { key, hash: keyHash(key) };
}

/** What a key is known by. */
export function keyHash(key: string): string {
  return digest(key).toString("hex");
}

export function keyMatches(key: string, hash: string): boolean {
  const kept = Buffer.from(hash, "hex");
  const given = digest(key);
  return kept.length === given.length && timingSafeEqual(kept, given);
}

function digest(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}

/** Of those who were asked by a link of their own, the one whose key it is. */
export function approverOf(key: string, { approvers = [] }: Pick<GateDoc, "approvers">): string | undefined {
  return approvers.find(({ keyHash }) => keyMatches(key, keyHash))?.name;
}

/** Whether the key opens the gate: anybody's, or one of those who were asked by a link of their own. */
export function opensGate(key: string, doc: Pick<GateDoc, "keyHash" | "approvers">): boolean {
  return doc.approvers ? approverOf(key, doc) !== undefined : keyMatches(key, doc.keyHash);
}
