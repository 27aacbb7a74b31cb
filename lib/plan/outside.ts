import { REACHING_CALLS, REACHING_TEXT } from "../../lambdas/shared/outside.ts";
import {
  fieldsOf,
  lastWord,
  type Node,
  nodesWithin,
  type ParsedStatement,
  stringsIn,
  textsOf,
  type Words,
} from "./statements.ts";

// Statements that reach out of the database. A rehearsal runs them in the real environment too, and no rollback undoes
// their effects there. A connection in the SQL itself cannot be disarmed on a copy, as a user mapping can.

const MEANT =
  'A rehearsal does this in the real environment too, several times, and no rollback undoes it. If that is meant: -- sluice: step "name" outside: allowed';

/** Names of routines that a file has made so far, and that reach outside when they are called. */
export type Reaching = ReadonlySet<string>;

/** Why the statement needs a step marked `outside: allowed`; undefined if it does not. */
export function reachesOutside(statement: ParsedStatement, routines: Reaching): string | undefined {
  const what = reach(statement, routines);
  return what === undefined ? undefined : `${what}. ${MEANT}`;
}

/** The part of the statement that reaches out of the database, such as `dblink() reaches another database or host`. */
export function reach({ node }: ParsedStatement, routines: Reaching): string | undefined {
  if (!node) return undefined;
  return (
    copies(node) ??
    connects(node) ??
    saysSo(node) ??
    (definesOnly(node) ? undefined : calls(node, routines)) ??
    triggers(node, routines)
  );
}

/** Names of routines that a statement makes, and that reach outside when they are called. */
export function reachingMade({ node }: ParsedStatement, routines: Reaching): string[] {
  const made = fieldsOf<{
    funcname?: Words;
    options?: unknown;
    sql_body?: unknown;
  }>(node, "CreateFunctionStmt");
  if (!made) return [];
  const inBody = calls({ body: made.sql_body }, routines) !== undefined;
  return inBody || stringsIn(made.options).some((text) => inText(text, routines) !== undefined)
    ? [lastWord(made.funcname)]
    : [];
}

const CALL = new RegExp(`^(${REACHING_CALLS.join("|")})$`);
const TEXT = new RegExp(REACHING_TEXT, "i");

function copies(node: Node): string | undefined {
  const copy = fieldsOf<{ filename?: string; is_program?: boolean; is_from?: boolean }>(node, "CopyStmt");
  if (copy?.is_program) return "COPY with PROGRAM runs a program on the server";
  if (copy?.filename !== undefined && !copy.is_from) return "COPY TO writes a file on the server";
  return undefined;
}

const CONNECTING: Readonly<Record<string, string>> = {
  CreateUserMappingStmt: "CREATE USER MAPPING opens a way to a foreign server, on copies too",
  AlterUserMappingStmt: "ALTER USER MAPPING opens a way to a foreign server, on copies too",
  ImportForeignSchemaStmt: "IMPORT FOREIGN SCHEMA queries the foreign server",
};

function connects(node: Node): string | undefined {
  const [type = ""] = Object.keys(node);
  return CONNECTING[type];
}

/** The body of a DO is only text. */
function saysSo(node: Node): string | undefined {
  const block = fieldsOf<{ args?: unknown }>(node, "DoStmt");
  if (!block) return undefined;
  for (const { defname, arg } of nodesWithin(block.args, "DefElem")) {
    const text = (arg as { String?: { sval?: string } } | undefined)?.String?.sval ?? "";
    if (defname === "language" && /u$|^plsh$/.test(text))
      return `a DO in ${text} may reach whatever the server can reach`;
  }
  return undefined;
}

/** Statements that only define what may run later. */
function definesOnly(node: Node): boolean {
  return ["CreateFunctionStmt", "CommentStmt", "GrantStmt", "RenameStmt", "AlterOwnerStmt", "DropStmt"].some(
    (type) => type in node,
  );
}

function calls(node: Node, routines: Reaching): string | undefined {
  for (const { funcname } of nodesWithin(node, "FuncCall")) {
    const [last = "", schema] = textsOf(funcname as Words).reverse();
    const full = schema === undefined ? last : `${schema}.${last}`;
    if (CALL.test(full) || CALL.test(last)) return `${full}() reaches out of the database`;
    if (routines.has(last)) return `${full}() reaches out of the database, as this plan makes it`;
  }
  if ("DoStmt" in node)
    for (const text of stringsIn((node.DoStmt as Node).args)) {
      const found = inText(text, routines);
      if (found !== undefined) return `its text has ${found}, which reaches out of the database`;
    }
  return undefined;
}

/** A trigger that reaches outside does so for every row that a rehearsal writes. */
function triggers(node: Node, routines: Reaching): string | undefined {
  for (const type of ["CreateTrigStmt", "CreateEventTrigStmt"]) {
    const made = fieldsOf<{ funcname?: Words; trigname?: string }>(node, type);
    if (made && routines.has(lastWord(made.funcname)))
      return `trigger ${made.trigname ?? ""} calls ${lastWord(made.funcname)}(), which reaches out of the database`;
  }
  return undefined;
}

function inText(text: string, routines: Reaching): string | undefined {
  const code = text.replace(/--[^\n]*|\/\*[\s\S]*?\*\//g, "");
  const found = TEXT.exec(code);
  if (found)
    return found[2]
      ?.replace(/\s*\($/, "")
      .replace(/\s+/g, " ")
      .slice(0, 60);
  return [...routines].find((name) =>
    new RegExp(`\\b${name.replace(/[^\w]/g, "\\$&")}\\s*\\(`, "i").test(code),
  );
}
