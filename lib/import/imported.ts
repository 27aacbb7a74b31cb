import type { Syntax } from "./placeholders.ts";

// The result of reading another tool's folder. Only a reader has its tool's rules for files. Everything after it
// (which migrations are pending, steps, the plan's files) works on this alone.

export const TOOLS = [
  "alembic",
  "atlas",
  "dbmate",
  "django",
  "drizzle",
  "flyway",
  "golang-migrate",
  "goose",
  "graphile-migrate",
  "liquibase",
  "node-pg-migrate",
  "numbered",
  "postgrator",
  "prisma",
  "sqitch",
  "sqlx",
  "tern",
  "yoyo",
] as const;

export type Tool = (typeof TOOLS)[number];

/** Tools that record in a table what they applied. */
export type NotingTool = Exclude<Tool, "numbered">;

/** Something that a person must know about a file. */
export interface Finding {
  /** Path within the imported folder. */
  file: string;
  line?: number;
  says: string;
}

/**
 * How a tool sends the SQL of a part:
 * - transaction: within one that the tool itself begins and commits
 * - message: the whole text at once, so that several statements are one transaction, unless they say BEGIN themselves
 * - transaction if possible: the same, unless every statement of the text must run outside of one
 * - statements: one at a time, each committed at once, unless they say BEGIN themselves
 */
export type Runs = "transaction" | "transaction if possible" | "message" | "statements";

/** SQL of one direction of a migration. */
export interface Part {
  file: string;
  /** Line in the file of the text's first line. */
  line: number;
  text: string;
  runs: Runs;
}

/** Why there is no way back. */
export interface NoWayBack {
  none: string;
}

/** What the tool's own table holds about an applied migration, as far as its file shows: the `row` of a plan. */
export type Row = Readonly<Record<string, unknown>>;

export interface ImportedMigration {
  /** The version by which the tool and its users name the migration; --after takes it. */
  version: string;
  /** Other names that --after takes. */
  aliases: readonly string[];
  /** A few words: the rest of the file's name. */
  name: string;
  /** The files of the migration. */
  files: readonly string[];
  up: Part;
  down: Part | NoWayBack;
  /** SQL that raises an error if the migration did not work. */
  verify?: Part;
  /** Absent if no tool records it. */
  row?: Row;
  /** A plan's schema.expectedVersion once this migration is applied. */
  standing: string;
  /** A person must decide each before it can be imported: --take or --skip. */
  doubts: readonly Finding[];
  /** On an empty database it runs instead of all migrations before it; elsewhere it does not run. */
  base?: true;
  /** It has no readable SQL and can only be skipped. States how the tool can print SQL, if it can. */
  noSql?: string;
}

export interface ImportedFolder {
  tool: Tool;
  /** In the order in which the tool applies them. */
  migrations: readonly ImportedMigration[];
  /** Shown, without holding anything up. */
  notes: readonly Finding[];
  /** Problems of the folder as a whole: nothing is imported until they are fixed. */
  refusals: readonly Finding[];
  /** Such as Flyway's ${x}: replaced before the SQL is read. */
  placeholders?: Syntax;
  /** What the tool does with a pending version below the newest applied one, if it does not apply it. */
  late?: string;
}

export function hasWayBack(down: ImportedMigration["down"]): down is Part {
  return !("none" in down);
}
