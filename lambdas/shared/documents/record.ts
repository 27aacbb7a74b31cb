import type { TouchedDoc } from "./changes.ts";
import type { ProofName } from "./migration.ts";
import { doc } from "./name.ts";

/**
 * Records of catalog and contents: of production under the fence (`before`) and fenced again after the opening
 * (`reopened`); of staging after its restore (`staging`), before each migration (`staging-006`) and after its last apply
 * (`changed-006`); of what a restore might lose (`loss`); and of each proof (`after-...`).
 */
export type RecordName =
  | "staging"
  | "before"
  | "reopened"
  | "loss"
  | `staging-${string}`
  | `changed-${string}`
  | `after-${ProofName}`;

export interface TableContentDoc {
  table: string;
  columns: string[];
  rows: string;
  checksum: string | null;
  /** Sums of columns and of the key (see TableContent), where they were requested. */
  sums?: Record<string, string> | undefined;
  keys?: string | undefined;
  key?: string[] | undefined;
  /** True: rows were counted but not read; row versions show whether they are touched later. */
  unread?: true | undefined;
  /** Rows that are new since the record that this one builds on. */
  written?: { rows: string; keys?: string | undefined } | undefined;
  /** Absent: every row has the same version as in the record that this one builds on. */
  touched?: TouchedDoc | undefined;
}

export interface RecordBeganDoc {
  at: string;
  mark: RowMark;
  sequences: SequenceDoc[];
  tables: ListedTable[];
  /** Unlogged tables that the plan leaves out; absent: none are. */
  leftOut?: string[] | undefined;
}

/** Contents of a materialized view. */
export interface ViewContentDoc extends TableContentDoc {
  /** Why it was not read; then it has no rows and no checksum. */
  notRead?: "not populated" | "may not" | "left out" | undefined;
}

export interface RecordDoc {
  at: string;
  seconds: number;
  fingerprint: string;
  /** SHA-256 of the document that holds the catalog's objects. Absent in evidence of older runs: see Doc.fingerprint. */
  catalog?: string | undefined;
  /** The mark that separates old from new row versions. Absent in evidence of older runs: see Doc.recordBegan. */
  mark?: RowMark | undefined;
  /** The record whose mark showed which rows are touched; absent: every table was read or counted. */
  since?: RecordName | undefined;
  tables: TableContentDoc[];
  sequences: SequenceDoc[];
  /** Absent in evidence of older runs. */
  largeObjects?: LargeObjectsDoc | undefined;
  /** Materialized views. Absent in evidence of older runs. */
  views?: ViewContentDoc[] | undefined;
  /** Tables that only grow, as the plan declares; absent: none. */
  growing?: GrowingDoc[] | undefined;
  /** Unlogged tables that the plan leaves out; absent: none are. */
  leftOut?: string[] | undefined;
  /** Absent where more than one worker took it, and in evidence of older runs. */
  spent?: SpentDoc | undefined;
}

/** The part of a record's time that depends on the number of rows. */
export interface SpentDoc {
  /** Rows whose versions were compared. */
  compared: RowsTime;
  /** Rows whose values were read. */
  read: RowsTime;
}

export interface RowsTime {
  rows: number;
  seconds: number;
}

/** Decimal texts. */
export interface LargeObjectsDoc {
  count: string;
  /** Those whose content this role may not read. */
  unread: string;
  oids: string[];
  unreadOids: string[];
  /** Sums of hashes: of their contents, and of their owners, rights and comments. */
  content: string;
  properties: string;
}

/** A table that only grows. Decimal texts. */
export interface GrowingDoc {
  table: string;
  columns: string[];
  /** The transaction before which its earlier rows were written. */
  since: string;
  /** The earlier rows, and the sum of their hashes. */
  rows: string;
  checksum: string;
  /** Rows that were written later. */
  added: string;
  missing?: true | undefined;
}

/** What a proof covers and what it does not, such as `7 tables` and `1 sequence (the role may not read it)`. */
export interface ScopeDoc {
  proven: string[];
  notProven: string[];
}

/** State of a sequence. */
export interface SequenceDoc {
  sequence: string;
  /** Decimal text; null: it has given no value yet, or this role may not read it. */
  last: string | null;
  rises: boolean;
  /** True: this role may not read it. */
  unread?: true | undefined;
  /** The last possible value. Absent in evidence of older runs. */
  end?: string | undefined;
}

export interface ListedTable {
  table: string;
  columns: string[];
  /** Its blocks on disk, without TOAST. */
  blocks: number;
}

export interface MarkedColumn {
  name: string;
  /** Unique in the table's life: a column that was dropped and created again has another number. */
  number: number;
  /** The type as SQL writes it. */
  type: string;
  /** OIDs of type and collation, which distinguish types that are written alike. */
  typeId: string;
}

/** A table's storage at the mark. */
export interface MarkedTable {
  /** Qualified by its schema, quoted where needed. */
  table: string;
  oid: string;
  /** The storage file; it changes when the table is truncated or rewritten. */
  file: string;
  /**
   * False where the table has another access method than PostgreSQL's heap, as xmin may mean anything there, and where
   * only some rows are the user's, as in an extension's table.
   */
  heap: boolean;
  /** The table that it is a partition or a child of. */
  parent: { table: string; oid: string } | null;
  columns: MarkedColumn[];
}

/**
 * A moment in a database's life that separates old rows from new ones. A row is old when the transaction that wrote its
 * version ended before the mark, and new when it came later or was under way.
 */
export interface RowMark {
  /** The mark's transaction id with its epoch, in decimal. */
  transaction: string;
  /** The oldest transaction that was under way in this database then, prepared ones too; the mark's own where none was. 32 bits. */
  since: string;
  /** Identifies the database cluster: a mark is only valid in its own cluster. */
  cluster: string;
  /** Label of each enum value, by oid: a new label changes how old rows read. */
  labels: Record<string, string>;
  tables: MarkedTable[];
}

/** One object of the catalog, described without OIDs: the text is the same in every copy and for every role. */
export interface CatalogObject {
  /** Its kind: "table", "column", "function", "policy", "setting", ... */
  kind: string;
  /** Its full name, quoted where needed; functions with their argument types. Unique within the kind. */
  name: string;
  /** Everything else about it, in lines. */
  definition: string;
  /**
   * A column's number in the catalog. It never changes, and no later column of the table gets it. It is in no hash, as it
   * depends on the table's past. Absent for other objects, and in evidence of older runs.
   */
  number?: number | null;
}

export interface Fingerprint {
  /** SHA-256 (hex) of the canonical text of all objects: equal exactly when the objects are equal. */
  hash: string;
  /** Sorted by kind, then name. */
  objects: CatalogObject[];
  /** Rights to connect and to create temporary tables. Not in the hash: the fence revokes CONNECT and grants it again. */
  access?: CatalogObject[] | undefined;
  /** Objects that this role may not read, by kind and name: the fingerprint does not cover them. */
  unread?: Pick<CatalogObject, "kind" | "name">[] | undefined;
  /** Roles that were requested, whatever they own or are granted here. */
  roles?: readonly string[] | undefined;
}

export type CatalogDoc = Omit<Fingerprint, "hash">;

/** A catalog's differences from another one that is stored in full: a long plan has many nearly equal catalogs. */
export interface CatalogDelta extends Omit<CatalogDoc, "objects"> {
  /** SHA-256 of the other catalog's text. */
  from: string;
  without: Pick<CatalogObject, "kind" | "name">[];
  with: CatalogObject[];
}

/** A fingerprint in the evidence. Its objects are in a separate document, which equal fingerprints share. */
export interface FingerprintDoc {
  hash: string;
  /** SHA-256 of that document's text. */
  catalog: string;
}

/** Names of these documents. */
export const recordDocuments = {
  record: doc<RecordDoc, [when: RecordName]>("records/*", "shown"),
  /** The beginning of a record that outlasts one worker, or of an older run's record. */
  recordBegan: doc<RecordBeganDoc, [when: RecordName]>("records/*/began"),
  /** The catalog that a gate is about, or staging's after the first apply of a migration with `leaves`; in older runs also of records. */
  fingerprint: doc<FingerprintDoc, [name: string]>("fingerprints/*"),
  /** A catalog, named by the SHA-256 of its text. */
  catalog: doc<CatalogDoc | CatalogDelta, [sha256: string]>("catalogs/*"),
} as const;
