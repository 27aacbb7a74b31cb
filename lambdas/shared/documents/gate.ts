import { docName } from "./name.ts";
import type { RunWindow } from "./run.ts";

export type Decision = "Go" | "NoGo";

/** What a gate was opened for; the page shows it. No token and no key in it: of the key only the hash. */
export interface GateDoc {
  /** Such as `readiness`, `rehearsal`, `after-006`, `open`, `keep`, `restore`. */
  gate: string;
  kind: "readiness" | "rehearsal" | "after" | "open" | "keep" | "restore";
  version: string | null;
  attempt: number;
  escalation: boolean;
  question: string;
  checklist: string[];
  openedAt: string;
  expiresAt: string;
  keyHash: string;
  /** Where each was asked by a link of their own, which says who answers: that key's hash. Then no other link is good. */
  approvers?: { name: string; keyHash: string }[] | undefined;
  /** What a Go is bound to. Null fingerprint: the gate is not about the catalog. */
  basis: { fingerprint: string | null; planChecksum: string; report: string };
  /** Why it is asked once more. */
  changed: string[];
  /** What people must read first, a line each; absent where there is nothing, and in evidence of older runs. */
  warnings?: string[] | undefined;
  /** Absent where one Go is enough. */
  quorum?: GateQuorum | undefined;
  /** Absent where there is no maintenance window, or its end does not close this gate. */
  window?: RunWindow | undefined;
  /** What a Go and a No-Go lead to, in a sentence each. */
  go: string;
  noGo: string;
}

export interface GateQuorum {
  /** How many people, of different names, must say Go. */
  approvals: number;
  /** It takes more than the plan says, as nobody knows who started the run and may not decide alone. */
  starterUnknown: boolean;
  /** The first attempt that asked the very same: Goes to it and to those after it count here too. */
  since: number;
}

/** One Go of several that are needed. */
export interface GateApprovalDoc {
  attempt: number;
  by: string;
  comment: string;
  at: string;
  from: string;
  ticked: string[];
  /** SHA-256 of the page as it was shown. */
  shown: string;
}

export interface GateDecisionDoc {
  gate: string;
  attempt: number;
  decision: Decision;
  by: string;
  comment: string;
  at: string;
  /** Address the answer came from. */
  from: string;
  ticked: string[];
  /** SHA-256 of the page as it was shown. */
  shown: string;
  /** Where more than one was needed: every Go by itself. */
  approvals?: GateApprovalDoc[] | undefined;
}

/** A No-Go after the Go. */
export interface GateObjectionDoc {
  gate: string;
  attempt: number;
  by: string;
  comment: string;
  at: string;
  from: string;
}

/** The gate's token, apart from everything that people read. */
export interface GateTokenDoc {
  token: string;
}

/** A Go that did not take effect, and why: what it was given for was no longer so. */
export interface WithheldDoc {
  at: string;
  /** Ask: the gate is asked once more. */
  answer: "Ask" | "NoGo";
  changed: string[];
}

/** The machine has heard the decision. */
export interface DeliveredDoc {
  at: string;
}

/** Evidence documents that stood behind the page, by name, each with a tag that changes when its content does. */
export type ShownDocuments = Readonly<Record<string, string>>;

/** Names of these documents. */
export const gateDocuments = {
  gate: (gate: string, attempt: number) => docName<GateDoc>(`gates/${gate}-${attempt}/request`),
  gateToken: (gate: string, attempt: number) => docName<GateTokenDoc>(`gates/${gate}-${attempt}/token`),
  /** One of several Goes that a gate needs, in the order in which they came: the first is 1. */
  gateApproval: (gate: string, attempt: number, n: number) =>
    docName<GateApprovalDoc>(`gates/${gate}-${attempt}/go-${n}`),
  gateDecision: (gate: string, attempt: number) =>
    docName<GateDecisionDoc>(`gates/${gate}-${attempt}/decision`),
  /** A No-Go that came when the gate had its Go: it changes nothing, and is kept. The first is 1. */
  gateObjection: (gate: string, attempt: number, n: number) =>
    docName<GateObjectionDoc>(`gates/${gate}-${attempt}/no-go-${n}`),
} as const;
