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

/** The address in a path such as `/gates/<run>/<gate>/<attempt>`, whatever stands before it; undefined for any other. */
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

/** A kind of gate, and for one after a migration its version. */
export const GATE_NAME = new RegExp(`^[a-z]+(?:-${versionPattern()})?$`);

// Run and gate become part of the evidence's keys, which are file paths in a local run: nothing in them may lead elsewhere.
const RUN = /^[^\s/\\\p{Cc}]{1,80}$/u;

export function isRunName(run: string): boolean {
  return RUN.test(run) && !/^\.+$/.test(run);
}

/** For how long a link opens the report: as long as the last of a plan's reminders usually is. */
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
