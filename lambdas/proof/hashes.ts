/** A column and how it is hashed: one row of `HASHES`. */
export interface HashedColumn {
  /** Name in the catalog. */
  name: string;
  quoted: string;
  /**
   * "int": `expression` is an int8, hashed in full. "uuid", "text": hashed byte by byte. "form": anything that a
   * record hashes exactly (a bytea or a date).
   */
  way: "int" | "uuid" | "text" | "form";
  expression: string;
  /** Place in the primary key, from 1; null if the column is not part of it. */
  key: number | null;
  /** Number of columns of the primary key; null if there is none. */
  keyLength: number | null;
}

/** Types from initdb's own list have the same OIDs on every server. */
const FIRST_OWN_OID = 10000;

/**
 * $1: a table, $2: column names as a JSON array. Returns rows of HashedColumn in the array's order, for the columns
 * that exist.
 *
 * Two values that differ in their binary form or their text must give different hashes, so a type's hash function is
 * used only if it covers every bit: those of numeric and jsonb ignore a sign, that of int8 folds its halves, that of
 * text follows the collation. Everything else is hashed by its binary form (the output of its send function). Within
 * composite values, and within arrays of types that are not the system's own, that form holds OIDs, which differ
 * between servers and change when a type is made again; for regclass and its like it is the OID, and some types have
 * none. These are hashed by their text, which pinned settings make exact. jsonb's binary form is its text; xml's
 * leaves out the declaration. A char of fixed length is always padded, so its trailing blanks carry nothing; one
 * without a length keeps them.
 */
export const HASHES = `
WITH RECURSIVE wanted AS (
  SELECT w.place, a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod
  FROM jsonb_array_elements_text($2::text::jsonb) WITH ORDINALITY w (name, place)
  JOIN pg_attribute a ON a.attrelid = to_regclass($1::text) AND a.attname = w.name
                     AND a.attnum > 0 AND NOT a.attisdropped
),
base (place, oid, typmod) AS (
  SELECT place, atttypid, atttypmod FROM wanted
  UNION ALL
  SELECT b.place, t.typbasetype, greatest(b.typmod, t.typtypmod)
  FROM base b JOIN pg_type t ON t.oid = b.oid WHERE t.typtype = 'd'
),
part (column_type, oid) AS (
  SELECT DISTINCT atttypid, atttypid FROM wanted
  UNION
  SELECT p.column_type, inner_part.oid
  FROM part p JOIN pg_type t ON t.oid = p.oid CROSS JOIN LATERAL (
    SELECT t.typbasetype AS oid WHERE t.typtype = 'd'
    UNION ALL SELECT t.typelem WHERE t.typsubscript = 'array_subscript_handler'::regproc
    UNION ALL SELECT r.rngsubtype FROM pg_range r WHERE t.oid IN (r.rngtypid, r.rngmultitypid)
  ) inner_part
),
by_text AS MATERIALIZED (
  SELECT DISTINCT p.column_type
  FROM part p JOIN pg_type t ON t.oid = p.oid
  WHERE t.typtype = 'c' OR t.typsend = 0
     OR (t.typsubscript = 'array_subscript_handler'::regproc AND t.typelem >= ${FIRST_OWN_OID})
     OR t.oid IN ('regproc'::regtype, 'regprocedure'::regtype, 'regoper'::regtype, 'regoperator'::regtype,
                  'regclass'::regtype, 'regtype'::regtype, 'regrole'::regtype, 'regnamespace'::regtype,
                  'regconfig'::regtype, 'regdictionary'::regtype, 'regcollation'::regtype)
),
-- Some types share another type's send function, which SQL cannot call for them.
takes (type, form) AS MATERIALIZED (
  SELECT t.oid, t.typsend
  FROM base b JOIN pg_type t ON t.oid = b.oid JOIN pg_proc f ON f.oid = t.typsend JOIN pg_type a ON a.oid = f.proargtypes[0]
  WHERE a.oid = t.oid OR a.typtype = 'p'
)
SELECT w.attname AS name, quote_ident(w.attname) AS quoted, way, format(expression, w.attname) AS expression,
  array_position(x.indkey::int2[], w.attnum) + 1 AS key, x.indnkeyatts::int AS "keyLength"
FROM wanted w
LEFT JOIN pg_index x ON x.indrelid = w.attrelid AND x.indisprimary
JOIN base b ON b.place = w.place
JOIN pg_type t ON t.oid = b.oid AND t.typtype <> 'd'
JOIN pg_namespace n ON n.oid = t.typnamespace
-- Qualified names: in SQL's spelling, character and bit without a length have length 1.
CROSS JOIN LATERAL (SELECT t.oid::regtype::text AS name, format('%I.%I', n.nspname, t.typname) AS qualified) type
CROSS JOIN LATERAL (SELECT
  CASE
    WHEN type.name IN ('smallint', 'integer', 'bigint', 'boolean', 'oid') THEN 'int'
    WHEN type.name = 'uuid' THEN 'uuid'
    WHEN type.name IN ('text', 'character varying', 'name', 'json', 'jsonb', 'xml') OR t.typtype = 'e'
      OR (type.name = 'character' AND b.typmod >= 0) OR w.atttypid IN (SELECT column_type FROM by_text)
      OR NOT EXISTS (SELECT FROM takes WHERE takes.form = t.typsend AND takes.type = t.oid) THEN 'text'
    ELSE 'form'
  END AS way) ways
CROSS JOIN LATERAL (SELECT
  CASE
    WHEN type.name = 'boolean' THEN '%I::int::int8'
    WHEN way = 'int' THEN '%I::int8'
    WHEN way = 'uuid' THEN '%I::uuid'
    -- Functions and operators that share a name differ only in their arguments.
    WHEN type.name IN ('regproc', 'regproc[]') THEN replace('%I::' || type.name || '::text', 'regproc', 'regprocedure')
    WHEN type.name IN ('regoper', 'regoper[]') THEN replace('%I::' || type.name || '::text', 'regoper', 'regoperator')
    WHEN way = 'text' THEN '%I::text'
    WHEN type.name IN ('bytea', 'date') THEN '%I'
    ELSE format('%s(%%I::%s)', replace(t.typsend::text, '%', '%%'), replace(type.qualified, '%', '%%'))
  END AS expression) expressions
ORDER BY w.place`;

/** Not zero: with seed zero some functions give a value the hash of NULL. */
const SEED = 5_077_238_316n;
/** Stands for NULL where a hash function returns none. Random, so that no real value equals it. */
const NO_UUID = "9f1c2e77-5b0d-4c3e-a7b1-6d2f8e90c4aa";
const NO_TEXT = `no value ${NO_UUID}`;
/** No int8 shifted right by 31 bits gives this value. */
const NO_INT = 1n << 40n;
/** Calls are nested once for each column; the server's stack is limited. */
const DEEPEST = 100;

/**
 * SQL for the hash of a row as an int8. Each column's hash seeds the next one's, so that no two rows can swap values
 * and keep the same sum of hashes.
 */
export function rowHash(columns: readonly HashedColumn[]): string {
  const chained = columns.filter(({ way }) => way !== "form");
  const forms = columns.filter(({ way }) => way === "form").map(({ expression }) => expression);
  // A record's hash is linear in its parts. As the seed of the chain it passes through hashes that are not.
  let seed = recordHash(forms, SEED.toString());
  const chains: string[] = [];
  for (let from = 0; from === 0 || from < chained.length; from += DEEPEST) {
    chains.push(chain(chained.slice(from, from + DEEPEST), seed));
    seed = (SEED + BigInt(from + DEEPEST)).toString();
  }
  const all = chains.map((hash) => `(${hash})`).join(" # ");
  // The combination is still linear if no chain hashed it, or if it joins several chains: hash it once more.
  const linear = chains.length > 1 || (chained.length === 0 && forms.length > 1);
  return linear ? `hash_numeric_extended((${all})::numeric, 0)` : all;
}

/** SQL for the hash of one column, in a row that `seed` identifies. */
export function columnHash(column: HashedColumn, seed: string = SEED.toString()): string {
  return column.way === "form"
    ? `hash_record_extended(ROW(${column.expression}), ${seed})`
    : chain([column], seed);
}

/** SQL for the hash of a key's columns: serves as a seed, and to pick rows. */
export function keyHash(key: readonly HashedColumn[]): string {
  const forms = key.filter(({ way }) => way === "form").map(({ expression }) => expression);
  return recordHash(
    forms,
    chain(
      key.filter(({ way }) => way !== "form"),
      SEED.toString(),
    ),
  );
}

/** The zero makes the hash depend on the seed even if every form is NULL. */
function recordHash(forms: readonly string[], seed: string): string {
  return forms.length === 0 ? seed : `hash_record_extended(ROW(0, ${forms.join(", ")}), ${seed})`;
}

function chain(columns: readonly HashedColumn[], seed: string): string {
  return columns.reduce((before, { way, expression }) => {
    if (way === "int")
      // hashint8extended folds the two halves together, so the upper half also goes into the seed.
      return `hashint8extended(coalesce(${expression}, 0), (${before}) # coalesce(${expression} >> 31, ${NO_INT}))`;
    if (way === "uuid") return `uuid_hash_extended(coalesce(${expression}, '${NO_UUID}'), ${before})`;
    return `hashtextextended(coalesce(${expression}, '${NO_TEXT}') COLLATE "C", ${before})`;
  }, seed);
}
