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

/** Statements whose text does not show what they touch. */
const OPAQUE = ["DoStmt", "CallStmt", "ExecuteStmt"];

/** The relations that statements name, each once; undefined if they may touch others. */
export function relationsOf(statements: readonly ParsedStatement[]): ObjectName[] | undefined {
  const found = new Map<string, ObjectName>();
  for (const { node } of statements) {
    if (!node || OPAQUE.some((type) => type in node)) return undefined;
    // Such a query is run for the effects of its functions.
    if (!nodesWithin(fieldsOf(node, "SelectStmt"), "FuncCall").next().done) return undefined;
    if (givesLocksBack(node)) return undefined;
    const note = (relation: ObjectName) => found.set(`${relation.schema ?? ""}\0${relation.name}`, relation);
    named(node, note);
  }
  return [...found.values()];
}

/** A statement that releases the locks of the run's steps, even if only as a side effect. */
function givesLocksBack(node: Node): boolean {
  for (const { funcname } of nodesWithin(node, "FuncCall"))
    if (lastWord(funcname as Words).startsWith("pg_advisory_unlock")) return true;
  return false;
}

/** Visits the tree in text order, without recursion: a chain of operators is as deep as it is long. */
function named(root: unknown, note: (relation: ObjectName) => void): void {
  const parts: unknown[] = [root];
  while (parts.length > 0) {
    const next = parts.pop();
    if (typeof next !== "object" || next === null) continue;
    if (!Array.isArray(next)) {
      const { relname, schemaname, objects } = next as Record<string, unknown>;
      if (typeof relname === "string")
        note(typeof schemaname === "string" ? { schema: schemaname, name: relname } : { name: relname });
      // DROP has the names as lists of words.
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
