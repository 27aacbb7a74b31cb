import { LINES, WHEN } from "./catalog-text.ts";

const named = (label: string, expression: string) => `'${label}: ' || ${expression}`;
/** A regproc column as text with its argument types; NULL when it is not set. */
const routine = (label: string, column: string) => named(label, `nullif(${column}, 0)::regprocedure::text`);
const operator = (label: string, column: string) => named(label, `nullif(${column}, 0)::regoperator::text`);

/** Functions, procedures, aggregates, operators and their classes, casts. */
export const ROUTINES = [
  // The constructors that a range type brings along depend on it internally: the type stands for them.
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

  // Casts, like the other objects outside schemas, begin at this OID when a person made them.
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
