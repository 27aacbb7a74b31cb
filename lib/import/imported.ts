import type { Syntax } from "./placeholders.ts";

// What a reader gives of another tool's folder. A reader knows one tool's rules for files; all that comes after it
// (which migrations are pending, steps, the plan's files) knows only this.

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

/** Those that note in a table what they applied. */
export type NotingTool = Exclude<Tool, "numbered">;

/** Something that a person must know of a file. */
export interface Finding {
  /** Within the folder that is imported. */
  file: string;
  line?: number;
  says: string;
}

/**
 * How a tool sends the SQL of a part:
 * - transaction: within one that the tool itself begins and commits
 * - message: the whole text at once, so that several statements are one transaction, unless they say BEGIN themselves
 * - transaction if possible: the same, but for a text of nothing but statements that cannot run in one
 * - statements: one at a time, each committed at once, unless they say BEGIN themselves
 */
export type Runs = "transaction" | "transaction if possible" | "message" | "statements";

/** SQL of one direction of a migration. */
export interface Part {
  file: string;
  /** In the file, of the text's first line. */
  line: number;
  text: string;
  runs: Runs;
}

/** There is no way back, and why. */
export interface NoWayBack {
  none: string;
}

/** What the tool's own table holds of a migration that it applied, as far as its file says it: the `row` of a plan. */
export type Row = Readonly<Record<string, unknown>>;

export interface ImportedMigration {
  /** By which the tool knows it, and its people: what --after takes. */
  version: string;
  /** Other names that --after takes. */
  aliases: readonly string[];
  /** In a few words: what is left of the file's name. */
  name: string;
  /** It is made of these. */
  files: readonly string[];
  up: Part;
  down: Part | NoWayBack;
  /** SQL that raises an error where the migration did not work. */
  verify?: Part;
  /** Absent: no tool notes it. */
  row?: Row;
  /** What a plan's schema.expectedVersion is once this one is applied. */
  standing: string;
  /** Of each, a person must decide before it can be imported: --take or --skip. */
  doubts: readonly Finding[];
  /** On an empty database it is run in place of all that comes before it, and nowhere else. */
  base?: true;
  /** It has no SQL that can be read: it can only be skipped. Where the tool can print SQL, this says how. */
  noSql?: string;
}

export interface ImportedFolder {
  tool: Tool;
  /** In the order in which the tool applies them. */
  migrations: readonly ImportedMigration[];
  /** Said, and held up by nothing. */
  notes: readonly Finding[];
  /** Of the folder as a whole: nothing is imported before they are mended. */
  refusals: readonly Finding[];
  /** Such as Flyway's ${x}: replaced before SQL is read. */
  placeholders?: Syntax;
  /** A version below the newest applied one that is not applied: what the tool does with it, where it does not apply it. */
  late?: string;
}

export function hasWayBack(down: ImportedMigration["down"]): down is Part {
  return !("none" in down);
}
