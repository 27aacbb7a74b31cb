import { columnHash, HASHES, type HashedColumn, rowHash } from "../../lambdas/proof/hashes.ts";
import { withPinnedSnapshot } from "../../lambdas/proof/pinned.ts";
import { requireRow, type Session } from "../../lambdas/shared/session.ts";

const list = (from: number, to: number, swap: readonly number[] = []) => {
  const numbers = Array.from({ length: to - from + 1 }, (_, index) => from + index);
  const [a, b] = swap;
  if (a !== undefined && b !== undefined) [numbers[a], numbers[b]] = [numbers[b] ?? 0, numbers[a] ?? 0];
  return `[${numbers.join(",")}]`;
};

/** Every type is tried with all of these; its values are those that its input function accepts. */
const LITERALS = [
  // Texts, and texts that look like other types.
  ..."|a|A|a |b|ss|ß|null|t|f|y|0|00|01|010|1|-1|2|-2".split("|"),
  // Numbers, at the edges of their types and where halves of 64 bits fold together.
  ..."-0|1.0|1.00|-1.0|0.0|-0.0|0.1|0.10000000000000002|1e300|1e-300|NaN|Infinity|-Infinity".split("|"),
  ..."127|32767|-32768|2147483647|-2147483648|2147483648|4294967294|4294967295|4294967296|4294967297".split(
    "|",
  ),
  ..."9223372036854775807|-9223372036854775808|4611686018427387904|-4611686016279904257|1396|1397|550|551".split(
    "|",
  ),
  ..."\\x|\\x00|\\xff|\\xff00".split("|"),
  // Times.
  ..."infinity|-infinity|2000-01-01|2000-01-02|1 day|24:00:00|00:00:00|1 mon|30 days|-1 day|12:00:00+00".split(
    "|",
  ),
  ..."13:00:00+01|2000-01-01 00:00:00.000001|2000-01-01 00:35:47.483648|4714-11-24 BC|100000-01-01".split(
    "|",
  ),
  // Documents.
  ...'{}|[]|""|"x"|["x"]|[[1],2]|[[1,2]]|[1,2]|{"a":{"b":1},"c":1}|{"a":{"b":1,"c":1}}|{"a":1}|{"a": 1}'.split(
    "|",
  ),
  ...'{"a":-1}|{"a":1.0}|{"a":1.00}|{"a":null}|{"a":{}}|{"a":[]}|[null]|[[]]|[{}]|true|"true"|"1"'.split("|"),
  ...[list(0, 39), list(0, 39, [0, 32])],
  ...'<a/>|<b/>|<a></a>|<a>1</a>|<?xml version="1.0"?><a/>'.split("|"),
  // Geometry, networks, searches and other types of their own.
  ..."(1,2)|(1,3)|((1,2),(3,4))|[(1,2),(3,4)]|((1,2),(3,4),(5,6))|<(1,2),3>|<(1,2),4>|((1,2),(3,5))|[(1,2),(3,5)]|{1,2,3}|{1,2}|{-1,2,3}".split(
    "|",
  ),
  ..."10.0.0.0/8|10.0.0.0/16|10.0.0.1|10.0.0.1/32|::1|::|08:00:2b:01:02:03|08:00:2b:01:02:03:04:05".split(
    "|",
  ),
  ..."a:1|a:2|a:1A|'a':1 'b':2|a & b|a \\| b|a:A|a:*|!a|$.a|$.b|strict $.a|lax $.a".split("|"),
  ..."0/0|0/1|1/0|(0,1)|(1,0)|1:1:|10:20:10,14,15|10:20:10,15".split("|"),
  ..."9f1c2e77-5b0d-4c3e-a7b1-6d2f8e90c4ab|00000000-0000-0000-0000-000000000000".split("|"),
  ...'pg_class|pg_type|integer|text|now|abs|pg_catalog|english|simple|"C"|"POSIX"|!=|=r/postgres|postgres=r/postgres'.split(
    "|",
  ),
  // Ranges and arrays.
  ..."empty|[1,2)|[1,3)|(1,2]|[1,]|[,1]|(,)|[2000-01-01,2000-01-03)|[2000-01-01,2000-01-02]".split("|"),
  ..."{[1,3)}|{[1,2),[3,4)}|{[1,2),[2,4)}|{[2000-01-01,2000-01-03)}|[0:0]={1}|{1,2,3,4}|{{1,2},{3,4}}|{NULL}|{NaN}".split(
    "|",
  ),
];

/** Types made from each of the system's types: a hash must look inside them. */
const SHELLS = ["plain", "domain", "array", "composite"] as const;

/** Types whose values no literal can make. Those without an array type are left out. */
export const WITHOUT_LITERALS = ["gtsvector"];

/** From docs/what-is-proven.md: within a composite value, functions that share a name are not distinguished. */
export const EXCEPTIONS = ["composite of regoper", "composite of regproc"];

const OWN = `
  CREATE SCHEMA own;
  CREATE TYPE own.mood AS ENUM ('calm', 'tense', 'Calm');
  CREATE TYPE own.pair AS (a int, b text);
  CREATE TYPE own.one AS (a float8);
  CREATE TYPE own.span AS RANGE (subtype = float8);
  CREATE TYPE own.moods AS RANGE (subtype = own.mood);
  CREATE TYPE own.texts AS RANGE (subtype = text);
  CREATE DOMAIN own.padded AS char(5);
  CREATE TABLE own.literal (value text);
`;

/** Literals of the types in OWN, which no other type needs. */
const OWN_LITERALS = ["calm", "tense", "Calm", "(,)", "(1,)", '(,"")', "(1,a)", "(NaN)", "()", "(0)", "(-0)"];
const OWN_RANGES = [
  "[calm,tense]",
  "[calm,tense)",
  "[a,b]",
  "[A,b]",
  "[a ,b]",
  "{[calm,tense]}",
  "{[calm,calm]}",
];

export interface TypeFound {
  /** Such as `jsonb`, `array of jsonb`. */
  type: string;
  /** Different ones, NULL included. */
  values: number;
  /** Broken rules of the values' hashes, a line each. */
  faults: string[];
}

/**
 * Puts every value that can be made of every type that a table can hold into a table, a row each, and holds the hashes
 * of its columns and rows to one rule: they differ where the binary form or the text does, and only there.
 */
export async function hashEveryType(session: Session): Promise<TypeFound[]> {
  await session.exec(OWN);
  await session.query("INSERT INTO own.literal SELECT DISTINCT unnest($1::text[])", [
    [...LITERALS, ...OWN_LITERALS, ...OWN_RANGES],
  ]);
  const types = await session.query<{ name: string; qualified: string; sends: boolean }>(`
    SELECT t.oid::regtype::text AS name, format('%I.%I', n.nspname, t.typname) AS qualified, t.typsend <> 0 AS sends
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
    WHERE t.typtype IN ('b', 'd', 'e', 'r', 'm', 'c') AND t.typarray <> 0
      AND (n.nspname = 'own' AND t.typrelid NOT IN (SELECT oid FROM pg_class WHERE relkind <> 'c')
           AND t.typsubscript <> 'array_subscript_handler'::regproc
        OR n.nspname = 'pg_catalog' AND t.typtype <> 'c' AND t.typsubscript <> 'array_subscript_handler'::regproc)
    ORDER BY n.nspname, t.typname COLLATE "C"`);
  const columns = types.flatMap((type, index) =>
    SHELLS.map((shell) => ({ ...type, index, shell, column: `${shell}_${index}` })),
  );
  await session.exec(
    types
      .map(
        ({ qualified }, i) =>
          `CREATE DOMAIN own.d${i} AS ${qualified}; CREATE TYPE own.c${i} AS (n int, v ${qualified});`,
      )
      .join("\n"),
  );
  const typeOf = ({ qualified, shell, index }: (typeof columns)[number]) =>
    ({ plain: qualified, domain: `own.d${index}`, array: `${qualified}[]`, composite: `own.c${index}` })[
      shell
    ];
  await session.exec(
    `CREATE TABLE own.every (id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY, ${columns.map((c) => `${c.column} ${typeOf(c)}`).join(", ")});
     INSERT INTO own.every DEFAULT VALUES;
     ${types.map(({ qualified }, i) => fill(qualified, i)).join("\n")}`,
  );
  return await withPinnedSnapshot(session, async () => {
    const hashed = await session.query<HashedColumn>(HASHES, [
      "own.every",
      JSON.stringify(columns.map(({ column }) => column)),
    ]);
    const found: TypeFound[] = [];
    for (const [index, { name, shell, sends }] of columns.entries()) {
      const column = hashed[index];
      if (!column) throw new Error(`There is no rule how to hash ${name}`);
      found.push({
        type: shell === "plain" ? name : `${shell} of ${name}`,
        ...(await hold(session, column, sends)),
      });
    }
    return found;
  });
}

/** Skips a literal that the type does not accept. */
const fill = (type: string, i: number) => `
  DO $$ DECLARE l text; BEGIN
    EXECUTE (SELECT 'INSERT INTO own.every (plain_${i}) VALUES ' || string_agg(format('(%L::${type})', value), ', ')
             FROM own.literal WHERE pg_input_is_valid(value, '${type}'));
  EXCEPTION WHEN OTHERS THEN
    -- An input function that fails hard, or a server that cannot ask it.
    FOR l IN SELECT value FROM own.literal LOOP
      BEGIN EXECUTE format('INSERT INTO own.every (plain_${i}) VALUES (%L::${type})', l); EXCEPTION WHEN OTHERS THEN NULL; END;
    END LOOP;
  END $$;
  INSERT INTO own.every (domain_${i}) SELECT plain_${i} FROM own.every WHERE num_nulls(plain_${i}) = 0;
  INSERT INTO own.every (array_${i}) SELECT ARRAY[plain_${i}] FROM own.every WHERE num_nulls(plain_${i}) = 0
    UNION ALL VALUES ('{}'::${type}[]), ('{NULL}'), ('[0:0]={NULL}'), (ARRAY[NULL, NULL]::${type}[]), ('{{NULL}}');
  INSERT INTO own.every (composite_${i}.n, composite_${i}.v) SELECT 1, plain_${i} FROM own.every WHERE num_nulls(plain_${i}) = 0;
  INSERT INTO own.every (composite_${i}) VALUES (ROW(NULL, NULL)), (ROW(1, NULL));`;

async function hold(
  session: Session,
  column: HashedColumn,
  sends: boolean,
): Promise<Omit<TypeFound, "type">> {
  const form = sends ? `record_send(ROW(${column.quoted}))` : "NULL";
  const value = `WITH value AS (
    SELECT ${column.quoted}::text AS text, ${form}::text AS form, ${columnHash(column)} AS hash, ${rowHash([column])} AS row
    FROM own.every WHERE id = 1 OR num_nulls(${column.quoted}) = 0 GROUP BY 1, 2, 3, 4)`;
  const found = await requireRow<{ all: number; values: number; hashes: number; rows: number }>(
    session,
    `${value} SELECT count(*)::int AS all, count(DISTINCT (text, form))::int AS values,
                     count(DISTINCT hash)::int AS hashes, count(DISTINCT row)::int AS rows FROM value`,
  );
  const { values } = found;
  if (found.all === values && found.hashes === values && found.rows === values) return { values, faults: [] };
  const faults = await session.query<{ fault: string }>(
    `${value} SELECT format('%L and %L', a.text, b.text) AS fault FROM value a JOIN value b
       ON ((a.text, a.form) IS DISTINCT FROM (b.text, b.form)) = (a.hash = b.hash OR a.row = b.row) AND a IS DISTINCT FROM b`,
  );
  return { values, faults: faults.map(({ fault }) => fault) };
}
