import type { NeededRight, ObjectName, Right } from "../../lambdas/shared/plan.ts";
import {
  fieldsOf,
  type Node,
  nameOf,
  nodesWithin,
  type ParsedStatement,
  type RangeVar,
  relationIn,
  textsOf,
  type Words,
} from "./statements.ts";

// The rights that a statement needs on relations that existed before. Reading is left out, as the run reads every table
// anyway. So are names in a routine's text, which runs later, if at all, and perhaps as another role.

type Need = readonly [right: Right, relation: ObjectName | undefined];

/**
 * The rights that statements need, each with the line that needs it.
 * @param settings SET statements in effect when they begin
 */
export function rightsOf(
  statements: readonly ParsedStatement[],
  settings: readonly ParsedStatement[],
): NeededRight[] {
  const set = [...settings, ...statements].flatMap(settingIn);
  // Under another role, that role needs the rights.
  if (set.some((name) => name === "role" || name === "session_authorization")) return [];
  const elsewhere = set.includes("search_path");
  return statements.flatMap(({ node, line }) =>
    (node ? needsOf(node) : []).flatMap(([right, relation]) =>
      relation === undefined || (elsewhere && relation.schema === undefined)
        ? []
        : [{ right, relation, line }],
    ),
  );
}

/** Extensions that statements make. */
export function extensionsMade({ node }: ParsedStatement): string[] {
  const made = fieldsOf<{ extname?: string }>(node, "CreateExtensionStmt");
  return made?.extname === undefined ? [] : [made.extname];
}

function settingIn({ node }: ParsedStatement): string[] {
  const name = fieldsOf<{ name?: string }>(node, "VariableSetStmt")?.name;
  return name === undefined ? [] : [name];
}

function needsOf(node: Node): Need[] {
  const [type = ""] = Object.keys(node);
  const fields = node[type] as Fields;
  return [...(OF_TYPE[type]?.(fields, node) ?? []), ...(MAY_REFER.has(type) ? references(node) : [])];
}

interface Fields {
  relation?: RangeVar;
  table?: RangeVar;
  relations?: { RangeVar?: RangeVar }[];
  inhRelations?: { RangeVar?: RangeVar }[];
  cmds?: { AlterTableCmd?: { subtype?: string; def?: Node } }[];
  objects?: unknown[];
  object?: unknown;
  sequence?: RangeVar;
  removeType?: string;
  objtype?: string;
  is_from?: boolean;
}

const owned = (relation: RangeVar | undefined): Need[] => [["OWNER", named(relation)]];
const named = (relation: RangeVar | undefined) => relation && nameOf(relation);
const all = (right: Right, relations: Fields["relations"]): Need[] =>
  (relations ?? []).map(({ RangeVar: relation }) => [right, named(relation)]);

const OF_TYPE: Readonly<Record<string, (fields: Fields, node: Node) => Need[]>> = {
  AlterTableStmt: ({ relation, cmds = [] }) => [
    ...owned(relation),
    ...cmds.flatMap(({ AlterTableCmd: cmd }) => owned(partnerOf(cmd?.subtype, cmd?.def))),
  ],
  RenameStmt: ({ relation }) => owned(relation),
  AlterObjectSchemaStmt: ({ relation }) => owned(relation),
  IndexStmt: ({ relation }) => owned(relation),
  RuleStmt: ({ relation }) => owned(relation),
  CreatePolicyStmt: ({ table }) => owned(table),
  AlterPolicyStmt: ({ table }) => owned(table),
  AlterSeqStmt: ({ sequence }) => owned(sequence),
  CreateStatsStmt: ({ relations }) => all("OWNER", relations),
  CreateStmt: ({ inhRelations }) => all("OWNER", inhRelations),
  CreateTrigStmt: ({ relation }) => [["TRIGGER", named(relation)]],
  TruncateStmt: ({ relations }) => all("TRUNCATE", relations),
  ReindexStmt: ({ relation }) => [["MAINTAIN", named(relation)]],
  ClusterStmt: ({ relation }) => [["MAINTAIN", named(relation)]],
  RefreshMatViewStmt: ({ relation }) => [["MAINTAIN", named(relation)]],
  DropStmt: ({ removeType = "", objects = [] }) =>
    objects.flatMap((object): Need[] => {
      const words = wordsOf(object);
      if (RELATIONS.has(removeType)) return [["DROP", relationIn(words)]];
      return OF_TABLES.has(removeType) ? [["OWNER", relationIn(words.slice(0, -1))]] : [];
    }),
  CommentStmt: ({ objtype = "", object }) => {
    const words = wordsOf(object);
    if (RELATIONS.has(objtype)) return [["OWNER", relationIn(words)]];
    return OF_TABLES.has(objtype) ? [["OWNER", relationIn(words.slice(0, -1))]] : [];
  },
  CopyStmt: ({ relation, is_from }) => (is_from ? [["INSERT", named(relation)]] : []),
  ...Object.fromEntries(
    // Statements within WITH count too.
    ["InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "SelectStmt", "CreateTableAsStmt"].map((type) => [
      type,
      (_: Fields, node: Node) => changes(node),
    ]),
  ),
};

const RELATIONS: ReadonlySet<string> = new Set(
  ["TABLE", "INDEX", "VIEW", "MATVIEW", "SEQUENCE", "FOREIGN_TABLE"].map((name) => `OBJECT_${name}`),
);

/** Their names begin with their table's name. */
const OF_TABLES: ReadonlySet<string> = new Set(
  ["COLUMN", "TABCONSTRAINT", "TRIGGER", "POLICY", "RULE"].map((name) => `OBJECT_${name}`),
);

/** The other table of an ALTER TABLE. NO INHERIT does not check the parent's owner. */
function partnerOf(subtype: string | undefined, def: Node | undefined): RangeVar | undefined {
  if (subtype === "AT_AttachPartition" || subtype === "AT_DetachPartition")
    return fieldsOf<{ name?: RangeVar }>(def, "PartitionCmd")?.name;
  return subtype === "AT_AddInherit" ? fieldsOf<RangeVar>(def, "RangeVar") : undefined;
}

interface Change {
  relation?: RangeVar;
  onConflictClause?: { action?: string };
  mergeWhenClauses?: { MergeWhenClause?: { commandType?: string } }[];
}

function changes(node: Node): Need[] {
  const of = (type: string) => [...nodesWithin(node, type)] as Change[];
  return [
    ...of("InsertStmt").flatMap(({ relation, onConflictClause }): Need[] => [
      ["INSERT", named(relation)],
      ...(onConflictClause?.action === "ONCONFLICT_UPDATE" ? ([["UPDATE", named(relation)]] as const) : []),
    ]),
    ...of("UpdateStmt").map(({ relation }): Need => ["UPDATE", named(relation)]),
    ...of("DeleteStmt").map(({ relation }): Need => ["DELETE", named(relation)]),
    ...of("MergeStmt").flatMap(({ relation, mergeWhenClauses = [] }) =>
      mergeWhenClauses.flatMap(({ MergeWhenClause: clause }): Need[] => {
        const right = MERGES[clause?.commandType ?? ""];
        return right ? [[right, named(relation)]] : [];
      }),
    ),
  ];
}

const MERGES: Readonly<Record<string, Right>> = {
  CMD_INSERT: "INSERT",
  CMD_UPDATE: "UPDATE",
  CMD_DELETE: "DELETE",
};

const MAY_REFER: ReadonlySet<string> = new Set(["CreateStmt", "AlterTableStmt"]);

function references(node: Node): Need[] {
  return [...nodesWithin(node, "Constraint")].map(
    (constraint): Need => ["REFERENCES", named((constraint as { pktable?: RangeVar }).pktable)],
  );
}

function wordsOf(object: unknown): string[] {
  return textsOf((object as { List?: { items?: Words } }).List?.items);
}
