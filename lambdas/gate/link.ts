import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { GateDoc } from "../shared/documents.ts";
import { versionPattern } from "../shared/version.ts";

export interface GateAddress {
  run: string;
  gate: string;
  attempt: number;
}

export function gateLink(gateUrl: string, { run, gate, attempt }: GateAddress, key: string): string {
  return `${gateUrl}/gates/${encodeURIComponent(run)}/${encodeURIComponent(gate)}/${attempt}?key=${key}`;
}

/** Parses a path that ends in `/gates/<run>/<gate>/<attempt>`; undefined for any other path. */
export function gateAddress(path: string): GateAddress | undefined {
  const parts = /\/gates\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(path);
  if (!parts) return undefined;
  const run = decoded(parts[1]);
  const gate = decoded(parts[2]);
  const attempt = parts[3] ?? "";
  if (run === undefined || !isRunName(run)) return undefined;
  if (gate === undefined || !GATE_NAME.test(gate) || !/^[1-9]\d{0,3}$/.test(attempt)) return undefined;
  return { run, gate, attempt: Number(attempt) };
}

/** Matches a kind of gate, with the version for a gate after a migration. */
export const GATE_NAME = new RegExp(`^[a-z]+(?:-${versionPattern()})?$`);

// Run and gate become part of the evidence's keys, which are file paths in a local run: they must not escape the folder.
const RUN = /^[^\s/\\\p{Cc}]{1,80}$/u;

export function isRunName(run: string): boolean {
  return RUN.test(run) && !/^\.+$/.test(run);
}

/** Days for which a link opens the report: usually until the last reminder of a plan. */
export const REPORT_LINK_DAYS = 30;

export function reportLinkEnds(from: string): string {
  return new Date(Date.parse(from) + REPORT_LINK_DAYS * 24 * 3600 * 1000).toISOString();
}

export function reportLink(gateUrl: string, run: string, key: string): string {
  return `${gateUrl}/reports/${encodeURIComponent(run)}?key=${key}`;
}

function decoded(part: string | undefined): string | undefined {
  try {
    return decodeURIComponent(part ?? "");
  } catch {
    return undefined;
  }
}

/** Makes a new key for a link, with its hash. Only the hash is stored, so a reader of the evidence cannot answer a gate. */
export function newKey(): { key: string; hash: string } {
  const key = randomBytes(32).toString("base64url");
  return { key, hash: keyHash(key) };
}

/** Returns the hash that a key is stored under: SHA-256, in hex. */
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

/** Returns the name of the approver whose personal link has this key; undefined: none has. */
export function approverOf(key: string, { approvers = [] }: Pick<GateDoc, "approvers">): string | undefined {
  return approvers.find(({ keyHash }) => keyMatches(key, keyHash))?.name;
}

/** Whether the key opens the gate: the key of a personal link, or the shared key where no approvers are listed. */
export function opensGate(key: string, doc: Pick<GateDoc, "keyHash" | "approvers">): boolean {
  return doc.approvers ? approverOf(key, doc) !== undefined : keyMatches(key, doc.keyHash);
}
