import { doc } from "./name.ts";
import type { RunWindow } from "./run.ts";

export type Decision = "Go" | "NoGo";

/** A gate's question and its basis, as the page shows them. It holds no token, and only the hash of the key. */
export interface GateDoc {
  /** Such as `readiness`, `rehearsal`, `after-006`, `open`, `keep`, `restore`. */
  gate: string;
  kind: "readiness" | "rehearsal" | "after" | "open" | "keep" | "restore" | "wave";
  version: string | null;
  attempt: number;
  escalation: boolean;
  question: string;
  checklist: string[];
  openedAt: string;
  expiresAt: string;
  keyHash: string;
  /** Present with personal links, which show who answers: the hash of each key. Then no other link is valid. */
  approvers?: { name: string; keyHash: string }[] | undefined;
  /** State that a Go is bound to. Null fingerprint: the gate is not about the catalog. */
  basis: { fingerprint: string | null; planChecksum: string; report: string };
  /** Why the gate opens again. */
  changed: string[];
  /** Warnings that people must read first, a line each; absent where there are none, and in evidence of older runs. */
  warnings?: string[] | undefined;
  /** Absent where one Go is enough. */
  quorum?: GateQuorum | undefined;
  /** Absent without a maintenance window, and where its end does not close this gate. */
  window?: RunWindow | undefined;
  /** Consequences of a Go and of a No-Go, in a sentence each. */
  go: string;
  noGo: string;
}

export interface GateQuorum {
  /** Number of people with different names who must say Go. */
  approvals: number;
  /** True: it needs more Goes than the plan asks, as the run's starter is unknown and may not decide alone. */
  starterUnknown: boolean;
  /** The first attempt with the same basis: its Goes and those of later attempts count here too. */
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
  /** Every single Go, where more than one was needed. */
  approvals?: GateApprovalDoc[] | undefined;
  /** The decision on a wave that answered this gate; absent: a person did, on its own page. */
  byWave?: ByWave | undefined;
}

/** The decision of people on a wave of a rollout, by which a run's own gate was answered. */
export interface ByWave {
  rollout: string;
  wave: number;
  /** The rollout's gate, and its attempt. */
  gate: string;
  attempt: number;
  /** Digest of what matched a run that people approved (likeness.ts); null at `keep`, where nothing is compared. */
  likeness: string | null;
}

/** A No-Go that came after the Go. */
export interface GateObjectionDoc {
  gate: string;
  attempt: number;
  by: string;
  comment: string;
  at: string;
  from: string;
}

/** The gate's token, separate from everything that people read. */
export interface GateTokenDoc {
  token: string;
}

/** A Go that did not take effect, as its basis had changed. */
export interface WithheldDoc {
  at: string;
  /** `Ask`: the gate opens again. */
  answer: "Ask" | "NoGo";
  changed: string[];
}

/** Noted when the machine received the decision. */
export interface DeliveredDoc {
  at: string;
}

/** Evidence documents that the page was built from, by name, each with a tag that changes with the content. */
export type ShownDocuments = Readonly<Record<string, string>>;

/** Names of these documents. */
export const gateDocuments = {
  gate: doc<GateDoc, [gate: string, attempt: number]>("gates/*-*/request", "shown"),
  gateToken: doc<GateTokenDoc, [gate: string, attempt: number]>("gates/*-*/token", "secret"),
  /** One of several Goes that a gate needs, numbered by arrival from 1. */
  gateApproval: doc<GateApprovalDoc, [gate: string, attempt: number, n: number]>("gates/*-*/go-*"),
  gateDecision: doc<GateDecisionDoc, [gate: string, attempt: number]>("gates/*-*/decision", "shown"),
  /** A Go that did not take effect. */
  gateWithheld: doc<WithheldDoc, [gate: string, attempt: number]>("gates/*-*/withheld", "shown"),
  /** A No-Go that came after the gate's Go. It changes nothing and is kept; numbered from 1. */
  gateObjection: doc<GateObjectionDoc, [gate: string, attempt: number, n: number]>(
    "gates/*-*/no-go-*",
    "shown",
  ),
} as const;
