import type { Target } from "./migration.ts";
import { docName } from "./name.ts";

export type ChangesName = `staging-${string}` | Target;

/** By row versions; decimal text. */
export interface TouchedDoc {
  /** Rows that were added or changed. */
  written: string;
  /** Rows that are gone, or were changed. */
  gone: string;
}

/** What was done to what had been there before: the tables' rows, and what holds them. */
export interface ChangesDoc {
  at: string;
  /** Only those that are not as they were, by the names that they had. */
  tables: TableChangeDoc[];
  objects: ObjectChangesDoc;
  /** Sequences that went on, or back; decimal text, null: it had given no value yet. */
  sequences: SequenceMovedDoc[];
  /** Tables whose rows were written since staging was restored, be it by a rollback, or to the same values. */
  touched: string[];
}

export interface MadeDoc {
  /** Kind and name, as the catalog's fingerprint has them. */
  objects: [kind: string, name: string][];
}

export interface MadeByAllDoc {
  /** By the migration's version. */
  made: Readonly<Record<string, MadeDoc["objects"]>>;
}

export interface SequenceMovedDoc {
  sequence: string;
  from: string | null;
  to: string | null;
  /** It was set back: values that it had given it gives again. */
  back?: true;
}

export interface TableChangeDoc {
  table: string;
  /** What became of the table itself; absent: it stayed. `replaced`: it was dropped, and another one has its name. */
  fate?: "dropped" | "replaced" | "renamed" | undefined;
  /** Of a table that was renamed. */
  to?: string | undefined;
  /** The table that it has become a partition or a child of. */
  partitionOf?: string | undefined;
  /** Decimal text. */
  rowsBefore: string;
  rows?: RowChangesDoc | undefined;
  columns: ColumnChangeDoc[];
  /** What the table held before: equal ones began alike. Null: not read in full. */
  began: string | null;
  /** A migration that wrote to it picks rows by the time or by chance: later it may hit others. */
  byTime?: true;
}

/** Decimal text. */
export interface RowChangesDoc {
  added: string;
  removed: string;
  changed: string;
  /** What was added, removed and changed cannot be told apart: `added` are the rows written, `removed` those gone. */
  mixed?: true | undefined;
  /** Sum of the keys of the rows that are gone or changed; null: not known. */
  keys: string | null;
}

export interface ColumnChangeDoc {
  column: string;
  how: "changed" | "dropped" | "renamed" | "retyped";
  /** Its new name, or its type before and now. */
  to?: string | undefined;
  from?: string | undefined;
}

/** Of the catalog: how many there are of each, and some of them by kind and name. */
export interface ObjectChangesDoc {
  added: number;
  gone: number;
  changed: number;
  some: { added: string[]; gone: string[]; changed: string[] };
}

/** Names of these documents. */
export const changesDocuments = {
  /** What a migration did on staging to what was there before it; what all of them did there; what they did on production. */
  changes: (what: ChangesName) => docName<ChangesDoc>(`changes/${what}`),
  /** Objects that a migration makes, changes or drops. */
  made: (version: string) => docName<MadeDoc>(`made/${version}`),
  /** Of all migrations, once all are rehearsed: production's checks and proofs read it. */
  madeByAll: docName<MadeByAllDoc>("made-by/all"),
} as const;
