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
