import type { IndexBuild, Leftover, OutsideStep } from "../../lambdas/shared/plan.ts";
import { hasOption } from "./in-transaction.ts";
import { fieldsOf, type Node, nameOf, type ParsedStatement, type RangeVar } from "./statements.ts";

/** What the engine needs to know about a statement outside a transaction; or why it cannot run there. */
export type Outside = Pick<OutsideStep, "concurrently" | "leaves" | "build"> | { refused: string };

/**
 * A worker that dies takes with it how the statement ended. So the statement must either leave a trace that shows how it
 * ended, or be safe to run twice.
 */
export function outsideTransaction({ node }: ParsedStatement): Outside {
  if (!node) return { concurrently: false };
  return (
    createIndex(node) ?? dropIndex(node) ?? reindex(node) ?? repeatable(node) ?? { refused: otherwise(node) }
  );
}

interface IndexStmt {
  concurrent?: boolean;
  idxname?: string;
  relation: RangeVar;
  accessMethod?: string;
  indexParams?: { IndexElem?: { name?: string } }[];
  options?: { DefElem?: { defname?: string; arg?: { Integer?: { ival?: number } } } }[];
  if_not_exists?: boolean;
}

/** The index that a statement builds, if any. */
export function indexBuild(node: Node | undefined, statement: number): IndexBuild | undefined {
  const index = fieldsOf<IndexStmt>(node, "IndexStmt");
  if (!index) return undefined;
  const column = index.indexParams?.[0]?.IndexElem?.name;
  const neighbours = index.options?.find(({ DefElem }) => DefElem?.defname === "m")?.DefElem?.arg?.Integer
    ?.ival;
  return {
    statement,
    table: nameOf(index.relation),
    method: index.accessMethod ?? "btree",
    ...(column === undefined ? {} : { column }),
    ...(neighbours === undefined ? {} : { neighbours }),
  };
}

function createIndex(node: Node): Outside | undefined {
  const index = fieldsOf<IndexStmt>(node, "IndexStmt");
  if (!index?.concurrent) return undefined;
  if (index.idxname === undefined)
    return { refused: "give the index a name: the name shows what became of it if a worker dies" };
  const leaves: Leftover = {
    of: "created index",
    name: index.idxname,
    beside: nameOf(index.relation),
    ifNotExists: index.if_not_exists ?? false,
  };
  return { concurrently: true, leaves, build: indexBuild(node, 0) };
}

function dropIndex(node: Node): Outside | undefined {
  const drop = fieldsOf<{ concurrent?: boolean; missing_ok?: boolean }>(node, "DropStmt");
  if (!drop?.concurrent) return undefined;
  return drop.missing_ok
    ? { concurrently: true }
    : { refused: "write DROP INDEX CONCURRENTLY IF EXISTS: it may run again after its worker died" };
}

function reindex(node: Node): Outside | undefined {
  const statement = fieldsOf<{ kind: string; relation?: RangeVar }>(node, "ReindexStmt");
  if (!statement || !hasOption(node)) return undefined;
  if (!statement.relation)
    return {
      refused: "name the index or the table: by the name the leftovers of a broken REINDEX are found",
    };
  const of = statement.kind === "REINDEX_OBJECT_INDEX" ? "index" : "table";
  return {
    concurrently: true,
    leaves: { of, name: statement.relation.relname, beside: nameOf(statement.relation), ifNotExists: false },
  };
}

function repeatable(node: Node): Outside | undefined {
  const vacuum = fieldsOf<{ is_vacuumcmd?: boolean }>(node, "VacuumStmt");
  if (vacuum) return { concurrently: !hasOption(node, "full") };
  return fieldsOf(node, "RefreshMatViewStmt") ? { concurrently: false } : undefined;
}

function otherwise(node: Node): string {
  return fieldsOf(node, "CallStmt")
    ? 'if its worker died, nothing would show how far a procedure came. To work through many rows: -- sluice: step "name" in batches'
    : "it can run in a transaction, and is done exactly once there. Remove `outside transaction` from the step";
}
