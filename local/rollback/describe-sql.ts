// Parts of the queries that describe a catalog as the statements that make it.

/** How a part of an object is set; see Part in catalog.ts. */
interface PartSql {
  /** Begins with two digits, which give the order in which parts are set. */
  key: string;
  /** SQL expression for the statement that sets it; NULL if the object has no such part. */
  set: string;
  unset?: string;
  /** SQL condition: whether a new object has it so. */
  plain?: string;
  replace?: true;
  /** SQL expression for its definition, if the statement has more than that. */
  is?: string;
}

const COLUMNS = 'key, set, unset, plain, replace, "is"';
const FIELDS = "'set', set, 'unset', unset, 'plain', plain, 'replace', replace, 'is', \"is\"";

/** SQL expression: parts with fixed keys, as one jsonb object. */
export function parts(...given: readonly (PartSql | string)[]): string {
  const fixed = given.filter((one) => typeof one !== "string");
  const lists = given.filter((one) => typeof one === "string");
  const rows = fixed.map(
    ({ key, set, unset = "NULL", plain = "NULL", replace, is = "NULL" }) =>
      `('${key}', (${set})::text, (${unset})::text, (${plain})::bool, ${replace ?? "NULL"}::bool, (${is})::text)`,
  );
  const queries = [
    ...(rows.length > 0 ? [`SELECT * FROM (VALUES ${rows.join(",\n")}) fixed (${COLUMNS})`] : []),
    ...lists,
  ];
  if (queries.length === 0) return "'{}'::jsonb";
  return `coalesce((SELECT jsonb_object_agg(key, jsonb_strip_nulls(jsonb_build_object(${FIELDS})))
    FROM (${queries.join(" UNION ALL ")}) part (${COLUMNS}) WHERE set IS NOT NULL), '{}')`;
}

/** Rows of a list of parts, from the FROM clause that follows. Their keys are made by SQL. */
export const listed = (
  key: string,
  set: string,
  unset: string,
  from: string,
  { plain = "NULL", replace = "NULL" } = {},
): string =>
  `SELECT ${key}, (${set})::text, (${unset})::text, (${plain})::bool, (${replace})::bool, NULL::text FROM ${from}`;

/** SQL expression: a DO that runs a statement (an expression) only if a condition (an expression, as SQL text) holds. */
export const doWhere = (condition: string, statement: string): string =>
  `format(E'DO $undo$\\nBEGIN\\n  IF %s THEN\\n    %s;\\n  END IF;\\nEND;\\n$undo$', ${condition}, ${statement})`;

/** SQL expression: a DO that ignores what exists already. */
export const unlessThere = (statement: string): string =>
  `format(E'DO $undo$\\nBEGIN\\n  %s;\\nEXCEPTION WHEN duplicate_object OR duplicate_table OR duplicate_column OR duplicate_function OR duplicate_schema THEN NULL;\\nEND;\\n$undo$', ${statement})`;

/** SQL expression: a DO that ignores what no longer exists. */
export const whereThere = (statement: string): string =>
  `format(E'DO $undo$\\nBEGIN\\n  %s;\\nEXCEPTION WHEN undefined_table OR undefined_column OR undefined_object OR undefined_function OR invalid_schema_name THEN NULL;\\nEND;\\n$undo$', ${statement})`;

/** SQL expression: one option of `name=value`, as SET and WITH take it. */
export const OPTION = `format('%I = %L', split_part(o, '=', 1), substr(o, strpos(o, '=') + 1))`;
export const OPTION_NAME = `split_part(o, '=', 1)`;

/** SQL expression: options of foreign objects, in the form of CREATE; NULL if there are none. */
export const FOREIGN_OPTIONS = (options: string): string =>
  `(SELECT ' OPTIONS (' || string_agg(format('%I %L', ${OPTION_NAME}, substr(o, strpos(o, '=') + 1)), ', ') || ')' FROM unnest(${options}) o)`;

/** Options of a foreign object, as parts. @param alter SQL expression for `ALTER SERVER x` */
export const foreignOptions = (alter: string, options: string): string =>
  listed(
    `'30 option ' || ${OPTION_NAME}`,
    unlessThere(`format('%s OPTIONS (ADD %I %L)', ${alter}, ${OPTION_NAME}, substr(o, strpos(o, '=') + 1))`),
    whereThere(`format('%s OPTIONS (DROP %I)', ${alter}, ${OPTION_NAME})`),
    `unnest(${options}) o`,
    { plain: "true", replace: "true" },
  );

const GRANTEE = "CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END";

/** SQL expression: the key of a right, which is a row of aclexplode(). */
export const RIGHT = `'52 ' || privilege_type || ' to ' || ${GRANTEE} || CASE WHEN is_grantable THEN ' with grant option' ELSE '' END`;

/**
 * The statements that grant and revoke a right, as SQL expressions.
 * @param on SQL expression for what follows ON
 * @param lead SQL expression for what precedes GRANT or REVOKE
 */
export const granted = (
  on: string,
  { privilege = "privilege_type", lead = "NULL" } = {},
): { give: string; take: string } => ({
  give: `format('%sGRANT %s ON %s TO %s%s', ${lead}, ${privilege}, ${on}, ${GRANTEE}, CASE WHEN is_grantable THEN ' WITH GRANT OPTION' END)`,
  take: `format('%sREVOKE %s ON %s FROM %s', ${lead}, ${privilege}, ${on}, ${GRANTEE})`,
});

/** Of an object `o`, or of its column `o.acl_column`. */
export const OBJECT_RIGHT = granted("o.acl_on", {
  privilege: "privilege_type || coalesce(' (' || o.acl_column || ')', '')",
});

/**
 * One kind of objects, by the columns of every description. Absent columns are NULL.
 */
export interface Branch {
  kind: string;
  classid: string;
  objid: string;
  subid?: string;
  /** The object that it is a part of and is dropped with: (class, oid, column). */
  parent?: [classid: string, objid: string, subid: string];
  create?: string;
  drop?: string;
  rebuild?: string;
  parts?: string;
  owner?: string;
  /** The kind in the form of acldefault(). */
  aclKind?: string;
  acl?: string;
  /** The object as GRANT ... ON names it. */
  aclOn?: string;
  /** For a column: its name for GRANT. */
  aclColumn?: string;
  /** Its name without its schema's and its parent's; NULL if it cannot be renamed. */
  own?: string;
  from: string;
}

export function branch(b: Branch): string {
  const [parentClass = "NULL", parentObject = "NULL", parentColumn = "NULL"] = b.parent ?? [];
  return `SELECT (${b.kind})::text, ${b.classid}::regclass::oid, (${b.objid})::oid, (${b.subid ?? "0"})::int,
    (${parentClass})::regclass::oid, (${parentObject})::oid, (${parentColumn})::int,
    (${b.create ?? "NULL"})::text, (${b.drop ?? "NULL"})::text, (${b.rebuild ?? "NULL"})::text, (${b.parts ?? "'{}'"})::jsonb,
    (${b.owner ?? "NULL"})::oid, (${b.aclKind ?? "NULL"})::"char", (${b.acl ?? "NULL"})::aclitem[],
    (${b.aclOn ?? "NULL"})::text, (${b.aclColumn ?? "NULL"})::text, (${b.own ?? "NULL"})::text
  FROM ${b.from}`;
}
