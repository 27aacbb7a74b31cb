import { createHash } from "node:crypto";

/** SHA-256 of the text as UTF-8, or of the bytes; 64 hexadecimal digits. */
export function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
