import type { StorageWork } from "../ports.ts";
import { doc, type TimeDoc } from "./name.ts";
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
  quiet: doc<QuietDoc>("quiet", "shown"),
  /** When the run began to quieten the instance that was moved aside. */
  quieting: doc<TimeDoc>("quieting", "shown"),
  notQuiet: doc<NotQuietDoc>("not-quiet", "shown"),
  staging: doc<StagingDoc>("staging", "shown"),
  stagingBegan: doc<TimeDoc>("staging/began"),
  /** The copy that took its place when the restore was rehearsed as the way back. */
  stagingAgain: doc<StagingDoc>("staging-again", "shown"),
  stagingAgainBegan: doc<TimeDoc>("staging-again/began"),
  stagingAgainWithout: doc<{ without: string[] }>("staging-again/without"),
  /** Settings of production that RDS refused when staging was restored. */
  stagingWithout: doc<{ without: string[] }>("staging/without"),
  /** Work on its storage at the end of the rehearsal. */
  stagingStorage: doc<StagingStorageDoc>("staging-storage", "shown"),
  stagingVerified: doc<StagingVerifiedDoc>("staging-verified", "shown"),
  /** User mappings of staging that were disabled. */
  disarmed: doc<DisarmedDoc>("staging-disarmed", "shown"),
  stagingDeleted: doc<TimeDoc & { id: string }>("staging-deleted", "shown"),
} as const;
