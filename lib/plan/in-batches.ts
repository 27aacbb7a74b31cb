import { scanSync } from "libpg-query";
import type { Batches } from "../../lambdas/shared/plan.ts";
import { fieldsOf, nameOf, nodesWithin, type ParsedStatement, type RangeVar } from "./statements.ts";

interface Changing {
  relation?: RangeVar;
  targetList?: unknown;
  whereClause?: unknown;
  returningList?: unknown;
  returningClause?: unknown;
}

/** The statement of a step in batches, split where the range of keys goes; or why it cannot run in batches. */
export function inBatches({ node, sql }: ParsedStatement): Batches | { refused: string } {
  // The database refuses what Postgres's parser cannot parse.
  if (!node) return { table: { name: "" }, alias: "", sets: [], head: sql };
  const update = fieldsOf<Changing>(node, "UpdateStmt");
  const changing = update ?? fieldsOf<Changing>(node, "DeleteStmt");
  if (!changing?.relation) return { refused: "only one UPDATE or DELETE can run in batches" };
  if (changing.returningList ?? changing.returningClause)
    return { refused: "the rows that RETURNING gives would be dropped. Remove RETURNING" };
  for (const _ of nodesWithin(changing.whereClause, "CurrentOfExpr"))
    return { refused: "WHERE CURRENT OF needs a cursor, and a step has none" };
  const sets: string[] = [];
  if (update)
    for (const target of changing.targetList as { ResTarget?: { name?: string } }[])
      if (target.ResTarget?.name !== undefined) sets.push(target.ResTarget.name);
  const { relation } = changing;
  return {
    table: nameOf(relation),
    ...(relation.inh ? {} : { only: true }),
    alias: relation.alias?.aliasname ?? relation.relname,
    sets,
    ...cutAtWhere(sql),
  };
}

/** A WHERE in parentheses belongs to a subquery; the statement's own is outside of them. */
function cutAtWhere(sql: string): { head: string; condition?: string } {
  const bytes = Buffer.from(sql, "utf8");
  let depth = 0;
  for (const { text, end, keywordName } of scanSync(sql).tokens) {
    if (text === "(") depth++;
    else if (text === ")") depth--;
    else if (depth === 0 && keywordName === "RESERVED_KEYWORD" && text.toUpperCase() === "WHERE")
      return {
        head: bytes.subarray(0, end).toString("utf8"),
        condition: bytes.subarray(end).toString("utf8"),
      };
  }
  return { head: sql };
}
