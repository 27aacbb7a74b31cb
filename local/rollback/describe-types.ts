import { branch, doWhere, parts } from "./describe-sql.ts";

const FULL = "format('%I.%I', n.nspname, t.typname)";
const qualified = (catalog: string, prefix: string, oid: string) =>
  `(SELECT format('%I.%I', s.nspname, q.${prefix}name) FROM ${catalog} q JOIN pg_namespace s ON s.oid = q.${prefix}namespace WHERE q.oid = ${oid})`;

const LABELS = `(SELECT string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid)`;

const ATTRIBUTES = `(SELECT string_agg(format('%I %s%s', a.attname, format_type(a.atttypid, a.atttypmod),
    CASE WHEN a.attcollation NOT IN (0, y.typcollation) THEN ' COLLATE ' || a.attcollation::regcollation::text END), ', ' ORDER BY a.attnum)
  FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped)`;

const RANGE = `(SELECT concat_ws(', ', 'subtype = ' || format_type(r.rngsubtype, NULL),
    'subtype_opclass = ' || ${qualified("pg_opclass", "opc", "r.rngsubopc")},
    'collation = ' || nullif(r.rngcollation, 0)::regcollation::text,
    'canonical = ' || nullif(r.rngcanonical, 0)::regproc::text,
    'subtype_diff = ' || nullif(r.rngsubdiff, 0)::regproc::text,
    'multirange_type_name = ' || ${qualified("pg_type", "typ", "r.rngmultitypid")})
  FROM pg_range r WHERE r.rngtypid = t.oid)`;

const BASE = `format('%s%s', format_type(t.typbasetype, t.typtypmod),
  CASE WHEN t.typcollation <> b.typcollation THEN ' COLLATE ' || t.typcollation::regcollation::text END)`;
const DEFAULT = "coalesce(pg_get_expr(t.typdefaultbin, 0), quote_literal(t.typdefault))";

/** The statement that makes a type. It has no guard, as it also runs after the former type was moved aside. */
const MADE = `CASE t.typtype
  WHEN 'e' THEN format('CREATE TYPE %s AS ENUM (%s)', ${FULL}, ${LABELS})
  WHEN 'd' THEN format('CREATE DOMAIN %s AS %s%s%s', ${FULL}, ${BASE}, ' DEFAULT ' || ${DEFAULT}, CASE WHEN t.typnotnull THEN ' NOT NULL' END)
  WHEN 'c' THEN format('CREATE TYPE %s AS (%s)', ${FULL}, ${ATTRIBUTES})
  WHEN 'r' THEN format('CREATE TYPE %s AS RANGE (%s)', ${FULL}, ${RANGE})
  ELSE CASE WHEN NOT t.typisdefined THEN format('CREATE TYPE %s', ${FULL}) END END`;

/** Enums, domains, composite, range and base types. */
export const TYPES: string[] = [
  branch({
    kind: `CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'c' THEN 'composite type' WHEN 'r' THEN 'range type' ELSE 'type' END`,
    classid: "'pg_type'",
    objid: "t.oid",
    create: doWhere(`format('to_regtype(%L) IS NULL', ${FULL})`, MADE),
    // A base type and its functions depend on each other.
    drop: `format('DROP %s IF EXISTS %s%s', CASE t.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END, ${FULL}, CASE WHEN t.typtype = 'b' THEN ' CASCADE' END)`,
    rebuild: `CASE t.typtype WHEN 'e' THEN ${LABELS} WHEN 'd' THEN ${BASE} WHEN 'r' THEN ${RANGE}
      ELSE format('%s %s %s', t.typinput, t.typoutput, t.typisdefined) END`,
    parts: parts(
      {
        key: "02 default",
        set: `CASE WHEN t.typtype = 'd' THEN format('ALTER DOMAIN %s %s', ${FULL}, coalesce('SET DEFAULT ' || ${DEFAULT}, 'DROP DEFAULT')) END`,
        plain: "true",
      },
      {
        key: "03 not null",
        set: `CASE WHEN t.typtype = 'd' THEN format('ALTER DOMAIN %s %s', ${FULL}, CASE WHEN t.typnotnull THEN 'SET NOT NULL' ELSE 'DROP NOT NULL' END) END`,
        plain: "true",
      },
    ),
    owner: "t.typowner",
    aclKind: "'T'",
    acl: "coalesce(t.typacl, acldefault('T', t.typowner))",
    aclOn: `'TYPE ' || ${FULL}`,
    own: "t.typname",
    from: `pg_type t JOIN space n ON n.oid = t.typnamespace LEFT JOIN pg_type b ON b.oid = t.typbasetype LEFT JOIN pg_class c ON c.oid = t.typrelid
      WHERE t.typtype <> 'm' AND (c.oid IS NULL OR c.relkind = 'c') AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)`,
  }),
  // A table's row type and a type's array type come with it, but can have comments, and a row type can have rights.
  branch({
    kind: "'type of another'",
    classid: "'pg_type'",
    objid: "t.oid",
    aclKind: "CASE WHEN c.oid IS NOT NULL THEN 'T' END",
    acl: "coalesce(t.typacl, acldefault('T', t.typowner))",
    aclOn: `CASE WHEN c.oid IS NOT NULL THEN 'TYPE ' || ${FULL} END`,
    parent: [
      "CASE WHEN c.oid IS NULL THEN 'pg_type' ELSE 'pg_class' END",
      "coalesce(c.oid, (SELECT e.oid FROM pg_type e WHERE e.typarray = t.oid), 0)",
      "0",
    ],
    from: `pg_type t JOIN space n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
      WHERE (c.oid IS NOT NULL AND c.relkind <> 'c') OR EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)`,
  }),
];
