import { fieldsOf, lastWord, nodesWithin, type ParsedStatement, type Words } from "./statements.ts";

const WHY =
  "a check that runs `as` a role must stay that role, or it proves nothing about the role. Put what another role does into its own check";

/** In the body of a DO, which may build a query at run time. */
const IN_A_BODY =
  /\b(?:SET\s+(?:LOCAL\s+|SESSION\s+)?|RESET\s+)(?:ROLE|SESSION_?\s*AUTHORIZATION)\b|\bset_config\s*\(\s*'+(?:role|session_authorization)'/i;

/** Why the statement cannot be in a check that runs as a role: it would switch to another role. */
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
