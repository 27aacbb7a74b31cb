import type { TouchedDoc } from "./changes.ts";
import type { ProofName } from "./migration.ts";
import { docName } from "./name.ts";

/**
 * Catalog and contents: of production under the fence (`before`) and fenced again after the opening (`reopened`), of
 * staging as restored (`staging`), before each migration (`staging-006`) and once it is applied for good
 * (`changed-006`), of what a restore might lose (`loss`), and of whatever a proof looked at.
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
  /** See TableContent: sums of columns and of the key, where they were asked for. */
  sums?: Record<string, string> | undefined;
  keys?: string | undefined;
  key?: string[] | undefined;
  /** Its rows were counted and none was read: row versions show whether they are touched later. */
  unread?: true | undefined;
  /** Of the rows that are new since the record that this one builds on. */
  written?: { rows: string; keys?: string | undefined } | undefined;
  /** Absent: every row is the very version that the record has which this one builds on. */
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

/** What a materialized view held. */
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
  /** What row versions are told by. Absent in evidence of older runs: see Doc.recordBegan. */
  mark?: RowMark | undefined;
  /** The record by whose mark it was told which rows are touched; absent: none, every table was read or counted. */
  since?: RecordName | undefined;
  tables: TableContentDoc[];
  sequences: SequenceDoc[];
  /** Absent in evidence of older runs. */
  largeObjects?: LargeObjectsDoc | undefined;
  /** Materialized views. Absent in evidence of older runs. */
  views?: ViewContentDoc[] | undefined;
  /** Tables that the plan says only grow; absent: none do. */
  growing?: GrowingDoc[] | undefined;
  /** Unlogged tables that the plan leaves out; absent: none are. */
  leftOut?: string[] | undefined;
  /** Absent where more than one worker took it, and in evidence of older runs. */
  spent?: SpentDoc | undefined;
}

/** What of a record's time went into its rows; all else is the same for any number of rows. */
export interface SpentDoc {
  /** Rows that row versions were looked at of. */
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
  /** Sums of hashes: of what they hold, and of their owners, rights and comments. */
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

/** What a proof speaks of, and what it does not, such as `7 tables` and `1 sequence (the role may not read it)`. */
export interface ScopeDoc {
  proven: string[];
  notProven: string[];
}

/** How far a sequence has come. */
export interface SequenceDoc {
  sequence: string;
  /** Decimal text; null: it has given no value yet, or may not be read. */
  last: string | null;
  rises: boolean;
  /** This role may not read it. */
  unread?: true | undefined;
  /** The last value that there can be. Absent in evidence of older runs. */
  end?: string | undefined;
}

export interface ListedTable {
  table: string;
  columns: string[];
  /** How large it is on disk, what is stored out of line aside. */
  blocks: number;
}

export interface MarkedColumn {
  name: string;
  /** Never given twice in a table: a column that was dropped and made again has another. */
  number: number;
  /** As a file would write it. */
  type: string;
  /** Tells types apart that are written alike: OIDs of type and collation. */
  typeId: string;
}

/** What rows are kept in, as it was at the mark. */
export interface MarkedTable {
  /** Qualified by its schema, quoted where needed. */
  table: string;
  oid: string;
  /** Another one: truncated, or written anew as a whole. */
  file: string;
  /**
   * False where rows are kept in another way than PostgreSQL's own, whose xmin may mean anything, and where only some of
   * them are the user's, as in an extension's table.
   */
  heap: boolean;
  /** The table that it is a partition or a child of. */
  parent: { table: string; oid: string } | null;
  columns: MarkedColumn[];
}

/**
 * A moment in a database's life, by which its rows are old or new: a row is old when the transaction that wrote this
 * version of it came before the mark, and new when it came after, or was under way.
 */
export interface RowMark {
  /** The transaction that marks, in full: its epoch and its number, in decimal. */
  transaction: string;
  /** The oldest transaction that was under way in this database then, prepared ones too; the mark's own where none was. 32 bits. */
  since: string;
  /** Tells clusters apart: marks of one say nothing of the rows of another. */
  cluster: string;
  /** Of each enum's value its label, by its oid: under another label, rows that are as old as they were read otherwise. */
  labels: Record<string, string>;
  tables: MarkedTable[];
}

/** One object of the catalog, described without OIDs: the same text wherever and by whomever it is read. */
export interface CatalogObject {
  /** What it is: "table", "column", "function", "policy", "setting", ... */
  kind: string;
  /** Its full name, quoted where needed; functions with their argument types. Unique within the kind. */
  name: string;
  /** Everything else about it, in lines. */
  definition: string;
  /**
   * Of a column: its number in the catalog, which it keeps for life and no later column of the table gets. It is in no
   * hash, as it depends on the table's past. Absent for what is no column, and in evidence of older runs.
   */
  number?: number | null;
}

export interface Fingerprint {
  /** sha256 of the canonical text of all objects, in hex: equal exactly when the objects are. */
  hash: string;
  /** Sorted by kind, then name. */
  objects: CatalogObject[];
  /** Who may connect and make temporary tables. No part of the hash: the fence takes CONNECT, and gives it back. */
  access?: CatalogObject[] | undefined;
  /** What this role may not read, by kind and name: nothing is claimed of it. */
  unread?: Pick<CatalogObject, "kind" | "name">[] | undefined;
  /** Roles that were asked for, whatever they own or are granted here. */
  roles?: readonly string[] | undefined;
}

export type CatalogDoc = Omit<Fingerprint, "hash">;

/** A catalog as it differs from another one that is kept in full: a long plan has many that are nearly the same. */
export interface CatalogDelta extends Omit<CatalogDoc, "objects"> {
  /** SHA-256 of the other one's text. */
  from: string;
  without: Pick<CatalogObject, "kind" | "name">[];
  with: CatalogObject[];
}

/** A fingerprint in the evidence. Its objects are in a document by itself, which all that are the same share. */
export interface FingerprintDoc {
  hash: string;
  /** SHA-256 of that document's text. */
  catalog: string;
}

/** Names of these documents. */
export const recordDocuments = {
  record: (when: RecordName) => docName<RecordDoc>(`records/${when}`),
  /** What a record begins with, where it goes on for longer than one worker, or is an older run's. */
  recordBegan: (when: RecordName) => docName<RecordBeganDoc>(`records/${when}/began`),
  /** The catalog that a gate was asked for, or that staging had once a migration with `leaves` was first applied; of older runs also those of records. */
  fingerprint: (name: string) => docName<FingerprintDoc>(`fingerprints/${name}`),
  /** By the SHA-256 of its text. */
  catalog: (sha256: string) => docName<CatalogDoc | CatalogDelta>(`catalogs/${sha256}`),
} as const;
