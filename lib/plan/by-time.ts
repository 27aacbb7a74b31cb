import { fieldsOf, lastWord, nodesWithin, type ParsedStatement, type Words } from "./statements.ts";

const FUNCTIONS: readonly string[] = [
  "now",
  "clock_timestamp",
  "statement_timestamp",
  "transaction_timestamp",
  "timeofday",
  "age",
  "random",
  "gen_random_uuid",
];

const IN_TEXT =
  /\b(?:now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday|age|random|gen_random_uuid)\s*\(|\b(?:current_(?:date|time|timestamp)|localtime|localtimestamp)\b|'(?:now|today|yesterday|tomorrow)'/i;

/** Without one of these words nothing below applies: so most statements need no look at their trees. */
const MAY_SPEAK =
  /now|timestamp|timeofday|age|random|uuid|current_|localtime|today|yesterday|tomorrow|tablesample|u&/i;

/** Parts of a syntax tree that pick rows. */
const PICKING: readonly string[] = ["whereClause", "quals", "havingClause", "limitCount", "sortClause"];

/**
 * Whether a statement picks its rows by the time or by chance: then an hour later it may touch other rows of the same
 * contents. The body of a DO is only text here, so a DO counts wherever it names the time.
 */
export function picksByTime({ node, sql }: ParsedStatement): boolean {
  if (!node || fieldsOf(node, "DoStmt")) return IN_TEXT.test(sql);
  if (!MAY_SPEAK.test(sql)) return false;
  for (const _ of nodesWithin(node, "RangeTableSample")) return true;
  return PICKING.some((key) => [...nodesWithin(node, key)].some(speaksOfTime));
}

function speaksOfTime(part: unknown): boolean {
  for (const { funcname } of nodesWithin(part, "FuncCall"))
    if (FUNCTIONS.includes(lastWord(funcname as Words))) return true;
  for (const { op } of nodesWithin(part, "SQLValueFunction"))
    if (/_(?:CURRENT_(?:DATE|TIME)|LOCALTIME)/.test(String(op))) return true;
  for (const { sval } of nodesWithin(part, "A_Const") as Generator<{ sval?: { sval?: string } }>)
    if (/^(?:now|today|yesterday|tomorrow)$/i.test(sval?.sval ?? "")) return true;
  return false;
}
