/** Rows of { table, columns }: what `listTables` says. */
export const TABLES = `
SELECT format('%I.%I', n.nspname, c.relname) AS table,
       coalesce((SELECT json_agg(a.attname ORDER BY a.attnum) FROM pg_attribute a
                  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated <> 'v'),
                '[]') AS columns
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'sluice')
  AND NOT EXISTS (SELECT FROM pg_depend d
                   WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`;

/** $1: a table. One row { table } with its name, quoted by the server; none when there is no such table. */
export const TABLE = `
SELECT format('%I.%I', n.nspname, c.relname) AS table
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1::text)`;

/**
 * $1: a table, $2: column names as a JSON array. Rows of { name, expression, quoted, key }, in the array's order, for
 * the columns that there are: what to hash of each, and whether it is part of the primary key.
 *
 * A record's hash needs an extended hash function for every type in it, and sees only what the type's own equality
 * sees. So each column's type is followed down to the types it is made of: domain to base type, array to elements,
 * composite to attributes, range to subtype. Where all of those have such a function, and an equality that is that of
 * the bytes (a B-tree "equal image" function says so), the column is hashed as it is; otherwise by its binary form,
 * or where that would hold OIDs, as text. An array's binary form also tells its bounds, which its hash does not.
 * jsonb is hashed as it is: its binary form is text, which takes twice the time.
 */
export const EXPRESSIONS = `
WITH RECURSIVE wanted AS (
  SELECT w.place, a.attrelid, a.attnum, a.attname, a.atttypid
  FROM jsonb_array_elements_text($2::text::jsonb) WITH ORDINALITY w (name, place)
  JOIN pg_attribute a ON a.attrelid = to_regclass($1::text) AND a.attname = w.name
                     AND a.attnum > 0 AND NOT a.attisdropped
),
parts (column_type, part) AS (
  SELECT DISTINCT atttypid, atttypid FROM wanted
  UNION
  SELECT p.column_type, next.part
  FROM parts p
  JOIN pg_type t ON t.oid = p.part
  CROSS JOIN LATERAL (
    SELECT t.typbasetype AS part WHERE t.typtype = 'd'
    UNION ALL SELECT t.typelem WHERE t.typsubscript = 'array_subscript_handler'::regproc
    UNION ALL SELECT a.atttypid FROM pg_attribute a
               WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL SELECT r.rngsubtype FROM pg_range r WHERE t.oid IN (r.rngtypid, r.rngmultitypid)
  ) next
),
-- The operator classes that a type that is made of no other uses: its own, or that of a type of the same bytes.
support (type, hashes, by_bytes) AS (
  SELECT t.oid,
    t.typtype = 'e' OR EXISTS (
      SELECT FROM pg_opclass k JOIN pg_am m ON m.oid = k.opcmethod AND m.amname = 'hash'
      JOIN pg_amproc f ON f.amprocfamily = k.opcfamily AND f.amprocnum = 2
                      AND f.amproclefttype = k.opcintype AND f.amprocrighttype = k.opcintype
      WHERE k.opcdefault AND k.opcintype IN (SELECT * FROM same)),
    t.typtype = 'e' OR t.oid = 'jsonb'::regtype OR EXISTS (
      SELECT FROM pg_opclass k JOIN pg_am m ON m.oid = k.opcmethod AND m.amname = 'btree'
      JOIN pg_amproc f ON f.amprocfamily = k.opcfamily AND f.amprocnum = 4
                      AND f.amproclefttype = k.opcintype AND f.amprocrighttype = k.opcintype
      WHERE k.opcdefault AND k.opcintype IN (SELECT * FROM same))
  FROM pg_type t
  CROSS JOIN LATERAL (SELECT array_agg(s) AS types FROM (
    SELECT t.oid UNION ALL
    SELECT c.casttarget FROM pg_cast c
     WHERE c.castsource = t.oid AND c.castmethod = 'b' AND c.castcontext = 'i') s (s)) also
  CROSS JOIN LATERAL unnest(also.types) same
  WHERE false
)
SELECT 1`;
