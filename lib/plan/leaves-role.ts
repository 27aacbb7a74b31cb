import { fieldsOf, lastWord, nodesWithin, type ParsedStatement, type Words } from "./statements.ts";

const WHY =
  "a check that runs `as` a role proves something about that role only as long as it stays that role. Put what another role must do into a check of its own";

/** In the body of a DO, where a query may be put together at run time. */
const IN_A_BODY =
  /\b(?:SET\s+(?:LOCAL\s+|SESSION\s+)?|RESET\s+)(?:ROLE|SESSION_?\s*AUTHORIZATION)\b|\bset_config\s*\(\s*'+(?:role|session_authorization)'/i;

/** Why the statement cannot stand in a check that runs as a role: it would take on another one. */
export function leavesRole({ node }: ParsedStatement): string | undefined {
  const set = fieldsOf<{ name?: string }>(node, "VariableSetStmt");
  if (set?.name === "role" || set?.name === "session_authorization") return WHY;
  for (const { funcname, args } of nodesWithin(node, "FuncCall")) {
    if (lastWord(funcname as Words) !== "set_config") continue;
    for (const { sval } of nodesWithin((args as unknown[])[0], "A_Const"))
      if (/^(role|session_authorization)$/i.test((sval as { sval?: string } | undefined)?.sval ?? ""))
        return WHY;
  }
  for (const { sval } of nodesWithin(fieldsOf(node, "DoStmt"), "String"))
    if (IN_A_BODY.test(String(sval))) return WHY;
  return undefined;
}
