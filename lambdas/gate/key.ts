import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

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
