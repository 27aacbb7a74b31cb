import type { ObjectName } from "../../lambdas/shared/plan.ts";
import { fieldsOf, nodesWithin, type ParsedStatement } from "./statements.ts";

/** Statements whose text does not tell what they touch. */
const OPAQUE = ["DoStmt", "CallStmt", "ExecuteStmt"];

/** The relations that statements name, each once; undefined where they may touch others. */
export function relationsOf(statements: readonly ParsedStatement[]): ObjectName[] | undefined {
  const found = new Map<string, ObjectName>();
  for (const { node } of statements) {
    if (!node || OPAQUE.some((type) => type in node)) return undefined;
    // A query is run for what its functions do.
    if (!nodesWithin(fieldsOf(node, "SelectStmt"), "FuncCall").next().done) return undefined;
    for (const relation of named(node)) found.set(JSON.stringify(relation), relation);
  }
  return [...found.values()];
}

function* named(part: unknown): Generator<ObjectName> {
  if (Array.isArray(part)) for (const item of part) yield* named(item);
  else if (typeof part === "object" && part !== null) {
    const { relname, schemaname, objects } = part as Record<string, unknown>;
    if (typeof relname === "string")
      yield typeof schemaname === "string" ? { schema: schemaname, name: relname } : { name: relname };
    // DROP names what it drops as lists of words.
    if (Array.isArray(objects)) for (const object of objects) yield* dropped(object);
    for (const value of Object.values(part)) yield* named(value);
  }
}

function* dropped(object: { List?: { items?: { String?: { sval?: string } }[] } }): Generator<ObjectName> {
  const words = (object.List?.items ?? []).map((item) => item.String?.sval ?? "");
  const [schema, name] = words.length > 1 ? words.slice(-2) : [undefined, words[0]];
  if (name) yield schema === undefined ? { name } : { schema, name };
}
