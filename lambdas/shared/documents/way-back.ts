import { docName, type TimeDoc } from "./name.ts";

export interface WayBackDoc {
  at: string;
  /** How long the plan lets a rollback take. */
  sloSeconds: number;
  /** Of the migrations that have a rollback that leads back; without parts where there is none. */
  rollback: PredictedDoc;
  restore: PredictedDoc;
  /** The first restore-only migration: from it on the restore is the way back. Absent: there is none. */
  restoreFrom?: string | undefined;
}

export interface PredictedDoc {
  seconds: number;
  parts: { what: string; seconds: number }[];
  /** What is not counted, as no rehearsal shows it. */
  leavesOut?: string[] | undefined;
  /** Of a restore to a moment: what it replays. */
  replay?: { bytes: number | null; baseAt: string | null; counted: boolean } | undefined;
}

export interface RollbackDoc {
  at: string;
  /** Why the database is brought back. */
  why: string;
  /** Newest migration that left something behind; null: none did. */
  from: string | null;
  /** The first restore-only migration that has begun: nothing is rolled back, as only the restore leads back. */
  restoreFrom?: string | undefined;
}

export interface RestoreDoc {
  at: string;
  /** What is restored: the final snapshot, or else production at that moment. */
  snapshot?: string | undefined;
  moment?: string | undefined;
  /** Where the former production went. */
  aside: string;
}

/** Where the former production answers, once its name is free. */
export interface MovedAsideDoc {
  at: string;
  endpoint: { host: string; port: number };
}

/** What took production's place. */
export interface RestoredDoc {
  at: string;
  endpoint: { host: string; port: number };
  /** In evidence of older runs, which gave it its settings before it was proven. */
  handOver?: string[] | undefined;
}

export interface HandedOverDoc {
  at: string;
  /** What people must see to, a sentence each. */
  handOver: string[];
}

/** Names of these documents. */
export const wayBackDocuments = {
  /** How long each way back from production takes, as the rehearsal tells. */
  wayBack: docName<WayBackDoc>("way-back"),
  rollback: docName<RollbackDoc>("rollback"),
  /** From when on a restore waits for what it goes back to. */
  awaiting: docName<TimeDoc>("awaiting-backup"),
  restore: docName<RestoreDoc>("restore"),
  movedAside: docName<MovedAsideDoc>("moved-aside"),
  restoring: docName<TimeDoc>("restoring"),
  restored: docName<RestoredDoc>("restored"),
  /** When it was first asked to have its settings again. */
  handingOver: docName<TimeDoc>("handing-over"),
  /** What became of the settings of what was restored, and what people must see to. */
  handedOver: docName<HandedOverDoc>("handed-over"),
} as const;
