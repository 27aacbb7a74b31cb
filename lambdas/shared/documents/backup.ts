import type { MomentPurpose, SnapshotPurpose } from "../names.ts";
import type { ArchivedSnapshot, MomentState, PointInTime } from "../ports.ts";
import type { BackupKind } from "../settings.ts";
import { doc, type TimeDoc } from "./name.ts";

/** How production is backed up. */
export interface BackupDoc {
  at: string;
  by: BackupKind;
  /** The reasons for this choice, a sentence each. */
  why: string[];
  /** For `point-in-time`: the WAL that a restore would replay, as far as it is known. */
  replay?: ReplayDoc | undefined;
  /** For `point-in-time`: milliseconds by which the server's clock was ahead of the worker's. */
  clockAheadMs?: number | undefined;
}

/** The price of a restore to a moment: the WAL that has to be replayed. */
export interface ReplayDoc {
  /** Time of the base backup that it begins with; null: unknown, at most a day earlier. */
  baseAt: string | null;
  /** Production's WAL in bytes per hour; null: unknown. */
  bytesPerHour: number | null;
}

/** A moment of production, noted when only the run may still write. */
export interface MomentDoc extends PointInTime {
  /** By the worker's clock. */
  notedAt: string;
  /** The last transaction before the moment, which wrote nothing; decimal text. */
  transaction: string;
  /** The transactions under way then: `pg_current_snapshot()`. */
  underWay: string;
}

export interface MomentPassedDoc {
  at: string;
  /** By the server's clock. Everything that commits from then on comes after the moment. */
  serverTime: string;
  /** The first transaction after it, which wrote nothing; decimal text. */
  transaction: string;
}

export interface MomentSeenDoc {
  at: string;
  state: MomentState;
}

export interface SnapshotDoc {
  at: string;
  /** Time of the request; absent in evidence of older runs. */
  beganAt?: string | undefined;
  id: string;
  instance: string;
  createdAt: string | null;
  sizeBytes: number | null;
  engineVersion: string | null;
  encrypted: boolean | null;
  kmsKey: string | null;
  /** True for a clone: a copy of the volume without an instance, and no backup. */
  clone?: true | undefined;
  /** Date until which it is kept, such as `2027-11-03`; null: only for this run. */
  keepUntil: string | null;
}

/** Further copies of the final snapshot, with their state when they were started. */
export interface ArchivedDoc {
  at: string;
  copies: ArchivedSnapshot[];
}

/** Names of these documents. */
export const backupDocuments = {
  /** How production is backed up, as preflight chose. */
  backup: doc<BackupDoc>("backup", "shown"),
  /** A moment that production can be restored to. */
  moment: doc<MomentDoc, [purpose: MomentPurpose]>("moments/*", "shown"),
  /** Noted once the server's clock passed the moment, before any write that must come after it. */
  momentPassed: doc<MomentPassedDoc, [purpose: MomentPurpose]>("moments/*-passed", "shown"),
  /** RDS's first report about the moment: its backups are on and cover it. */
  momentHeld: doc<MomentSeenDoc, [purpose: MomentPurpose]>("moments/*-held", "shown"),
  /** RDS's report before a gate or for a restore; n counts from 1. */
  momentSeen: doc<MomentSeenDoc, [n: number]>("moments/seen-*", "shown"),
  snapshot: doc<SnapshotDoc, [purpose: SnapshotPurpose]>("snapshots/*", "shown"),
  /** Time of the first worker's request. */
  snapshotBegan: doc<TimeDoc, [purpose: SnapshotPurpose]>("snapshots-began/*"),
  archived: doc<ArchivedDoc>("snapshots/archived", "shown"),
} as const;
