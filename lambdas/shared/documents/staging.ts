import type { StorageWork } from "../ports.ts";
import { docName, type TimeDoc } from "./name.ts";
import type { ScopeDoc } from "./record.ts";

export interface StagingDoc {
  at: string;
  /** From the start of its restore until it was usable. */
  seconds: number;
  id: string;
  endpoint: { host: string; port: number };
  /** Work on its storage at that time. */
  storage?: StorageWork | undefined;
  /** Settings of production that RDS refused to give it, each with the reason. */
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

/** An instance whose jobs and subscriptions could not be stopped. */
export interface NotQuietDoc {
  at: string;
  instance: string;
  why: string;
}

/** User mappings of a copy, such as `app on server billing`. */
export interface DisarmedDoc {
  at: string;
  useless: string[];
  /** Those that the role may not change, with the server's error. */
  left: string[];
}

/** Names of these documents. */
export const stagingDocuments = {
  /** The parameter group that stops jobs and subscriptions in copies of production. */
  quiet: docName<QuietDoc>("quiet"),
  /** When the run began to quieten the instance that was moved aside. */
  quieting: docName<TimeDoc>("quieting"),
  notQuiet: docName<NotQuietDoc>("not-quiet"),
  staging: docName<StagingDoc>("staging"),
  stagingBegan: docName<TimeDoc>("staging/began"),
  /** The copy that took its place when the restore was rehearsed as the way back. */
  stagingAgain: docName<StagingDoc>("staging-again"),
  stagingAgainBegan: docName<TimeDoc>("staging-again/began"),
  stagingAgainWithout: docName<{ without: string[] }>("staging-again/without"),
  /** Settings of production that RDS refused when staging was restored. */
  stagingWithout: docName<{ without: string[] }>("staging/without"),
  /** Work on its storage at the end of the rehearsal. */
  stagingStorage: docName<StagingStorageDoc>("staging-storage"),
  stagingVerified: docName<StagingVerifiedDoc>("staging-verified"),
  /** User mappings of staging that were disabled. */
  disarmed: docName<DisarmedDoc>("staging-disarmed"),
  stagingDeleted: docName<TimeDoc & { id: string }>("staging-deleted"),
} as const;
