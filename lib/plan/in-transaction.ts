import { parsePlPgSQLSync } from "libpg-query";
import {
  fieldsOf,
  type Node,
  nodesWithin,
  type ParsedStatement,
  type RangeVar,
  stringsIn,
} from "./statements.ts";

// What cannot be in a step that is a transaction, why, and what to write instead. Each text follows the statement in a
// sentence.

/** Statements that PostgreSQL refuses in a transaction, and where they may run. */
const OUTSIDE_ONLY: readonly ((node: Node) => string | undefined)[] = [
  (node) => concurrently(node, "IndexStmt", "CREATE INDEX CONCURRENTLY"),
  (node) => concurrently(node, "DropStmt", "DROP INDEX CONCURRENTLY"),
  (node) => (fieldsOf(node, "ReindexStmt") && hasOption(node) ? "REINDEX CONCURRENTLY" : undefined),
  (node) =>
    fieldsOf<{ is_vacuumcmd?: boolean }>(node, "VacuumStmt")?.is_vacuumcmd === true ? "VACUUM" : undefined,
];

const OWN_SESSION = "would last for the session, and each step may run in one of its own";
const OTHER_DATABASE = "this affects another database, where a rollback would not find it again";
const SERVER = "this affects the whole server, which a migration of one database must not change";

/** Statements that no step or check may have. */
const NOWHERE: Readonly<Record<string, string>> = {
  TransactionStmt:
    "a step is already a transaction, which commits with its ledger row; a check is a transaction that is rolled back. Remove this",
  CreatedbStmt: OTHER_DATABASE,
  DropdbStmt: OTHER_DATABASE,
  AlterSystemStmt: `${SERVER}. Use the instance's parameter group`,
  CreateTableSpaceStmt: SERVER,
  DropTableSpaceStmt: SERVER,
  CreateSubscriptionStmt: "this makes a slot on another server, which no rollback of a transaction removes",
  PrepareStmt: `this ${OWN_SESSION}`,
  DiscardStmt: `this affects the session, and each step may run in one of its own`,
};

/** Why no step or check may have the statement; undefined if it may. */
export function refusedAnywhere({ node }: ParsedStatement): string | undefined {
  if (!node) return undefined;
  const [type] = Object.keys(node);
  return type === undefined ? undefined : NOWHERE[type];
}

/** The part of the statement that PostgreSQL refuses in a transaction, such as VACUUM; undefined if there is none. */
export function outsideOnly({ node }: Pick<ParsedStatement, "node">): string | undefined {
  return node && OUTSIDE_ONLY.map((rule) => rule(node)).find((found) => found !== undefined);
}

/**
 * Why the statement cannot be in a step that is a transaction; undefined if it can. Statements for outside of a
 * transaction already have their own step here (transactions.ts).
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

/** Names of the tables that a statement makes, as SQL has them. */
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

/** Whether a statement may change rows, judged by its kind. */
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
      return "DETACH PARTITION CONCURRENTLY may be left half done. Without CONCURRENTLY it needs a lock only for an instant, and gives up if it does not get it";
  return undefined;
}

function usesClient(node: Node): string | undefined {
  const copy = fieldsOf<{ filename?: string; is_program?: boolean }>(node, "CopyStmt");
  return copy && copy.filename === undefined
    ? "COPY from or to the client has no client here. Use INSERT, or COPY from a place that the server can read"
    : undefined;
}

function lastsForSession(node: Node): string | undefined {
  const set = fieldsOf<{ name?: string; is_local?: boolean; kind?: string }>(node, "VariableSetStmt");
  if (set?.name === "client_min_messages" && set.kind !== "VAR_RESET")
    return "a step cannot send messages: once its worker is gone, a message would break it off. Remove this SET";
  if (set?.name === "session_authorization")
    return "a step runs as the migrating role. Use SET LOCAL ROLE for another";
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
      return "the rows that RETURNING gives would be dropped, and once the step's worker is gone, they would break it off. Remove RETURNING";
  }
  return undefined;
}

function commitsWithin(node: Node, sql: string): string | undefined {
  const block = fieldsOf<{ args?: unknown }>(node, "DoStmt");
  // Most texts have neither word, and parsing PL/pgSQL takes much of the time of reading a plan.
  if (!stringsIn(block?.args).some((text) => /commit|rollback/i.test(text))) return undefined;
  let parsed: unknown;
  try {
    parsed = parsePlPgSQLSync(sql);
  } catch {
    // Another language, or a mistake that the server reports better.
    return undefined;
  }
  for (const type of ["PLpgSQL_stmt_commit", "PLpgSQL_stmt_rollback"])
    for (const _ of nodesWithin(parsed, type))
      return 'COMMIT and ROLLBACK cannot be used in a DO within a transaction, which a step is. To work through many rows: -- sluice: step "name" in batches';
  return undefined;
}
