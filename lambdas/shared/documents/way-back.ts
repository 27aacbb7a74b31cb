import { doc, type TimeDoc } from "./name.ts";

export interface WayBackDoc {
  at: string;
  /** The plan's time limit for a rollback. */
  sloSeconds: number;
  /** Rollback of the migrations that have one; without parts where none has. */
  rollback: PredictedDoc;
  restore: PredictedDoc;
  /** The first restore-only migration: from it on the restore is the way back. Absent: none. */
  restoreFrom?: string | undefined;
}

export interface PredictedDoc {
  seconds: number;
  parts: { what: string; seconds: number }[];
  /** Parts that are not counted, as no rehearsal shows them. */
  leavesOut?: string[] | undefined;
  /** For a restore to a moment: the WAL that it replays. */
  replay?: { bytes: number | null; baseAt: string | null; counted: boolean } | undefined;
}

export interface RollbackDoc {
  at: string;
  /** Why the database is brought back. */
  why: string;
  /** Newest migration that left something behind; null: none did. */
  from: string | null;
  /** The first restore-only migration that has begun: nothing is rolled back, as the restore is the only way back. */
  restoreFrom?: string | undefined;
}

export interface RestoreDoc {
  at: string;
  /** The source: the final snapshot, or production at this moment. */
  snapshot?: string | undefined;
  moment?: string | undefined;
  /** New name of the former production. */
  aside: string;
}

/** Address of the former production, once its name is free. */
export interface MovedAsideDoc {
  at: string;
  endpoint: { host: string; port: number };
}

/** The restored production. */
export interface RestoredDoc {
  at: string;
  endpoint: { host: string; port: number };
  /** Only in evidence of older runs, which gave it its settings before the proof. */
  handOver?: string[] | undefined;
}

export interface HandedOverDoc {
  at: string;
  /** Tasks for people, a sentence each. */
  handOver: string[];
}

/** Names of these documents. */
export const wayBackDocuments = {
  /** Duration of each way back from production, predicted by the rehearsal. */
  wayBack: doc<WayBackDoc>("way-back", "shown"),
  rollback: doc<RollbackDoc>("rollback", "shown"),
  /** When a restore began to wait for its backup. */
  awaiting: doc<TimeDoc>("awaiting-backup", "shown"),
  restore: doc<RestoreDoc>("restore", "shown"),
  movedAside: doc<MovedAsideDoc>("moved-aside", "shown"),
  restoring: doc<TimeDoc>("restoring", "shown"),
  restored: doc<RestoredDoc>("restored", "shown"),
  /** When the run began to give the restored production its settings. */
  handingOver: doc<TimeDoc>("handing-over", "shown"),
  /** Result for the settings of the restored production, and tasks for people. */
  handedOver: doc<HandedOverDoc>("handed-over", "shown"),
} as const;
