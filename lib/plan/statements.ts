import { hasSqlDetails, parseSync } from "libpg-query";
import type { ObjectName, Statement } from "../../lambdas/shared/plan.ts";
import { Lines, leadOf, type Span, scan } from "./scan.ts";

/** A node of Postgres's syntax tree: one key, the node's type, and its fields. */
export type Node = Readonly<Record<string, unknown>>;

export interface ParsedStatement extends Statement {
  /** Undefined if Postgres cannot parse it. */
  node: Node | undefined;
  /** If it cannot be parsed: the column where it begins. */
  column?: number;
}

/** Text is parsed in pieces of this size, as the parser's answer is many times as long. */
const AT_A_TIME = 64 * 1024;

/**
 * Splits a text into statements, with the lines they start at. Statements that Postgres cannot parse are among them: the
 * database that runs them reports the error, and syntaxProblem() reports it beforehand.
 */
export function splitStatements(text: string, firstLine: number): ParsedStatement[] {
  return placedStatements(text, firstLine).map(({ start: _, end: __, ...statement }) => statement);
}

/** The same, with the place of each `sql` in the text. */
export function placedStatements(text: string, firstLine: number): (ParsedStatement & Span)[] {
  const lines = new Lines(text, firstLine);
  const found: (ParsedStatement & Span)[] = [];
  const { pieces } = scan(text);
  for (let first = 0; first < pieces.length; ) {
    let last = first;
    while (
      last + 1 < pieces.length &&
      (pieces[last + 1] as Span).end - (pieces[first] as Span).start < AT_A_TIME
    )
      last++;
    const some = pieces.slice(first, last + 1);
    for (const part of parsed(text, some) ??
      some.flatMap((piece) => parsed(text, [piece]) ?? [{ ...piece, node: undefined }])) {
      const whole = text.slice(part.start, part.end);
      const lead = leadOf(whole);
      const sql = whole.slice(lead).trimEnd();
      const { node } = part;
      const start = part.start + lead;
      const statement = { sql, line: lines.of(start), node, start, end: start + sql.length };
      if (node) ROOTS.add(node);
      found.push(node ? statement : { ...statement, column: lines.columnOf(start) });
    }
    first = last + 1;
  }
  return found;
}

interface Part extends Span {
  node: Node | undefined;
}

/** The syntax trees of consecutive pieces; undefined if the parser cannot parse them all. */
function parsed(text: string, pieces: readonly Span[]): Part[] | undefined {
  const start = pieces[0]?.start ?? 0;
  const part = text.slice(start, pieces.at(-1)?.end);
  let answer: ReturnType<typeof parseSync>;
  try {
    answer = parseSync(part);
  } catch {
    return undefined;
  }
  // The parser counts bytes.
  const bytes = Buffer.from(part, "utf8");
  const ascii = bytes.length === part.length;
  let [byte, unit] = [0, 0];
  const unitOf = (to: number): number => {
    unit += ascii ? to - byte : bytes.subarray(byte, to).toString("utf8").length;
    byte = to;
    return start + unit;
  };
  return (answer.stmts ?? []).map(({ stmt, stmt_location: from = 0, stmt_len: length }) => ({
    start: unitOf(from),
    end: unitOf(length ? from + length : bytes.length),
    node: stmt as Node | undefined,
  }));
}

/** Where Postgres's parser finds a syntax error; undefined if there is none. */
export function syntaxProblem(
  statement: Statement & { column?: number },
): { line: number; column: number; message: string } | undefined {
  try {
    parseSync(statement.sql);
    return undefined;
  } catch (error) {
    const at = hasSqlDetails(error) ? Number(error.sqlDetails?.cursorPosition ?? 0) : 0;
    // The parser counts characters; an astral character has two code units here.
    const before = [...statement.sql].slice(0, at).join("").split("\n");
    return {
      line: statement.line + before.length - 1,
      column: [...(before.at(-1) ?? "")].length + (before.length === 1 ? (statement.column ?? 1) : 1),
      message: `${firstLine(error instanceof Error ? error.message : String(error))}${unseen(statement.sql, before.length - 1)}`,
    };
  }
}

/** For an unclosed construct the message would show the text up to the end of the file. */
function firstLine(message: string): string {
  const [line = ""] = message.split("\n");
  return line.length < message.length || line.length > 160 ? `${line.slice(0, 160)} ..."` : message;
}

/** Characters from web pages and word processors that look like spaces, and that PostgreSQL reads as letters. */
const UNSEEN = /[\u00a0\u00ad\u1680\u180e\u2000-\u200f\u2028\u2029\u202f\u205f\u2060\u3000\ufeff]/u;

function unseen(sql: string, line: number): string {
  const found = UNSEEN.exec(sql.split("\n")[line] ?? "")?.[0];
  const code = found?.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0");
  return code === undefined ? "" : `. The line holds the invisible character U+${code}: type a space instead`;
}

/** The fields of a node of that type; undefined if it has another type. */
export function fieldsOf<Fields = Node>(node: Node | undefined, type: string): Fields | undefined {
  return node?.[type] as Fields | undefined;
}

/** Every node of that type within a part of a syntax tree, at any depth. */
export function* nodesWithin(part: unknown, type: string): Generator<Node> {
  if (typeof part === "object" && part !== null && ROOTS.has(part) && !keysOf(part).has(type)) return;
  yield* walk(part, type);
}

/** The string constants within it, without quotes and escapes. */
export function stringsIn(part: unknown): string[] {
  return [...nodesWithin(part, "String")].map(({ sval }) => String(sval ?? ""));
}

/** Visits the tree in text order, without recursion: a chain of operators is as deep as it is long. */
function* walk(part: unknown, type: string): Generator<Node> {
  const parts: unknown[] = [part];
  const found: boolean[] = [false];
  while (parts.length > 0) {
    const next = parts.pop();
    if (found.pop()) yield next as Node;
    if (typeof next !== "object" || next === null) continue;
    if (Array.isArray(next))
      for (let at = next.length - 1; at >= 0; at--) {
        parts.push(next[at]);
        found.push(false);
      }
    else {
      const keys = Object.keys(next);
      for (let at = keys.length - 1; at >= 0; at--) {
        const key = keys[at] as string;
        const value = (next as Node)[key];
        // Only objects hold nodes.
        if (typeof value !== "object" || value === null) continue;
        parts.push(value);
        found.push(key === type);
      }
    }
  }
}

// Many rules look for rare statements: so each statement's keys are cached.
const ROOTS = new WeakSet<object>();
const KEYS = new WeakMap<object, ReadonlySet<string>>();

function keysOf(root: object): ReadonlySet<string> {
  const noted = KEYS.get(root);
  if (noted) return noted;
  const keys = new Set<string>();
  const parts: unknown[] = [root];
  while (parts.length > 0) {
    const next = parts.pop();
    if (Array.isArray(next)) for (const item of next) parts.push(item);
    else if (typeof next === "object" && next !== null)
      for (const key in next) {
        keys.add(key);
        parts.push((next as Node)[key]);
      }
  }
  KEYS.set(root, keys);
  return keys;
}

/** A relation as a statement names it. */
export interface RangeVar {
  schemaname?: string;
  relname: string;
  relpersistence?: string;
  /** Absent: ONLY comes before the name. */
  inh?: boolean;
  alias?: { aliasname: string };
}

/** A name in the syntax tree: a list of words. */
export type Words = readonly { String?: { sval?: string } }[];

export function textsOf(words: Words | undefined): string[] {
  return (words ?? []).map((word) => word.String?.sval ?? "");
}

/** The last word of a qualified name; empty if there is none. */
export function lastWord(words: Words | undefined): string {
  return words?.at(-1)?.String?.sval ?? "";
}

/** A relation from its qualified name: the last word is its own name, the one before that its schema's. */
export function relationIn(words: readonly string[]): ObjectName | undefined {
  const [schema, name] = words.length > 1 ? words.slice(-2) : [undefined, words[0]];
  return name ? (schema === undefined ? { name } : { schema, name }) : undefined;
}

export function nameOf({ schemaname, relname }: RangeVar): ObjectName {
  return schemaname === undefined ? { name: relname } : { schema: schemaname, name: relname };
}
