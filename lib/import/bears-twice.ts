import { parseSync, scanSync } from "libpg-query";
import { fieldsOf, type Node, nodesWithin } from "../plan/statements.ts";

// A rollback must work when it runs again, and after half of its migration. Other tools never run one twice, so theirs lack
// IF EXISTS and IF NOT EXISTS. In a single run these words change nothing.

/** Words that may come between DROP and the name of what is dropped. */
const KINDS = new Set(
  `aggregate access cast collation concurrently configuration conversion data dictionary domain event extension family
foreign function group index language large materialized method operator parser policy procedural procedure publication
routine rule schema search sequence server statistics table template text transform trigger type view wrapper`.split(
    /\s+/,
  ),
);

interface Token {
  /** Offset in bytes. */
  start: number;
  text: string;
}

/** Words, and the byte offset where they are inserted. */
interface Insertion {
  at: number | undefined;
  words: "IF EXISTS" | "IF NOT EXISTS";
}

/** The statement in a form that may run twice; unchanged if it may already, or if it does more than drop and make. */
export function bearsTwice(sql: string, node: Node): string {
  const insertions = dropped(sql, node) ?? made(sql, node) ?? altered(sql, node) ?? [];
  return checked(sql, withInserted(sql, insertions));
}

function dropped(sql: string, node: Node): Insertion[] | undefined {
  const drop = fieldsOf<{ missing_ok?: boolean }>(node, "DropStmt");
  if (!drop) return undefined;
  if (drop.missing_ok) return [];
  const name = tokensOf(sql).find(({ text }, index) => index > 0 && !KINDS.has(text));
  return [{ at: name?.start, words: "IF EXISTS" }];
}

function made(sql: string, node: Node): Insertion[] | undefined {
  const index = fieldsOf<{ if_not_exists?: boolean; idxname?: string }>(node, "IndexStmt");
  const table = fieldsOf<{ if_not_exists?: boolean }>(node, "CreateStmt");
  if (!index && !table) return undefined;
  if (index?.if_not_exists || table?.if_not_exists || (index && index.idxname === undefined)) return [];
  const tokens = tokensOf(sql);
  const kind = tokens.findIndex(({ text }) => text === (index ? "index" : "table"));
  const name = kind + (tokens[kind + 1]?.text === "concurrently" ? 2 : 1);
  return [{ at: tokens[name]?.start, words: "IF NOT EXISTS" }];
}

function altered(sql: string, node: Node): Insertion[] | undefined {
  const alter = fieldsOf<{ cmds?: unknown; objtype?: string }>(node, "AlterTableStmt");
  if (alter?.objtype !== "OBJECT_TABLE") return undefined;
  const kinds = [...nodesWithin(alter.cmds, "AlterTableCmd")].map(({ subtype }) => String(subtype));
  const drops = (kind: string) => kind === "AT_DropColumn" || kind === "AT_DropConstraint";
  if (!kinds.every((kind) => drops(kind) || kind === "AT_AddColumn")) return [];
  const tokens = tokensOf(sql);
  const insertions: Insertion[] = [];
  // A table that is gone has nothing to drop; but making something in it needs the table.
  if (kinds.every(drops) && tokens[2]?.text !== "if")
    insertions.push({ at: tokens[2]?.start, words: "IF EXISTS" });
  let depth = 0;
  for (const [index, { text }] of tokens.entries()) {
    if (text === "(") depth++;
    if (text === ")") depth--;
    const begins = index > 2 && (tokens[index - 1]?.text === "," || isFirst(tokens, index));
    if (depth > 0 || !begins || (text !== "drop" && text !== "add")) continue;
    const skip = ["column", "constraint"].includes(tokens[index + 1]?.text ?? "") ? 2 : 1;
    const name = tokens[index + skip];
    if (name?.text !== "if")
      insertions.push({ at: name?.start, words: text === "drop" ? "IF EXISTS" : "IF NOT EXISTS" });
  }
  return insertions;
}

/** Whether no command comes before it. */
function isFirst(tokens: readonly Token[], at: number): boolean {
  return tokens.slice(0, at).every(({ text }) => text !== "drop" && text !== "add");
}

function tokensOf(sql: string): Token[] {
  return scanSync(sql)
    .tokens.filter(({ tokenName }) => !/COMMENT/.test(tokenName))
    .map(({ start, text }) => ({ start, text: text.toLowerCase() }));
}

function withInserted(sql: string, insertions: readonly Insertion[]): string {
  const bytes = Buffer.from(sql, "utf8");
  let done = 0;
  let text = "";
  for (const { at, words } of insertions) {
    if (at === undefined) return sql;
    text += `${bytes.subarray(done, at).toString("utf8")}${words} `;
    done = at;
  }
  return text + bytes.subarray(done).toString("utf8");
}

/** Keeps the original if PostgreSQL would refuse the change. */
function checked(sql: string, changed: string): string {
  if (changed === sql) return sql;
  try {
    parseSync(changed);
    return changed;
  } catch {
    return sql;
  }
}
