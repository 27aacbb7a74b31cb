import type { Target } from "./migration.ts";
import { doc } from "./name.ts";

export type ChangesName = `staging-${string}` | Target;

/** Rows touched, from row versions; decimal text. */
export interface TouchedDoc {
  /** Rows that were added or changed. */
  written: string;
  /** Rows that were removed or changed. */
  gone: string;
}

/** Changes to what existed before: rows of tables, and catalog objects. */
export interface ChangesDoc {
  at: string;
  /** Only changed tables, by their former names. */
  tables: TableChangeDoc[];
  objects: ObjectChangesDoc;
  /** Sequences that advanced or were set back; decimal text, null: no value given yet. */
  sequences: SequenceMovedDoc[];
  /** Tables whose rows were written since staging was restored, also by a rollback or with the same values. */
  touched: string[];
}

export interface MadeDoc {
  /** Kind and name, as in the catalog's fingerprint. */
  objects: [kind: string, name: string][];
}

export interface MadeByAllDoc {
  /** Objects by the migration's version. */
  made: Readonly<Record<string, MadeDoc["objects"]>>;
}

export interface SequenceMovedDoc {
  sequence: string;
  from: string | null;
  to: string | null;
  /** True: it was set back, and gives earlier values again. */
  back?: true;
}

export interface TableChangeDoc {
  table: string;
  /** Change of the table itself; absent: none. `replaced`: it was dropped, and another table has its name. */
  fate?: "dropped" | "replaced" | "renamed" | undefined;
  /** New name of a renamed table. */
  to?: string | undefined;
  /** The table that it became a partition or a child of. */
  partitionOf?: string | undefined;
  /** Decimal text. */
  rowsBefore: string;
  rows?: RowChangesDoc | undefined;
  columns: ColumnChangeDoc[];
  /** Hash of the table's earlier contents, for comparison. Null: not read in full. */
  began: string | null;
  /** True: a migration that wrote to it picks rows by time or by chance, so a later run may pick others. */
  byTime?: true;
}

/** Decimal text. */
export interface RowChangesDoc {
  added: string;
  removed: string;
  changed: string;
  /** True: additions, removals and changes cannot be distinguished. `added` then counts rows written, `removed` rows gone. */
  mixed?: true | undefined;
  /** Sum of the keys of the rows that are gone or changed; null: unknown. */
  keys: string | null;
}

export interface ColumnChangeDoc {
  column: string;
  how: "changed" | "dropped" | "renamed" | "retyped";
  /** Its new name, or its former and its new type. */
  to?: string | undefined;
  from?: string | undefined;
}

/** Changed objects of the catalog: their numbers, and some of them by kind and name. */
export interface ObjectChangesDoc {
  added: number;
  gone: number;
  changed: number;
  some: { added: string[]; gone: string[]; changed: string[] };
}

/** Names of these documents. */
export const changesDocuments = {
  /** Changes to existing data: of one migration on staging, of all of them there, or of all on production. */
  changes: doc<ChangesDoc, [what: ChangesName]>("changes/*", "shown"),
  /** Objects that a migration creates, changes or drops. */
  made: doc<MadeDoc, [version: string]>("made/*"),
  /** The same for all migrations, after all are rehearsed. Production's checks and proofs read it. */
  madeByAll: doc<MadeByAllDoc>("made-by/all"),
} as const;
