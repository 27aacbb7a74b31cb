import { branch, parts, unlessThere } from "./describe-sql.ts";

const SIGNATURE = "p.oid::regprocedure";
const OPERATOR = (oid: string) =>
  `(SELECT format('OPERATOR(%I.%s)', s.nspname, q.oprname) FROM pg_operator q JOIN pg_namespace s ON s.oid = q.oprnamespace WHERE q.oid = ${oid})`;
const ROUTINE = (name: string, oid: string) => `'${name} = ' || nullif(${oid}, 0)::regproc::text`;
const FLAG = (name: string, condition: string) => `CASE WHEN ${condition} THEN '${name}' END`;
const MODIFY = (name: string, column: string) =>
  `CASE ${column} WHEN 's' THEN '${name} = SHAREABLE' WHEN 'w' THEN '${name} = READ_WRITE' END`;

const AGGREGATE = `format('CREATE OR REPLACE AGGREGATE %I.%I(%s) (%s)', n.nspname, p.proname,
  coalesce(nullif(pg_get_function_arguments(p.oid), ''), '*'), concat_ws(', ',
    'SFUNC = ' || a.aggtransfn::regproc::text, 'STYPE = ' || format_type(a.aggtranstype, NULL), 'SSPACE = ' || nullif(a.aggtransspace, 0),
    ${ROUTINE("FINALFUNC", "a.aggfinalfn")}, ${FLAG("FINALFUNC_EXTRA", "a.aggfinalextra")}, ${MODIFY("FINALFUNC_MODIFY", "a.aggfinalmodify")},
    ${ROUTINE("COMBINEFUNC", "a.aggcombinefn")}, ${ROUTINE("SERIALFUNC", "a.aggserialfn")}, ${ROUTINE("DESERIALFUNC", "a.aggdeserialfn")},
    'INITCOND = ' || quote_literal(a.agginitval), ${ROUTINE("MSFUNC", "a.aggmtransfn")}, ${ROUTINE("MINVFUNC", "a.aggminvtransfn")},
    'MSTYPE = ' || format_type(nullif(a.aggmtranstype, 0), NULL), 'MSSPACE = ' || nullif(a.aggmtransspace, 0), ${ROUTINE("MFINALFUNC", "a.aggmfinalfn")},
    ${FLAG("MFINALFUNC_EXTRA", "a.aggmfinalextra")}, ${MODIFY("MFINALFUNC_MODIFY", "a.aggmfinalmodify")}, 'MINITCOND = ' || quote_literal(a.aggminitval),
    'SORTOP = ' || ${OPERATOR("nullif(a.aggsortop, 0)")},
    CASE p.proparallel WHEN 's' THEN 'PARALLEL = SAFE' WHEN 'r' THEN 'PARALLEL = RESTRICTED' END,
    ${FLAG("HYPOTHETICAL", "a.aggkind = 'h'")}))`;

const FAMILY = "(pg_identify_object('pg_opfamily'::regclass, k.opcfamily, 0)).identity";
const ITEMS = `concat_ws(E',\\n  ', 'STORAGE ' || format_type(nullif(k.opckeytype, 0), NULL),
  (SELECT string_agg(format('OPERATOR %s %s%s', o.amopstrategy, o.amopopr::regoperator,
      ' FOR ORDER BY ' || (pg_identify_object('pg_opfamily'::regclass, nullif(o.amopsortfamily, 0), 0)).identity), E',\\n  ' ORDER BY o.amopstrategy)
    FROM pg_amop o WHERE o.amopfamily = k.opcfamily AND o.amoplefttype = k.opcintype AND o.amoprighttype = k.opcintype),
  (SELECT string_agg(format('FUNCTION %s %s', f.amprocnum, f.amproc::regprocedure), E',\\n  ' ORDER BY f.amprocnum)
    FROM pg_amproc f WHERE f.amprocfamily = k.opcfamily AND f.amproclefttype = k.opcintype AND f.amprocrighttype = k.opcintype))`;
const CLASS = `format(E'CREATE OPERATOR CLASS %I.%I%s FOR TYPE %s USING %I FAMILY %s AS\\n  %s', n.nspname, k.opcname,
  CASE WHEN k.opcdefault THEN ' DEFAULT' END, format_type(k.opcintype, NULL), m.amname, split_part(${FAMILY}, ' USING ', 1), ${ITEMS})`;

const CAST = `format('CREATE CAST (%s AS %s) %s%s', format_type(c.castsource, NULL), format_type(c.casttarget, NULL),
  CASE c.castmethod WHEN 'f' THEN 'WITH FUNCTION ' || c.castfunc::regprocedure WHEN 'i' THEN 'WITH INOUT' ELSE 'WITHOUT FUNCTION' END,
  CASE c.castcontext WHEN 'a' THEN ' AS ASSIGNMENT' WHEN 'i' THEN ' AS IMPLICIT' END)`;

/** Functions, and objects made of functions. */
export const ROUTINES: string[] = [
  branch({
    kind: `CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' WHEN 'w' THEN 'window function' ELSE 'function' END`,
    classid: "'pg_proc'",
    objid: "p.oid",
    create: `CASE WHEN p.prokind = 'a' THEN ${AGGREGATE} ELSE rtrim(pg_get_functiondef(p.oid), E'\\n') END`,
    drop: `format('DROP %s IF EXISTS %s', CASE p.prokind WHEN 'p' THEN 'PROCEDURE' WHEN 'a' THEN 'AGGREGATE' ELSE 'FUNCTION' END, ${SIGNATURE})`,
    // What CREATE OR REPLACE cannot change.
    rebuild: `CASE WHEN p.prokind = 'a' THEN ${AGGREGATE} ELSE concat_ws(' returns ', pg_get_function_arguments(p.oid), pg_get_function_result(p.oid)) END`,
    parts: parts({
      key: "05 definition",
      set: "CASE WHEN p.prokind <> 'a' THEN rtrim(pg_get_functiondef(p.oid), E'\\n') END",
      plain: "true",
    }),
    owner: "p.proowner",
    aclKind: "'f'",
    acl: "coalesce(p.proacl, acldefault('f', p.proowner))",
    aclOn: `'ROUTINE ' || ${SIGNATURE}`,
    own: "p.proname",
    from: "pg_proc p JOIN space n ON n.oid = p.pronamespace LEFT JOIN pg_aggregate a ON a.aggfnoid = p.oid",
  }),

  branch({
    kind: "'operator'",
    classid: "'pg_operator'",
    objid: "o.oid",
    create: unlessThere("o.def"),
    drop: "format('DROP OPERATOR IF EXISTS %I.%s (%s, %s)', n.nspname, o.oprname, coalesce(format_type(nullif(o.oprleft, 0), NULL), 'NONE'), format_type(o.oprright, NULL))",
    rebuild: "o.def",
    owner: "o.oprowner",
    from: `(SELECT o.*, format('CREATE OPERATOR %I.%s (%s)', s.nspname, o.oprname, concat_ws(', ', 'FUNCTION = ' || o.oprcode::regproc::text,
        'LEFTARG = ' || format_type(nullif(o.oprleft, 0), NULL), 'RIGHTARG = ' || format_type(nullif(o.oprright, 0), NULL),
        'COMMUTATOR = ' || ${OPERATOR("nullif(o.oprcom, 0)")}, 'NEGATOR = ' || ${OPERATOR("nullif(o.oprnegate, 0)")},
        ${ROUTINE("RESTRICT", "o.oprrest")}, ${ROUTINE("JOIN", "o.oprjoin")}, ${FLAG("HASHES", "o.oprcanhash")}, ${FLAG("MERGES", "o.oprcanmerge")})) AS def
      FROM pg_operator o JOIN pg_namespace s ON s.oid = o.oprnamespace) o JOIN space n ON n.oid = o.oprnamespace`,
  }),

  branch({
    kind: "'operator family'",
    classid: "'pg_opfamily'",
    objid: "f.oid",
    create: unlessThere("format('CREATE OPERATOR FAMILY %I.%I USING %I', n.nspname, f.opfname, m.amname)"),
    drop: "format('DROP OPERATOR FAMILY IF EXISTS %I.%I USING %I', n.nspname, f.opfname, m.amname)",
    owner: "f.opfowner",
    own: "f.opfname",
    from: "pg_opfamily f JOIN space n ON n.oid = f.opfnamespace JOIN pg_am m ON m.oid = f.opfmethod",
  }),

  branch({
    kind: "'operator class'",
    classid: "'pg_opclass'",
    objid: "k.oid",
    create: unlessThere(CLASS),
    drop: "format('DROP OPERATOR CLASS IF EXISTS %I.%I USING %I', n.nspname, k.opcname, m.amname)",
    rebuild: CLASS,
    owner: "k.opcowner",
    own: "k.opcname",
    from: "pg_opclass k JOIN space n ON n.oid = k.opcnamespace JOIN pg_am m ON m.oid = k.opcmethod",
  }),

  branch({
    kind: "'cast'",
    classid: "'pg_cast'",
    objid: "c.oid",
    create: unlessThere(CAST),
    drop: "format('DROP CAST IF EXISTS (%s AS %s)', format_type(c.castsource, NULL), format_type(c.casttarget, NULL))",
    rebuild: CAST,
    from: "pg_cast c WHERE c.oid >= 16384",
  }),
];
