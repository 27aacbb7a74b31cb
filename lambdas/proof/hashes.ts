/** A column and how it is hashed: what `HASHES` says, a row each. */
export interface HashedColumn {
  /** As the catalog names it. */
  name: string;
  quoted: string;
  /**
   * "int": `expression` is an int8 and hashed in full. "uuid", "text": hashed byte by byte. "form": anything that a
   * record can hash exactly (a bytea or a date).
   */
  way: "int" | "uuid" | "text" | "form";
  expression: string;
  /** Its place in the primary key, from 1 on; null where it is no part of it. */
  key: number | null;
  /** Of how many columns the primary key is made; null where there is none. */
  keyLength: number | null;
}

/** Types that initdb made from its own list keep their OIDs on every server. */
const FIRST_OWN_OID = 10000;

/**
 * $1: a table, $2: column names as a JSON array. Rows of HashedColumn, in the array's order, for the columns that there
 * are.
 *
 * Two values that differ in their binary form or their text must give different hashes, so hashes of types are used
 * only where they see every bit: those of numeric and jsonb do not see a sign, that of int8 folds its halves, that of
 * text follows the collation. Everything else is hashed by its binary form (what its send function gives). That form
 * holds OIDs, which differ between servers and change when a type is made again, within composite values and within
 * arrays of types that are not the system's own; it is the OID for regclass and its like, and some types have none: these
 * are hashed by their text, which pinned settings make exact. jsonb's binary form is its text, that of xml leaves out
 * the declaration. A char of a fixed length
 * is always padded, so its trailing blanks say nothing; one without a length keeps them.
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
-- Some types send with the function of another one, which SQL does not let it be called for.
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
-- Not as SQL spells some: there, character and bit without a length are of length 1.
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
    -- Of functions and operators that share a name only the arguments tell which one it is.
    WHEN type.name IN ('regproc', 'regproc[]') THEN replace('%I::' || type.name || '::text', 'regproc', 'regprocedure')
    WHEN type.name IN ('regoper', 'regoper[]') THEN replace('%I::' || type.name || '::text', 'regoper', 'regoperator')
    WHEN way = 'text' THEN '%I::text'
    WHEN type.name IN ('bytea', 'date') THEN '%I'
    ELSE format('%s(%%I::%s)', replace(t.typsend::text, '%', '%%'), replace(type.qualified, '%', '%%'))
  END AS expression) expressions
ORDER BY w.place`;

/** Not zero: with that seed some functions give values the hash that NULL has. */
const SEED = 5_077_238_316n;
/** Stands for NULL where a hash function gives none for it. Random, so that no value is it. */
const NO_UUID = "9f1c2e77-5b0d-4c3e-a7b1-6d2f8e90c4aa";
const NO_TEXT = `no value ${NO_UUID}`;
/** No int8 has these upper bits once its lower 31 are shifted out. */
const NO_INT = 1n << 40n;
/** Calls are nested as deeply as columns are many; the server's stack is not endless. */
const DEEPEST = 100;

/**
 * The hash of a row as an int8, as SQL. Each column's hash seeds the next one's, so that no two rows can swap values
 * and have the same sum of hashes.
 */
export function rowHash(columns: readonly HashedColumn[]): string {
  const chained = columns.filter(({ way }) => way !== "form");
  const forms = columns.filter(({ way }) => way === "form").map(({ expression }) => expression);
  // A record's hash is linear in its parts. As the seed of the chain it goes through hashes that are not.
  let seed = recordHash(forms, SEED.toString());
  const chains: string[] = [];
  for (let from = 0; from === 0 || from < chained.length; from += DEEPEST) {
    chains.push(chain(chained.slice(from, from + DEEPEST), seed));
    seed = (SEED + BigInt(from + DEEPEST)).toString();
  }
  const all = chains.map((hash) => `(${hash})`).join(" # ");
  // What no chain has hashed is linear still, and so is a sum of chains: hashed once more, they are not.
  const linear = chains.length > 1 || (chained.length === 0 && forms.length > 1);
  return linear ? `hash_numeric_extended((${all})::numeric, 0)` : all;
}

/** Of one column, in a row that `seed` stands for. */
export function columnHash(column: HashedColumn, seed: string = SEED.toString()): string {
  return column.way === "form"
    ? `hash_record_extended(ROW(${column.expression}), ${seed})`
    : chain([column], seed);
}

/** Of the columns of a key, to be a seed, or to pick rows by. */
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

/** The zero makes it depend on the seed also where every form is NULL. */
function recordHash(forms: readonly string[], seed: string): string {
  return forms.length === 0 ? seed : `hash_record_extended(ROW(0, ${forms.join(", ")}), ${seed})`;
}

function chain(columns: readonly HashedColumn[], seed: string): string {
  return columns.reduce((before, { way, expression }) => {
    if (way === "int")
      // Its hash is that of its halves folded together: the upper one goes into the seed besides.
      return `hashint8extended(coalesce(${expression}, 0), (${before}) # coalesce(${expression} >> 31, ${NO_INT}))`;
    if (way === "uuid") return `uuid_hash_extended(coalesce(${expression}, '${NO_UUID}'), ${before})`;
    return `hashtextextended(coalesce(${expression}, '${NO_TEXT}') COLLATE "C", ${before})`;
  }, seed);
}
