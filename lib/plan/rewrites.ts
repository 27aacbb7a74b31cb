import {
  fieldsOf,
  lastWord,
  type Node,
  nodesWithin,
  type ParsedStatement,
  type RangeVar,
  type Words,
} from "./statements.ts";

// Statements that rewrite a table while nobody can read it, as far as their text shows. Only the database has the
// rest, such as what a type was before; staging observes that (lambdas/migrate/transaction-step.ts).

/** What a file has made so far. */
export interface Made {
  /** New tables: nobody reads them yet, and they hold little. */
  tables: ReadonlySet<string>;
  /** Domains with a constraint. A new column of a domain is checked in each row of its table. */
  domains: ReadonlySet<string>;
}

const MEANT =
  'Where it is meant, as the table is small or the downtime long enough, say so: -- sluice: step "name" rewrites';

const hinder = (what: string, table: string) => `${what} rewrites ${table} while nobody can read it`;

/** Why the statement needs a step marked `rewrites`; undefined if it does not. */
export function rewritesTable({ node }: ParsedStatement, made: Made): string | undefined {
  if (!node) return undefined;
  const why = clusters(node, made) ?? vacuumsFull(node) ?? movesAll(node) ?? alters(node, made);
  return why && `${why}. ${MEANT}`;
}

/** Names of domains with a constraint that a statement makes. */
export function domainsMade({ node }: ParsedStatement): string[] {
  const domain = fieldsOf<{
    domainname?: Words;
    constraints?: { Constraint?: { contype?: string } }[];
  }>(node, "CreateDomainStmt");
  const holds = (domain?.constraints ?? []).some(({ Constraint: constraint }) =>
    ["CONSTR_CHECK", "CONSTR_NOTNULL"].includes(constraint?.contype ?? ""),
  );
  return holds ? [lastWord(domain?.domainname)] : [];
}

function clusters(node: Node, made: Made): string | undefined {
  const cluster = fieldsOf<{ relation?: RangeVar }>(node, "ClusterStmt");
  if (!cluster || (cluster.relation && made.tables.has(cluster.relation.relname))) return undefined;
  return hinder("CLUSTER", cluster.relation?.relname ?? "every clustered table");
}

function vacuumsFull(node: Node): string | undefined {
  const vacuum = fieldsOf<{ rels?: { VacuumRelation?: { relation?: RangeVar } }[]; options?: unknown }>(
    node,
    "VacuumStmt",
  );
  for (const { defname } of nodesWithin(vacuum?.options, "DefElem")) {
    if (defname !== "full") continue;
    const names = (vacuum?.rels ?? []).map((rel) => rel.VacuumRelation?.relation?.relname);
    return hinder("VACUUM FULL", names.length > 0 ? names.join(", ") : "every table");
  }
  return undefined;
}

function movesAll(node: Node): string | undefined {
  const moved = fieldsOf<{ objtype?: string }>(node, "AlterTableMoveAllStmt");
  return moved && moved.objtype !== "OBJECT_INDEX"
    ? hinder("SET TABLESPACE", "every table there")
    : undefined;
}

const WHOLE_TABLE: Readonly<Record<string, string>> = {
  AT_SetLogged: "SET LOGGED",
  AT_SetUnLogged: "SET UNLOGGED",
  AT_SetAccessMethod: "SET ACCESS METHOD",
  AT_SetTableSpace: "SET TABLESPACE",
};

function alters(node: Node, made: Made): string | undefined {
  const alter = fieldsOf<{ relation?: RangeVar; cmds?: unknown; objtype?: string }>(node, "AlterTableStmt");
  if (!alter?.relation || made.tables.has(alter.relation.relname)) return undefined;
  // Moving an index or a view does not rewrite a table.
  if (alter.objtype !== undefined && alter.objtype !== "OBJECT_TABLE") return undefined;
  const table = alter.relation.relname;
  for (const { subtype, def } of nodesWithin(alter.cmds, "AlterTableCmd")) {
    const whole = WHOLE_TABLE[String(subtype)];
    if (whole !== undefined) return hinder(whole, table);
    if (subtype !== "AT_AddColumn") continue;
    const column = (def as { ColumnDef?: AddedColumn } | undefined)?.ColumnDef;
    const why = column && differsByRow(column, made);
    if (why)
      return `${why}, so that ${hinder(`adding ${column.colname}`, table)}. Add the column without it and SET DEFAULT in this step, fill the existing rows in a step marked "in batches", then add and validate CHECK (${column.colname} IS NOT NULL)`;
  }
  return undefined;
}

/** Functions that return another value for each row: a default made of one is written into every row. */
const VOLATILE =
  /^(gen_random_uuid|uuidv[47]|uuid_generate_v\w+|random|random_normal|clock_timestamp|timeofday|nextval|txid_current|pg_current_xact_id|gen_salt|gen_random_bytes)$/;

interface AddedColumn {
  colname: string;
  typeName?: { names?: Words; arrayBounds?: unknown };
  constraints?: { Constraint: { contype: string; generated_kind?: string; raw_expr?: unknown } }[];
}

function differsByRow({ typeName, constraints }: AddedColumn, made: Made): string | undefined {
  const type = lastWord(typeName?.names);
  if (/^(big|small)?serial\d?$/.test(type)) return `${type} counts up from row to row`;
  if (made.domains.has(type) && !typeName?.arrayBounds)
    return `the constraint of domain ${type} is checked in each row`;
  for (const { Constraint: constraint } of constraints ?? []) {
    if (constraint.contype === "CONSTR_IDENTITY") return "an identity counts up from row to row";
    if (constraint.contype === "CONSTR_GENERATED" && constraint.generated_kind !== "v")
      return "a stored generated column is computed for each row";
    if (constraint.contype !== "CONSTR_DEFAULT") continue;
    for (const { funcname } of nodesWithin(constraint.raw_expr, "FuncCall")) {
      const name = lastWord(funcname as Words);
      if (VOLATILE.test(name)) return `${name}() gives every row a value of its own`;
    }
  }
  return undefined;
}

/** Tables that a statement empties: a new file for one is no rewrite. */
export function tablesEmptied({ node }: ParsedStatement): RangeVar[] {
  const truncate = fieldsOf<{ relations?: { RangeVar?: RangeVar }[] }>(node, "TruncateStmt");
  return (truncate?.relations ?? []).flatMap(({ RangeVar: relation }) => relation ?? []);
}
