import { GRANTS_OF, LINES, WHEN } from "./catalog-relations.ts";

const named = (label: string, expression: string) => `'${label}: ' || ${expression}`;
/** SQL expression: a regproc column as text with its argument types; NULL if it is not set. */
const routine = (label: string, column: string) => named(label, `nullif(${column}, 0)::regprocedure::text`);
const operator = (label: string, column: string) => named(label, `nullif(${column}, 0)::regoperator::text`);

/** Functions, procedures, aggregates, operators and their classes, casts. */
export const ROUTINES = [
  // The constructors of a range type depend on it internally: the type represents them.
  `SELECT CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END,
    'pg_proc'::regclass::oid, p.oid, 0, p.proowner, 'f'::"char", p.proacl,
    CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) ELSE ${LINES(
      named("arguments", "pg_get_function_arguments(p.oid)"),
      named("result", "pg_get_function_result(p.oid)"),
      named("kind", "g.aggkind::text"),
      named("direct arguments", "g.aggnumdirectargs"),
      routine("state function", "g.aggtransfn"),
      routine("final function", "g.aggfinalfn"),
      routine("combine function", "g.aggcombinefn"),
      routine("serialize function", "g.aggserialfn"),
      routine("deserialize function", "g.aggdeserialfn"),
      routine("moving state function", "g.aggmtransfn"),
      routine("moving inverse function", "g.aggminvtransfn"),
      routine("moving final function", "g.aggmfinalfn"),
      named(
        "final extra",
        "concat_ws(' ', g.aggfinalextra, g.aggmfinalextra, g.aggfinalmodify, g.aggmfinalmodify)",
      ),
      operator("sort operator", "g.aggsortop"),
      named("state type", "format_type(g.aggtranstype, NULL)"),
      named("moving state type", "format_type(nullif(g.aggmtranstype, 0), NULL)"),
      named("state space", "concat_ws(' ', g.aggtransspace, g.aggmtransspace)"),
      named("initial state", "g.agginitval"),
      named("moving initial state", "g.aggminitval"),
      named("parallel", "p.proparallel::text"),
    )} END
   FROM pg_proc p JOIN space ON space.oid = p.pronamespace LEFT JOIN pg_aggregate g ON g.aggfnoid = p.oid
   WHERE NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'i')`,

  `SELECT 'operator', 'pg_operator'::regclass::oid, o.oid, 0, o.oprowner, NULL::"char", NULL::aclitem[], ${LINES(
    named("result", "format_type(o.oprresult, NULL)"),
    routine("function", "o.oprcode"),
    operator("commutator", "o.oprcom"),
    operator("negator", "o.oprnegate"),
    routine("restriction estimator", "o.oprrest"),
    routine("join estimator", "o.oprjoin"),
    WHEN("o.oprcanhash", "'can hash'"),
    WHEN("o.oprcanmerge", "'can merge'"),
  )}
   FROM pg_operator o JOIN space ON space.oid = o.oprnamespace`,

  `SELECT 'operator family', 'pg_opfamily'::regclass::oid, f.oid, 0, f.opfowner, NULL::"char", NULL::aclitem[], ${LINES(
    `(SELECT string_agg(line, chr(10) ORDER BY line COLLATE "C") FROM (
        SELECT format('operator %s: %s %s', amopstrategy, amopopr::regoperator, amoppurpose) AS line
        FROM pg_amop WHERE amopfamily = f.oid) operators)`,
    `(SELECT string_agg(line, chr(10) ORDER BY line COLLATE "C") FROM (
        SELECT format('function %s (%s, %s): %s', amprocnum, format_type(amproclefttype, NULL),
                      format_type(amprocrighttype, NULL), amproc::regprocedure) AS line
        FROM pg_amproc WHERE amprocfamily = f.oid) functions)`,
  )}
   FROM pg_opfamily f JOIN space ON space.oid = f.opfnamespace`,

  `SELECT 'operator class', 'pg_opclass'::regclass::oid, k.oid, 0, k.opcowner, NULL::"char", NULL::aclitem[], ${LINES(
    named("family", "(pg_identify_object('pg_opfamily'::regclass, k.opcfamily, 0)).identity"),
    named("type", "format_type(k.opcintype, NULL)"),
    named("stored type", "format_type(nullif(k.opckeytype, 0), NULL)"),
    WHEN("k.opcdefault", "'default'"),
  )}
   FROM pg_opclass k JOIN space ON space.oid = k.opcnamespace`,

  // User-defined casts, like other objects outside schemas, have OIDs from this one on.
  `SELECT 'cast', 'pg_cast'::regclass::oid, c.oid, 0, NULL::oid, NULL::"char", NULL::aclitem[], ${LINES(
    routine("function", "c.castfunc"),
    named(
      "context",
      "CASE c.castcontext WHEN 'e' THEN 'explicit' WHEN 'a' THEN 'assignment' ELSE 'implicit' END",
    ),
    named(
      "method",
      "CASE c.castmethod WHEN 'f' THEN 'function' WHEN 'i' THEN 'input and output' ELSE 'binary' END",
    ),
  )}
   FROM pg_cast c WHERE c.oid >= 16384`,
];

const qualified = (catalog: string, prefix: string, oid: string) =>
  `(SELECT format('%I.%I', n.nspname, x.${prefix}name) FROM ${catalog} x
      JOIN pg_namespace n ON n.oid = x.${prefix}namespace WHERE x.oid = ${oid})`;

const COMES_WITH_ANOTHER = `(t.typtype = 'm' OR (c.oid IS NOT NULL AND c.relkind <> 'c')
     OR EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid))`;

/** Differs from the initial grants: an explicit ACL may still mean the same after a grant and its revocation. */
const GRANTED = `(t.typacl IS NOT NULL
  AND ${GRANTS_OF("t.typacl")} IS DISTINCT FROM ${GRANTS_OF("acldefault('T', t.typowner)")})`;

/** Enums, domains, composite, range and base types. A composite type's attributes are listed as columns. */
export const TYPES = [
  // A table's row type and a type's array type are made and dropped with it.
  `SELECT CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'c' THEN 'composite type'
      WHEN 'r' THEN 'range type' ELSE 'type' END,
    'pg_type'::regclass::oid, t.oid, 0, t.typowner, 'T'::"char", t.typacl, ${LINES(
      WHEN("NOT t.typisdefined", "'a shell, not defined yet'"),
      "(SELECT string_agg('label: ' || enumlabel, chr(10) ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid)",
      `(SELECT ${LINES(
        "'subtype: ' || format_type(r.rngsubtype, NULL)",
        "'collation: ' || nullif(r.rngcollation, 0)::regcollation::text",
        `'operator class: ' || ${qualified("pg_opclass", "opc", "r.rngsubopc")}`,
        "'canonical: ' || nullif(r.rngcanonical, 0)::regprocedure::text",
        "'difference: ' || nullif(r.rngsubdiff, 0)::regprocedure::text",
        "'multirange: ' || format_type(r.rngmultitypid, NULL)",
      )} FROM pg_range r WHERE r.rngtypid = t.oid)`,
      `CASE t.typtype WHEN 'd' THEN ${LINES(
        "'base type: ' || format_type(t.typbasetype, t.typtypmod)",
        `'collation: ' || CASE WHEN t.typcollation <> b.typcollation THEN t.typcollation::regcollation::text END`,
        WHEN("t.typnotnull", "'not null'"),
        "'default: ' || coalesce(pg_get_expr(t.typdefaultbin, 0), t.typdefault)",
      )} WHEN 'b' THEN ${LINES(
        `format('functions: %s %s %s %s %s %s %s %s', t.typinput, t.typoutput, t.typreceive, t.typsend,
                t.typmodin, t.typmodout, t.typanalyze, t.typsubscript)`,
        `format('layout: %s %s %s %s %s %s %s', t.typlen, t.typbyval, t.typalign, t.typstorage, t.typcategory,
                t.typispreferred, t.typdelim)`,
        "'element: ' || format_type(nullif(t.typelem, 0), NULL)",
        "'default: ' || t.typdefault",
      )} END`,
    )}
   FROM pg_type t JOIN space ON space.oid = t.typnamespace
   LEFT JOIN pg_type b ON b.oid = t.typbasetype
   LEFT JOIN pg_class c ON c.oid = t.typrelid
   WHERE NOT ${COMES_WITH_ANOTHER}`,

  // Such a type may have a comment of its own, and a row type grants of its own.
  `SELECT 'type', 'pg_type'::regclass::oid, t.oid, 0, NULL::oid,
     CASE WHEN ${GRANTED} THEN 'T'::"char" END, CASE WHEN ${GRANTED} THEN t.typacl END, NULL
   FROM pg_type t JOIN space ON space.oid = t.typnamespace
   LEFT JOIN pg_class c ON c.oid = t.typrelid
   WHERE ${COMES_WITH_ANOTHER}
     AND (${GRANTED} OR obj_description(t.oid, 'pg_type') IS NOT NULL)`,
];
