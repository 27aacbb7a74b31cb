import { hasSqlDetails, parseSync } from "libpg-query";
import type { Statement } from "../../lambdas/shared/plan.ts";

/** A node of Postgres's syntax tree: one key, the node's type, and its fields. */
export type Node = Readonly<Record<string, unknown>>;

export interface ParsedStatement extends Statement {
  /** Undefined where Postgres cannot parse it. */
  node: Node | undefined;
}

/**
 * Statements of a text, with the lines they start at. A text that Postgres cannot parse stays whole, as one statement:
 * the database that runs it is the one to say what is wrong with it, and syntaxProblem() tells it beforehand.
 */
export function splitStatements(text: string, firstLine: number): ParsedStatement[] {
  if (leadingTrivia(text) === text.length) return [];
  // The parser counts in bytes.
  const bytes = Buffer.from(text, "utf8");
  let parsed: ReturnType<typeof parseSync>;
  try {
    parsed = parseSync(text);
  } catch {
    return [{ sql: text.trimEnd(), line: firstLine, node: undefined }];
  }
  return (parsed.stmts ?? []).map((raw) => {
    const start = raw.stmt_location ?? 0;
    const end = raw.stmt_len ? start + raw.stmt_len : bytes.length;
    const before = bytes.subarray(0, start).toString("utf8");
    const whole = bytes.subarray(start, end).toString("utf8");
    const lead = leadingTrivia(whole);
    return {
      sql: whole.slice(lead).trimEnd(),
      line: firstLine + countNewlines(before) + countNewlines(whole.slice(0, lead)),
      node: raw.stmt as Node | undefined,
    };
  });
}

/** Where Postgres's own parser says that the text is not SQL; undefined where it is. */
export function syntaxProblem(
  statement: Statement,
): { line: number; column: number; message: string } | undefined {
  try {
    parseSync(statement.sql);
    return undefined;
  } catch (error) {
    const at = hasSqlDetails(error) ? Number(error.sqlDetails?.cursorPosition ?? 0) : 0;
    // It counts characters, of which an astral one is two here.
    const before = [...statement.sql].slice(0, at).join("").split("\n");
    return {
      line: statement.line + before.length - 1,
      column: [...(before.at(-1) ?? "")].length + 1,
      message: error instanceof Error ? error.message : String(error),
    };
  }
}

/** The fields of a node of that type, or undefined where it is of another. */
export function fieldsOf<Fields = Node>(node: Node | undefined, type: string): Fields | undefined {
  return node?.[type] as Fields | undefined;
}

/** Every node of that type within a part of a syntax tree, at any depth. */
export function* nodesWithin(part: unknown, type: string): Generator<Node> {
  if (Array.isArray(part)) for (const item of part) yield* nodesWithin(item, type);
  else if (typeof part === "object" && part !== null)
    for (const [key, value] of Object.entries(part)) {
      if (key === type) yield value as Node;
      yield* nodesWithin(value, type);
    }
}

/** A relation as statements name it. */
export interface RangeVar {
  schemaname?: string;
  relname: string;
  relpersistence?: string;
  /** Not there: ONLY stands before it. */
  inh?: boolean;
  alias?: { aliasname: string };
}

export function nameOf({ schemaname, relname }: RangeVar): { schema?: string; name: string } {
  return schemaname === undefined ? { name: relname } : { schema: schemaname, name: relname };
}

/** Length of the white space and comments that stand before a statement, so that its line is where its SQL starts. */
function leadingTrivia(sql: string): number {
  return /^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*/.exec(sql)?.[0].length ?? 0;
}

function countNewlines(text: string): number {
  return text.split("\n").length - 1;
}
