import type { StorageWork } from "../ports.ts";
import { docName, type TimeDoc } from "./name.ts";
import type { ScopeDoc } from "./record.ts";

export interface StagingDoc {
  at: string;
  /** From the start of its restore until it could be used. */
  seconds: number;
  id: string;
  endpoint: { host: string; port: number };
  /** What was being done to its storage then. */
  storage?: StorageWork | undefined;
  /** Settings of production that the fleet refused to give it, each with why. */
  refused?: string[] | undefined;
}

export interface StagingStorageDoc {
  at: string;
  storage: StorageWork | null;
}

export interface StagingVerifiedDoc {
  at: string;
  tables: number;
  rows: string;
  equal: boolean;
  differences: string[];
  /** Absent in evidence of older runs. */
  scope?: ScopeDoc | undefined;
}

export interface QuietDoc {
  at: string;
  group: string;
}

/** An instance that could not be kept still. */
export interface NotQuietDoc {
  at: string;
  instance: string;
  why: string;
}

/** User mappings of a copy, such as `app on server billing`. */
export interface DisarmedDoc {
  at: string;
  useless: string[];
  /** Those that the role may not change, with what the server said. */
  left: string[];
}

/** Names of these documents. */
export const stagingDocuments = {
  /** The parameter group that keeps copies of production still. */
  quiet: docName<QuietDoc>("quiet"),
  /** From when on the instance that was moved aside was to be kept still. */
  quieting: docName<TimeDoc>("quieting"),
  notQuiet: docName<NotQuietDoc>("not-quiet"),
  staging: docName<StagingDoc>("staging"),
  stagingBegan: docName<TimeDoc>("staging/began"),
  /** The copy that took its place when the restore was rehearsed as the way back. */
  stagingAgain: docName<StagingDoc>("staging-again"),
  stagingAgainBegan: docName<TimeDoc>("staging-again/began"),
  stagingAgainWithout: docName<{ without: string[] }>("staging-again/without"),
  /** Settings of production that the fleet refused to give to staging when it was restored. */
  stagingWithout: docName<{ without: string[] }>("staging/without"),
  /** How far its storage was when the rehearsal was done with it. */
  stagingStorage: docName<StagingStorageDoc>("staging-storage"),
  stagingVerified: docName<StagingVerifiedDoc>("staging-verified"),
  /** User mappings of staging that were made useless. */
  disarmed: docName<DisarmedDoc>("staging-disarmed"),
  stagingDeleted: docName<TimeDoc & { id: string }>("staging-deleted"),
} as const;
