import { doc } from "./name.ts";

/** Data in production that a restore of the final backup would lose. */
export interface LossDoc {
  at: string;
  /** Start of the record that production is compared with. */
  since: string;
  /** True: the application could write since then, as nothing was fenced or production was opened again. */
  applicationWasIn: boolean;
  /** Tables whose rows differ from the record, or may differ; and others that the application could write to. */
  tables: TableLossDoc[];
  /** Number of tables that equal the record. */
  asRecorded: number;
  /** How many of these the server's counters prove: no row was written, so none was read. */
  byCounters: number;
}

/** A table's writes by the server's counters, where these are valid. They include this run's own and rolled-back writes. */
export interface TableLossDoc {
  table: string;
  /** Null: the table did not exist, or its rows are not recorded. */
  rowsBefore: string | null;
  /** Null: the table no longer exists, or its rows were not counted. */
  rowsNow: string | null;
  inserted: number | null;
  updated: number | null;
  deleted: number | null;
}

export interface TableMark {
  /** Qualified by its schema, quoted where needed. */
  table: string;
  /** Changes when the table is truncated or rewritten, which no counter shows. */
  file: string;
  /** Rows, including those of rolled-back transactions. */
  inserted: number;
  updated: number;
  deleted: number;
}

/** The server's counters at one time, for comparison with later ones. */
export interface MarkDoc {
  at: string;
  /** Start of the server. Counters survive a clean restart and are lost in a crash: across a restart they prove nothing. */
  serverStart: string;
  statsReset: string | null;
  /** Reset time of the background writer's counters: a crash that the server survives resets all, and shows only here. */
  crashReset: string | null;
  /** True where the server counts at all. */
  counting: boolean;
  tables: TableMark[];
}

/** A table that was written to between two marks. */
export interface Written {
  table: string;
  /** `new`: the table was created; `gone`: it was dropped; `rewritten`: it has another file, as after TRUNCATE or VACUUM FULL. */
  how: "rows" | "rewritten" | "new" | "gone";
  inserted: number;
  updated: number;
  deleted: number;
}

export interface WrittenDoc {
  at: string;
  /** Null: the server's counters are off or were reset in between, and prove nothing. */
  tables: Written[] | null;
}

/** Names of these documents. */
export const writesDocuments = {
  /** The server's counters before the record was taken (proof/writes.ts). */
  mark: doc<MarkDoc>("writes/mark"),
  /** Writes since then, read before the first migration and before a restore. */
  written: doc<WrittenDoc, [until: "migration" | "restore"]>("writes/until-*"),
  /** Data that a restore would lose. */
  loss: doc<LossDoc>("loss", "shown"),
} as const;
