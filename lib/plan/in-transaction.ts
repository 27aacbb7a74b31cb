import { parsePlPgSQLSync } from "libpg-query";
import {
  fieldsOf,
  type Node,
  nodesWithin,
  type ParsedStatement,
  type RangeVar,
  stringsIn,
} from "./statements.ts";

// What cannot stand in a step that is a transaction, why, and what to write instead. In the words of a sentence that
// begins with the statement.

/** Statements that PostgreSQL refuses in a transaction, and where they can stand. */
const OUTSIDE_ONLY: readonly ((node: Node) => string | undefined)[] = [
  (node) => concurrently(node, "IndexStmt", "CREATE INDEX CONCURRENTLY"),
  (node) => concurrently(node, "DropStmt", "DROP INDEX CONCURRENTLY"),
  (node) => (fieldsOf(node, "ReindexStmt") && hasOption(node) ? "REINDEX CONCURRENTLY" : undefined),
  (node) =>
    fieldsOf<{ is_vacuumcmd?: boolean }>(node, "VacuumStmt")?.is_vacuumcmd === true ? "VACUUM" : undefined,
];

const OWN_SESSION = "would last for the session, and each step may run in one of its own";
const OTHER_DATABASE = "this is about another database, and a rollback would not find it again";
const SERVER = "this is about the whole server, which a migration of one database must not change";

/** Statements that no step or check may hold. */
const NOWHERE: Readonly<Record<string, string>> = {
  TransactionStmt:
    "a step is a transaction already and commits with its ledger row; a check is one that is rolled back. Take this out",
  CreatedbStmt: OTHER_DATABASE,
  DropdbStmt: OTHER_DATABASE,
  AlterSystemStmt: `${SERVER}. Use the instance's parameter group`,
  CreateTableSpaceStmt: SERVER,
  DropTableSpaceStmt: SERVER,
  CreateSubscriptionStmt:
    "this makes a slot on another server, which no rollback of a transaction takes back",
  PrepareStmt: `this ${OWN_SESSION}`,
  DiscardStmt: `this is about the session, and each step may run in one of its own`,
};

/** Why the statement cannot stand in a step or check; undefined where it can. */
export function refusedAnywhere({ node }: ParsedStatement): string | undefined {
  if (!node) return undefined;
  const [type] = Object.keys(node);
  return type === undefined ? undefined : NOWHERE[type];
}

/** What of the statement PostgreSQL refuses in a transaction, such as VACUUM; undefined where it can be in one. */
export function outsideOnly({ node }: Pick<ParsedStatement, "node">): string | undefined {
  return node && OUTSIDE_ONLY.map((rule) => rule(node)).find((found) => found !== undefined);
}

/**
 * Why the statement cannot stand in a step that is a transaction; undefined where it can. What is for outside of one only
 * has got a step of its own by then (transactions.ts).
 */
export function refusedInTransaction({ node, sql }: ParsedStatement): string | undefined {
  if (!node) return undefined;
  return (
    detachesConcurrently(node) ??
    usesClient(node) ??
    lastsForSession(node) ??
    returnsRows(node) ??
    commitsWithin(node, sql)
  );
}

/** Names of the tables that a statement makes, as statements write them. */
export function tablesMade({ node }: ParsedStatement): string[] {
  const made = [
    fieldsOf<{ relation?: RangeVar }>(node, "CreateStmt")?.relation,
    fieldsOf<{ into?: { rel?: RangeVar } }>(node, "CreateTableAsStmt")?.into?.rel,
  ];
  return made.flatMap((relation) => (relation ? [relation.relname] : []));
}

/** A query that could stand as another's subquery. */
export function isQuery({ node }: ParsedStatement): boolean {
  const select = fieldsOf<{ intoClause?: unknown; withClause?: unknown }>(node, "SelectStmt");
  if (!select || select.intoClause) return false;
  const changing = ["InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"];
  return changing.every((type) => nodesWithin(select.withClause, type).next().done);
}

/** Whether a statement may change rows, so far as its kind tells. */
export function mayChangeRows({ node }: ParsedStatement): boolean {
  const kinds = [
    "InsertStmt",
    "UpdateStmt",
    "DeleteStmt",
    "MergeStmt",
    "SelectStmt",
    "DoStmt",
    "CallStmt",
    "CopyStmt",
    "CreateTableAsStmt",
    "ExecuteStmt",
  ];
  return node === undefined || kinds.some((kind) => kind in node);
}

export function hasOption(node: Node, name = "concurrently"): boolean {
  for (const { defname } of nodesWithin(node, "DefElem")) if (defname === name) return true;
  return false;
}

function concurrently(node: Node, type: string, words: string): string | undefined {
  return fieldsOf<{ concurrent?: boolean }>(node, type)?.concurrent ? words : undefined;
}

function detachesConcurrently(node: Node): string | undefined {
  for (const { concurrent } of "AlterTableStmt" in node ? nodesWithin(node, "PartitionCmd") : [])
    if (concurrent)
      return "DETACH PARTITION CONCURRENTLY may be left half done. Without CONCURRENTLY it takes a lock for an instant, and gives way when it does not get it";
  return undefined;
}

function usesClient(node: Node): string | undefined {
  const copy = fieldsOf<{ filename?: string; is_program?: boolean }>(node, "CopyStmt");
  return copy && copy.filename === undefined
    ? "COPY from or to the client has no client here. Use INSERT, or COPY from where the server can read"
    : undefined;
}

function lastsForSession(node: Node): string | undefined {
  const set = fieldsOf<{ name?: string; is_local?: boolean; kind?: string }>(node, "VariableSetStmt");
  if (set?.name === "client_min_messages" && set.kind !== "VAR_RESET")
    return "a step has nobody to send messages to: one would break it off when its worker is gone. Take this SET out";
  if (set?.name === "session_authorization")
    return "a step runs as the migrating role. SET LOCAL ROLE can take on another";
  if (set?.name === "role" && set.kind === "VAR_SET_VALUE" && !set.is_local)
    return "the role would outlast the step. Write SET LOCAL ROLE in each step that needs it";
  const temporary =
    fieldsOf<{ relation?: RangeVar; oncommit?: string }>(node, "CreateStmt") ??
    toTable(fieldsOf<{ into?: { rel?: RangeVar; onCommit?: string } }>(node, "CreateTableAsStmt")?.into);
  if (temporary?.relation?.relpersistence === "t" && temporary.oncommit !== "ONCOMMIT_DROP")
    return `a temporary table ${OWN_SESSION}. Add ON COMMIT DROP, and use it in this step only`;
  return undefined;
}

function toTable(into: { rel?: RangeVar; onCommit?: string } | undefined): {
  relation?: RangeVar;
  oncommit?: string;
} {
  return {
    ...(into?.rel ? { relation: into.rel } : {}),
    ...(into?.onCommit ? { oncommit: into.onCommit } : {}),
  };
}

function returnsRows(node: Node): string | undefined {
  for (const type of ["InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"]) {
    const returning = fieldsOf<{ returningList?: unknown; returningClause?: unknown }>(node, type);
    if (returning?.returningList ?? returning?.returningClause)
      return "the rows that RETURNING gives go nowhere, and would break the step off when its worker is gone. Take RETURNING out";
  }
  return undefined;
}

function commitsWithin(node: Node, sql: string): string | undefined {
  const block = fieldsOf<{ args?: unknown }>(node, "DoStmt");
  // Most say neither, and parsing PL/pgSQL is a good part of the time that it takes to read a plan.
  if (!stringsIn(block?.args).some((text) => /commit|rollback/i.test(text))) return undefined;
  let parsed: unknown;
  try {
    parsed = parsePlPgSQLSync(sql);
  } catch {
    // Another language, or a mistake that the server tells better.
    return undefined;
  }
  for (const type of ["PLpgSQL_stmt_commit", "PLpgSQL_stmt_rollback"])
    for (const _ of nodesWithin(parsed, type))
      return 'COMMIT and ROLLBACK cannot be used in a DO within a transaction, which a step is. To work through many rows: -- sluice: step "name" in batches';
  return undefined;
}
