import { docName } from "./name.ts";

/** What is in production and would be lost if the final snapshot took its place. */
export interface LossDoc {
  at: string;
  /** When the record was begun that it is compared with. */
  since: string;
  /** The application could write since then: nothing was fenced, or it was let in again. */
  applicationWasIn: boolean;
  /** Tables whose rows are not, or cannot be known to be, as recorded; and others that the application could write to. */
  tables: TableLossDoc[];
  /** How many tables are as recorded. */
  asRecorded: number;
  /** Of these, how many the server's counters say so of: no row was written, so none was read. */
  byCounters: number;
}

/** By the server's counters, where they tell: this run's own writes and those that were rolled back are among them. */
export interface TableLossDoc {
  table: string;
  /** Null: there was no such table, or its rows are not recorded. */
  rowsBefore: string | null;
  /** Null: there is no such table any more, or its rows were not counted. */
  rowsNow: string | null;
  inserted: number | null;
  updated: number | null;
  deleted: number | null;
}

export interface TableMark {
  /** Qualified by its schema, quoted where needed. */
  table: string;
  /** Changes when the table is truncated or written anew as a whole, which no counter shows. */
  file: string;
  /** Rows, those of transactions that were rolled back included. */
  inserted: number;
  updated: number;
  deleted: number;
}

/** What the server has counted so far, to be compared with what it will have counted later. */
export interface MarkDoc {
  at: string;
  /** Counters are kept over a clean restart and lost in a crash: across a restart they prove nothing. */
  serverStart: string;
  statsReset: string | null;
  /** When the background writer's were: a crash that the server survives by itself sets all back and notes only this. */
  crashReset: string | null;
  /** Whether the server counts at all. */
  counting: boolean;
  tables: TableMark[];
}

/** A table that was written to between two marks. */
export interface Written {
  table: string;
  /** `new`: there was no such table; `gone`: there is none any more; `anew`: truncated, or written anew as a whole. */
  how: "rows" | "anew" | "new" | "gone";
  inserted: number;
  updated: number;
  deleted: number;
}

export interface WrittenDoc {
  at: string;
  /** Null: the server's counters are off, or were set back in between, and tell nothing. */
  tables: Written[] | null;
}

/** Names of these documents. */
export const writesDocuments = {
  /** Where the server's counters stood before the record was taken (writes/mark.ts). */
  mark: docName<MarkDoc>("writes/mark"),
  /** What was written from then on, as seen before the first migration, and before a restore. */
  written: (until: "migration" | "restore") => docName<WrittenDoc>(`writes/until-${until}`),
  /** What a restore would lose. */
  loss: docName<LossDoc>("loss"),
} as const;
