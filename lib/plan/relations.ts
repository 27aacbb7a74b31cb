import type { ObjectName } from "../../lambdas/shared/plan.ts";
import {
  fieldsOf,
  lastWord,
  type Node,
  nodesWithin,
  type ParsedStatement,
  relationIn,
  textsOf,
  type Words,
} from "./statements.ts";

/** Statements whose text does not tell what they touch. */
const OPAQUE = ["DoStmt", "CallStmt", "ExecuteStmt"];

/** The relations that statements name, each once; undefined where they may touch others. */
export function relationsOf(statements: readonly ParsedStatement[]): ObjectName[] | undefined {
  const found = new Map<string, ObjectName>();
  for (const { node } of statements) {
    if (!node || OPAQUE.some((type) => type in node)) return undefined;
    // A query is run for what its functions do.
    if (!nodesWithin(fieldsOf(node, "SelectStmt"), "FuncCall").next().done) return undefined;
    if (givesLocksBack(node)) return undefined;
    const note = (relation: ObjectName) => found.set(`${relation.schema ?? ""}\0${relation.name}`, relation);
    named(node, note);
  }
  return [...found.values()];
}

/** Also where a statement is run for something else: the lock of the run's steps would be gone without a word. */
function givesLocksBack(node: Node): boolean {
  for (const { funcname } of nodesWithin(node, "FuncCall"))
    if (lastWord(funcname as Words).startsWith("pg_advisory_unlock")) return true;
  return false;
}

/** In the order of the text, and without recursion: a long chain of operators is as deep as it is long. */
function named(root: unknown, note: (relation: ObjectName) => void): void {
  const parts: unknown[] = [root];
  while (parts.length > 0) {
    const next = parts.pop();
    if (typeof next !== "object" || next === null) continue;
    if (!Array.isArray(next)) {
      const { relname, schemaname, objects } = next as Record<string, unknown>;
      if (typeof relname === "string")
        note(typeof schemaname === "string" ? { schema: schemaname, name: relname } : { name: relname });
      // DROP names what it drops as lists of words.
      if (Array.isArray(objects))
        for (const object of objects) for (const relation of dropped(object)) note(relation);
    }
    const values = Object.values(next);
    for (let at = values.length - 1; at >= 0; at--)
      if (typeof values[at] === "object") parts.push(values[at]);
  }
}

function dropped({ List: list }: { List?: { items?: Words } }): ObjectName[] {
  return [relationIn(textsOf(list?.items)) ?? []].flat();
}
