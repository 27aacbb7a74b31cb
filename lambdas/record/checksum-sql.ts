import { IS_USERS_TABLE } from "../shared/user-objects.ts";

/** Rows of { table, columns, blocks }: what `listTables` says. */
export const TABLES = `
SELECT format('%I.%I', n.nspname, c.relname) AS table,
       coalesce((SELECT json_agg(a.attname ORDER BY a.attnum) FROM pg_attribute a
                  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated <> 'v'),
                '[]') AS columns,
       (pg_relation_size(c.oid) / current_setting('block_size')::int)::float8 AS blocks
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE ${IS_USERS_TABLE}
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`;

/** $1: a table. One row { table } with its name, quoted by the server; none when there is no such table. */
export const TABLE = `
SELECT format('%I.%I', n.nspname, c.relname) AS table
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1::text)`;

/** Support functions that an operator class may have, by their numbers: see pg_amproc. */
const HASH_EXTENDED = 2;
const BTREE_EQUAL_IMAGE = 4;
/** Types that initdb made keep their OIDs on every server. */
const FIRST_OWN_OID = 10000;

/**
 * $1: a table, $2: column names as a JSON array. Rows of { name, quoted, expression, key }, in the array's order, for
 * the columns that there are: what to hash of each, and whether it is part of the primary key.
 *
 * A record's hash needs an extended hash function for every type in it, and sees only what the type's own equality
 * sees. So each column's type is followed down to the types it is made of: domain to base type, array to elements,
 * composite to attributes, range to subtype. Where all of those have such a function, and an equality that is that of
 * the bytes (a B-tree "equal image" function says so), the column is hashed as it is; otherwise by its binary form,
 * or as text where that form holds OIDs that differ between servers. An array's binary form also tells its bounds,
 * which its hash does not. jsonb is hashed as it is: its binary form is text, and takes twice the time.
 */
export const EXPRESSIONS = `
WITH RECURSIVE wanted AS (
  SELECT w.place, a.attrelid, a.attnum, a.attname, a.atttypid
  FROM jsonb_array_elements_text($2::text::jsonb) WITH ORDINALITY w (name, place)
  JOIN pg_attribute a ON a.attrelid = to_regclass($1::text) AND a.attname = w.name
                     AND a.attnum > 0 AND NOT a.attisdropped
),
base (column_type, oid) AS (
  SELECT DISTINCT atttypid, atttypid FROM wanted
  UNION
  SELECT b.column_type, t.typbasetype FROM base b JOIN pg_type t ON t.oid = b.oid WHERE t.typtype = 'd'
),
part (column_type, oid) AS (
  SELECT DISTINCT atttypid, atttypid FROM wanted
  UNION
  SELECT p.column_type, inner_part.oid
  FROM part p JOIN pg_type t ON t.oid = p.oid CROSS JOIN LATERAL (
    SELECT t.typbasetype AS oid WHERE t.typtype = 'd'
    UNION ALL SELECT t.typelem WHERE t.typsubscript = 'array_subscript_handler'::regproc
    UNION ALL SELECT a.atttypid FROM pg_attribute a
               WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL SELECT r.rngsubtype FROM pg_range r WHERE t.oid IN (r.rngtypid, r.rngmultitypid)
  ) inner_part
),
leaf AS MATERIALIZED (
  SELECT p.column_type, t.oid
  FROM part p JOIN pg_type t ON t.oid = p.oid
  WHERE t.typtype NOT IN ('d', 'c', 'r', 'm', 'e') AND t.typsubscript <> 'array_subscript_handler'::regproc
),
-- As the server finds operator classes: the type's own default, or that of a type of the same bytes (varchar has text's).
class (type, own, method, family, input) AS MATERIALIZED (
  SELECT a.type, a.own, m.amname, k.opcfamily, k.opcintype
  FROM (SELECT oid AS type, true AS own, oid AS target FROM leaf
        UNION
        SELECT leaf.oid, false, c.casttarget FROM leaf
        JOIN pg_cast c ON c.castsource = leaf.oid AND c.castmethod = 'b' AND c.castcontext = 'i') a
  JOIN pg_opclass k ON k.opcintype = a.target AND k.opcdefault
  JOIN pg_am m ON m.oid = k.opcmethod AND m.amname IN ('hash', 'btree')
),
supported (type, method) AS MATERIALIZED (
  SELECT k.type, k.method
  FROM class k
  JOIN pg_amproc f ON f.amprocfamily = k.family AND f.amproclefttype = k.input AND f.amprocrighttype = k.input
                  AND f.amprocnum = CASE k.method WHEN 'hash' THEN ${HASH_EXTENDED} ELSE ${BTREE_EQUAL_IMAGE} END
  WHERE k.own OR NOT EXISTS (SELECT FROM class own WHERE own.own AND own.type = k.type AND own.method = k.method)
),
inexact AS MATERIALIZED (
  SELECT DISTINCT column_type FROM leaf
  WHERE NOT EXISTS (SELECT FROM supported WHERE type = leaf.oid AND method = 'hash')
     OR (oid <> 'jsonb'::regtype AND NOT EXISTS (SELECT FROM supported WHERE type = leaf.oid AND method = 'btree'))
)
SELECT w.attname AS name, quote_ident(w.attname) AS quoted,
  CASE
    WHEN t.typsubscript = 'array_subscript_handler'::regproc AND element.typtype = 'b'
         AND element.oid < ${FIRST_OWN_OID} AND element.typsend <> 0
    THEN format('array_send(%I)', w.attname)
    WHEN w.atttypid NOT IN (SELECT column_type FROM inexact) THEN format('%I', w.attname)
    WHEN t.typtype = 'b' AND t.typsubscript <> 'array_subscript_handler'::regproc AND t.typsend <> 0
    THEN format('%s(%I)', t.typsend, w.attname)
    ELSE format('%I::text', w.attname)
  END AS expression,
  EXISTS (SELECT FROM pg_index x
           WHERE x.indrelid = w.attrelid AND x.indisprimary AND w.attnum = ANY (x.indkey)) AS key
FROM wanted w
JOIN base b ON b.column_type = w.atttypid
JOIN pg_type t ON t.oid = b.oid AND t.typtype <> 'd'
LEFT JOIN pg_type element ON element.oid = t.typelem
ORDER BY w.place`;
