import type { MomentPurpose, SnapshotPurpose } from "../names.ts";
import type { ArchivedSnapshot, MomentState, PointInTime } from "../ports.ts";
import type { BackupKind } from "../settings.ts";
import { docName, type TimeDoc } from "./name.ts";

/** How production is backed up. */
export interface BackupDoc {
  at: string;
  by: BackupKind;
  /** Why it is that, a sentence each. */
  why: string[];
  /** Of `point-in-time`: what restoring would replay from, as far as it could be found out. */
  replay?: ReplayDoc | undefined;
  /** Of `point-in-time`: by how many milliseconds the server's clock was ahead of the worker's. */
  clockAheadMs?: number | undefined;
}

/** The price of a restore to a moment: the WAL that has to be replayed. */
export interface ReplayDoc {
  /** When the base backup was made from which it begins; null: not known, a day before at most. */
  baseAt: string | null;
  /** How fast production writes WAL, in bytes an hour; null: not known. */
  bytesPerHour: number | null;
}

/** A moment of production, noted when nobody but the run was to write any more. */
export interface MomentDoc extends PointInTime {
  /** By the worker's clock. */
  notedAt: string;
  /** A transaction that wrote nothing, and committed last before the moment; decimal text. */
  transaction: string;
  /** What was under way then: `pg_current_snapshot()`. */
  underWay: string;
}

export interface MomentPassedDoc {
  at: string;
  /** By the server's clock: everything that commits from now on comes after the moment. */
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
  /** When it was asked for; absent in evidence of older runs. */
  beganAt?: string | undefined;
  id: string;
  instance: string;
  createdAt: string | null;
  sizeBytes: number | null;
  engineVersion: string | null;
  encrypted: boolean | null;
  kmsKey: string | null;
  /** Present where it is a clone: a copy of the volume that nothing runs on, and no backup. */
  clone?: true | undefined;
  /** Date until which it is kept, such as `2027-11-03`; null: only for this run. */
  keepUntil: string | null;
}

/** Further copies of the final snapshot, as they stood when they were begun. */
export interface ArchivedDoc {
  at: string;
  copies: ArchivedSnapshot[];
}

/** Names of these documents. */
export const backupDocuments = {
  /** How production is backed up, as preflight chose. */
  backup: docName<BackupDoc>("backup"),
  /** A moment that production can be taken back to. */
  moment: (purpose: MomentPurpose) => docName<MomentDoc>(`moments/${purpose}`),
  /** Noted once the server's clock was past it, before anything is written that must not be in it. */
  momentPassed: (purpose: MomentPurpose) => docName<MomentPassedDoc>(`moments/${purpose}-passed`),
  /** What the fleet said of it when it was asked first: that its backups are on, and hold it. */
  momentHeld: (purpose: MomentPurpose) => docName<MomentSeenDoc>(`moments/${purpose}-held`),
  /** What it said when it was asked before a gate, or for a restore; n counts from 1. */
  momentSeen: (n: number) => docName<MomentSeenDoc>(`moments/seen-${n}`),
  snapshot: (purpose: SnapshotPurpose) => docName<SnapshotDoc>(`snapshots/${purpose}`),
  /** When it was asked for, by the first worker that did. */
  snapshotBegan: (purpose: SnapshotPurpose) => docName<TimeDoc>(`snapshots-began/${purpose}`),
  archived: docName<ArchivedDoc>("snapshots/archived"),
} as const;
