import { GRANTS_OF, LINES, WHEN } from "./catalog-text.ts";

const qualified = (catalog: string, prefix: string, oid: string) =>
  `(SELECT format('%I.%I', n.nspname, x.${prefix}name) FROM ${catalog} x
      JOIN pg_namespace n ON n.oid = x.${prefix}namespace WHERE x.oid = ${oid})`;

const COMES_WITH_ANOTHER = `(t.typtype = 'm' OR (c.oid IS NOT NULL AND c.relkind <> 'c')
     OR EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid))`;

/** Otherwise than at first: what was granted and revoked again may be written down and mean the same. */
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

  // ... but may be commented on, and a row type granted, by itself.
  `SELECT 'type', 'pg_type'::regclass::oid, t.oid, 0, NULL::oid,
     CASE WHEN ${GRANTED} THEN 'T'::"char" END, CASE WHEN ${GRANTED} THEN t.typacl END, NULL
   FROM pg_type t JOIN space ON space.oid = t.typnamespace
   LEFT JOIN pg_class c ON c.oid = t.typrelid
   WHERE ${COMES_WITH_ANOTHER}
     AND (${GRANTED} OR obj_description(t.oid, 'pg_type') IS NOT NULL)`,
];
