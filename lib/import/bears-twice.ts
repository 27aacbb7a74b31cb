import { parseSync, scanSync } from "libpg-query";
import { fieldsOf, type Node, nodesWithin } from "../plan/statements.ts";

// A rollback must work when it is run again, and after half of its migration. Other tools never run one twice, so theirs
// say DROP without IF EXISTS. Where a statement only drops, IF EXISTS changes nothing else of what it does.

/** Words that may stand between DROP and the name of what is dropped. */
const KINDS = new Set(
  `aggregate access cast collation concurrently configuration conversion data dictionary domain event extension family
foreign function group index language large materialized method operator parser policy procedural procedure publication
routine rule schema search sequence server statistics table template text transform trigger type view wrapper`.split(
    /\s+/,
  ),
);

/** The statement with IF EXISTS wherever it drops; as it is where it does more than that, or where it says so already. */
export function bearsTwice(sql: string, node: Node): string {
  const drop = fieldsOf<{ missing_ok?: boolean }>(node, "DropStmt");
  if (drop) return drop.missing_ok ? sql : checked(sql, insertAfterKinds(sql));
  const alter = fieldsOf<{ cmds?: unknown; missing_ok?: boolean; objtype?: string }>(node, "AlterTableStmt");
  if (alter?.objtype !== "OBJECT_TABLE") return sql;
  const commands = [...nodesWithin(alter.cmds, "AlterTableCmd")];
  const drops = commands.every(({ subtype }) =>
    ["AT_DropColumn", "AT_DropConstraint"].includes(String(subtype)),
  );
  if (!drops || (alter.missing_ok && commands.every((command) => command.missing_ok === true))) return sql;
  return checked(sql, insertInAlter(sql));
}

interface Token {
  /** In bytes. */
  start: number;
  end: number;
  text: string;
}

function tokensOf(sql: string): Token[] {
  return scanSync(sql)
    .tokens.filter(({ tokenName }) => !/COMMENT/.test(tokenName))
    .map(({ start, end, text }) => ({ start, end, text: text.toLowerCase() }));
}

function insertAfterKinds(sql: string): string {
  const tokens = tokensOf(sql);
  const name = tokens.findIndex(({ text }, index) => index > 0 && !KINDS.has(text));
  return withInserted(sql, [tokens[name]?.start]);
}

function insertInAlter(sql: string): string {
  const tokens = tokensOf(sql);
  const at: (number | undefined)[] = [];
  if (tokens[2]?.text !== "if") at.push(tokens[2]?.start);
  let depth = 0;
  for (const [index, { text }] of tokens.entries()) {
    if (text === "(") depth++;
    if (text === ")") depth--;
    if (depth > 0 || text !== "drop") continue;
    const kind = ["column", "constraint"].includes(tokens[index + 1]?.text ?? "") ? 1 : 0;
    const next = tokens[index + 1 + kind];
    if (next?.text !== "if") at.push(next?.start);
  }
  return withInserted(sql, at);
}

function withInserted(sql: string, places: readonly (number | undefined)[]): string {
  const bytes = Buffer.from(sql, "utf8");
  let done = 0;
  let text = "";
  for (const place of places) {
    if (place === undefined) return sql;
    text += `${bytes.subarray(done, place).toString("utf8")}IF EXISTS `;
    done = place;
  }
  return text + bytes.subarray(done).toString("utf8");
}

/** What PostgreSQL would not take is left as it was. */
function checked(sql: string, changed: string): string {
  try {
    parseSync(changed);
    return changed;
  } catch {
    return sql;
  }
}
