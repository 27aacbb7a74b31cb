import { afterEach, describe, expect, test } from "vitest";
import { type ContentMode, joinParts, listTables, takeTableContent } from "../../lambdas/proof/checksums.ts";
import { compareContents } from "../../lambdas/proof/compare-contents.ts";
import { useEmbedded } from "../support/embedded.ts";

const session = useEmbedded("CREATE EXTENSION vector; CREATE ROLE reader");

afterEach(() => session.exec("ROLLBACK; RESET ALL; RESET ROLE; DROP SCHEMA IF EXISTS shop CASCADE"));

const make = (sql: string) => session.exec(`CREATE SCHEMA shop; ${sql}`);
const contentOf = async (columns: string[], table = "shop.t", mode: ContentMode = "full") =>
  takeTableContent(session, table, columns, mode);

/** Returns the checksums of `columns` before and after `sql`. */
async function aroundChange(columns: string[], sql: string, mode: ContentMode = "full") {
  const before = await contentOf(columns, "shop.t", mode);
  await session.exec(sql);
  const after = await contentOf(columns, "shop.t", mode);
  return { before, after, found: compareContents([before], [after]).map(({ what }) => what) };
}

describe("a content checksum notices", () => {
  const THREE =
    "CREATE TABLE shop.t (id int PRIMARY KEY, a text, n int); INSERT INTO shop.t VALUES (1, 'x', 10), (2, 'y', 20), (3, 'z', 30);";

  test.each([
    ["one value that changed", "UPDATE shop.t SET a = 'X' WHERE id = 2", "content"],
    ["a value that became NULL", "UPDATE shop.t SET a = NULL WHERE id = 2", "content"],
    ["a text that became empty where it was NULL", "UPDATE shop.t SET a = '' WHERE id = 2", "content"],
    ["a row that is gone", "DELETE FROM shop.t WHERE id = 2", "rows"],
    ["a row that came", "INSERT INTO shop.t VALUES (4, 'x', 10)", "rows"],
    [
      "a row in another's place",
      "DELETE FROM shop.t WHERE id = 2; INSERT INTO shop.t VALUES (4, 'y', 20)",
      "content",
    ],
  ])("%s", async (_, sql, what) => {
    await make(THREE);
    expect((await aroundChange(["id", "a", "n"], sql)).found).toEqual([what]);
  });

  test("values swapped between rows, whichever they are", async () => {
    await make(
      "CREATE TABLE shop.t (id int, a int); INSERT INTO shop.t SELECT i, i FROM generate_series(1, 24) i",
    );
    const seen = new Set<string | null>([(await contentOf(["id", "a"])).checksum]);
    for (let id = 1; id < 24; id += 2) {
      await session.exec(
        `UPDATE shop.t SET a = CASE a WHEN ${id} THEN ${id + 1} ELSE ${id} END WHERE id IN (${id}, ${id + 1})`,
      );
      seen.add((await contentOf(["id", "a"])).checksum);
    }
    expect(seen.size).toBe(13);
  });

  test("values swapped between columns", async () => {
    await make("CREATE TABLE shop.t (a text, b text); INSERT INTO shop.t VALUES ('x', 'y')");
    expect((await aroundChange(["a", "b"], "UPDATE shop.t SET a = b, b = a")).found).toEqual(["content"]);
  });

  test("the loss of two equal rows, and two equal rows instead of two others", async () => {
    await make("CREATE TABLE shop.t (a int); INSERT INTO shop.t VALUES (1), (2), (2)");
    const { before, after, found } = await aroundChange(["a"], "DELETE FROM shop.t WHERE a = 2");
    expect(found).toEqual(["rows"]);
    expect(after.checksum).not.toBe(before.checksum);
    await session.exec("INSERT INTO shop.t VALUES (3), (3)");
    expect(compareContents([before], [await contentOf(["a"])]).map(({ what }) => what)).toEqual(["content"]);
  });

  test.each([
    ["1.0 that became 1.00", "numeric", "1.0", "1.00"],
    ["0.0 that became -0.0", "float8", "0.0", "-0.0"],
    ["the last digit of a float", "float8", "0.1", "0.10000000000000002"],
    ["a day that became 24 hours", "interval", "1 day", "24:00:00"],
    ["a number of scale 1 in an array", "numeric[]", "{1.0}", "{1.00}"],
    ["an array's dimensions", "int[]", "{1,2,3,4}", "{{1,2},{3,4}}"],
    ["an array's lower bound", "text[]", "{a}", "[0:0]={a}"],
    ["an element of a vector", "public.vector(3)", "[1,2,3]", "[1,2,4]"],
    ["the white space of a json", "json", '{"a":1}', '{"a": 1}'],
    ["a value in a jsonb", "jsonb", '{"a":1}', '{"a":2}'],
    ["a text search vector", "tsvector", "a:1", "a:2"],
    ["an xml", "xml", "<a/>", "<b/>"],
    ["a point", "point", "(1,2)", "(1,3)"],
    ["an amount of money", "money", "1.50", "1.51"],
    ["a letter's case", "text", "a", "A"],
    ["a composite's json", "shop.pair", '(1,"{""a"":1}")', '(1,"{""a"":2}")'],
    ["a composite's array", "shop.pair[]", '{"(1,{})"}', '{"(2,{})"}'],
    ["a domain over a vector", "shop.embedding", "[1,2]", "[2,1]"],
    ["a domain over a domain over numeric", "shop.price", "1.0", "1.00"],
    ["a range of floats", "shop.span", "[1,2]", "[1,2)"],
    ["a multirange", "int4multirange", "{[1,3)}", "{[1,2),[2,4)}"],
    ["an enum", "shop.mood", "calm", "tense"],
    ["a bit string", "varbit", "01", "010"],
    ["an empty object in a list that was empty", "jsonb", "[]", "{}"],
    ["where an object ends", "jsonb", '{"a":{"b":1},"c":1}', '{"a":{"b":1,"c":1}}'],
    ["a scalar put into a list", "jsonb", '"x"', '["x"]'],
    ["where a list ends", "jsonb", "[[1],2]", "[[1,2]]"],
    ["a number's sign in a jsonb", "jsonb", '{"a":1}', '{"a":-1}'],
    ["a number's scale in a jsonb", "jsonb", '{"a":1.0}', '{"a":1.00}'],
    ["an object within a list of jsonb", "jsonb[]", "{NULL}", '{"{}"}'],
    ["a bigint's upper half", "bigint", "-1", "4294967295"],
    ["a NULL in a list, and NaN", "float8[]", "{NULL}", "{NaN}"],
    ["infinite numbers", "numeric", "Infinity", "-Infinity"],
    ["the blanks after a char without a length", "bpchar", "a", "a "],
    ["a function of the same name", "regproc", "1396", "1397"],
    ["an enum in a composite", "shop.felt", "(calm)", "(tense)"],
    ["a network", "cidr", "10.0.0.0/8", "10.0.0.0/16"],
  ])("%s", async (_, type, was, is) => {
    await make(`
      CREATE TYPE shop.pair AS (a int, b json); CREATE DOMAIN shop.embedding AS public.vector(2);
      CREATE DOMAIN shop.amount AS numeric; CREATE DOMAIN shop.price AS shop.amount;
      CREATE TYPE shop.span AS RANGE (subtype = float8); CREATE TYPE shop.mood AS ENUM ('calm', 'tense');
      CREATE TYPE shop.felt AS (m shop.mood);
      CREATE TABLE shop.t (v ${type}); INSERT INTO shop.t VALUES (NULL), ('${was}')`);
    expect((await aroundChange(["v"], `UPDATE shop.t SET v = '${is}' WHERE v IS NOT NULL`)).found).toEqual([
      "content",
    ]);
    expect((await aroundChange(["v"], `UPDATE shop.t SET v = '${is}' WHERE v IS NOT NULL`)).found).toEqual(
      [],
    );
  });
});

test.each([
  ["jsonb", "{}"],
  ["jsonb", "[]"],
  ["jsonb", "null"],
  ["numeric", "NaN"],
  ["float8", "0"],
  ["text", ""],
  ["bytea", ""],
  ["int", "0"],
  ["boolean", "f"],
  ["shop.pair", "(,)"],
  ["shop.opaque", "{}"],
])("a content checksum notices that NULL of type %s became '%s'", async (type, value) => {
  await make(`CREATE TYPE shop.pair AS (a int, b json); CREATE DOMAIN shop.opaque AS jsonb;
    CREATE TABLE shop.t (id int, v ${type}); INSERT INTO shop.t VALUES (1, NULL), (2, NULL)`);
  const { found } = await aroundChange(["id", "v"], `UPDATE shop.t SET v = '${value}' WHERE id = 2`);
  expect(found).toEqual(["content"]);
});

describe("a content checksum does not notice", () => {
  test("that an enum, and what holds it, was made again with one label more", async () => {
    await make(`CREATE TYPE shop.mood AS ENUM ('calm', 'tense');
      CREATE TABLE shop.t (m shop.mood, l shop.mood[]);
      INSERT INTO shop.t VALUES ('calm', '{tense,calm}'), ('tense', '{}'), (NULL, '{NULL}')`);
    const again = `CREATE TYPE shop.other AS ENUM ('tense', 'new', 'calm');
      ALTER TABLE shop.t ALTER m TYPE shop.other USING m::text::shop.other,
                         ALTER l TYPE shop.other[] USING l::text[]::shop.other[];
      DROP TYPE shop.mood; ALTER TYPE shop.other RENAME TO mood`;
    expect((await aroundChange(["m", "l"], again)).found).toEqual([]);
  });

  test("that a table which a regclass names was made again under its name", async () => {
    await make(`CREATE TABLE shop.named (); CREATE TABLE shop.t (r regclass, l regclass[]);
      INSERT INTO shop.t VALUES ('shop.named', '{shop.named}')`);
    const again = `CREATE TABLE shop.other (); DROP TABLE shop.named; ALTER TABLE shop.other RENAME TO named;
      UPDATE shop.t SET r = 'shop.named', l = '{shop.named}'`;
    expect((await aroundChange(["r", "l"], again)).found).toEqual([]);
  });

  test.each([
    ["int", "bigint", "-7"],
    ["smallint", "int", "7"],
    ["varchar(20)", "text", "a"],
    ["char(5)", "text", "a"],
    ["char(5)", "char(9)", "a"],
    ["timestamp", "timestamptz", "2026-01-01 12:00"],
  ])("that a column became wider, from %s to %s: the catalog shows it", async (was, is, value) => {
    await make(
      `SET TimeZone = 'UTC'; CREATE TABLE shop.t (v ${was}); INSERT INTO shop.t VALUES ('${value}'), (NULL)`,
    );
    expect((await aroundChange(["v"], `ALTER TABLE shop.t ALTER v TYPE ${is}`)).found).toEqual([]);
  });

  test("the order in which rows lie", async () => {
    await make(
      "CREATE TABLE shop.t (a int, b text); INSERT INTO shop.t SELECT i, 'row ' || i FROM generate_series(1, 200) i",
    );
    const again =
      "CREATE TABLE shop.u AS TABLE shop.t; TRUNCATE shop.t; INSERT INTO shop.t SELECT * FROM shop.u ORDER BY b DESC";
    const { before, after, found } = await aroundChange(["a", "b"], again);
    expect(found).toEqual([]);
    expect(after).toEqual(before);
  });

  test("a column that came later", async () => {
    await make("CREATE TABLE shop.t (a int); INSERT INTO shop.t VALUES (1), (2)");
    expect((await aroundChange(["a"], "ALTER TABLE shop.t ADD b text DEFAULT 'new'")).found).toEqual([]);
  });

  test.each([
    "SET TimeZone = 'Asia/Tokyo'",
    "SET DateStyle = 'German'",
    "SET IntervalStyle = 'iso_8601'",
    "SET extra_float_digits = -15",
    "SET bytea_output = 'escape'",
    "SET search_path = ''",
    "SET search_path = shop, public",
  ])("how the session spells values: %s", async (setting) => {
    await make(`
      CREATE TYPE shop.all_of_it AS (at timestamptz, every interval, f float8, b bytea, j json, v public.vector(2));
      CREATE TABLE shop.t (a shop.all_of_it, at timestamptz, ats timestamptz[], every interval, f float8, b bytea, d date);
      INSERT INTO shop.t VALUES (ROW(now(), '1 day 2 hours', 0.1, '\\xdead', '{}', '[0.1,2]'), now(), ARRAY[now()],
        '1 mon 3 days', 1/3.0::float8, '\\xbeef', '2026-02-01')`);
    expect((await aroundChange(["a", "at", "ats", "every", "f", "b", "d"], setting)).found).toEqual([]);
  });
});

describe("tables that are out of the ordinary", () => {
  test("a hostile name, and hostile columns, are read as what they are", async () => {
    await make(`
      CREATE TABLE shop."t""; DROP TABLE shop.victim; --€ñ" ("a""b" int, "c;--" text, "Ünï 'q'" text, "{},\\" int);
      CREATE TABLE shop.victim (); INSERT INTO shop."t""; DROP TABLE shop.victim; --€ñ" VALUES (1, 'x', 'y', 2)`);
    const tables = await listTables(session);
    expect(tables).toEqual([
      {
        table: `shop."t""; DROP TABLE shop.victim; --€ñ"`,
        columns: ['a"b', "c;--", "Ünï 'q'", "{},\\"],
        blocks: 1,
      },
      { table: "shop.victim", columns: [], blocks: 0 },
    ]);
    const [{ table = "", columns = [] } = {}] = tables;
    const content = await takeTableContent(session, table, columns, "full");
    expect(content).toMatchObject({ table, columns, rows: "1" });
  });

  test("of more columns than calls can be nested in one another", async () => {
    const columns = Array.from({ length: 1000 }, (_, n) => `c${n}`);
    await make(`CREATE TABLE shop.t (${columns.map((name) => `${name} smallint`).join(", ")});
      INSERT INTO shop.t VALUES (${columns.map(() => "1").join(", ")})`);
    for (const column of ["c0", "c150", "c999"])
      expect((await aroundChange(columns, `UPDATE shop.t SET ${column} = 2`)).found).toEqual(["content"]);
  });

  test("no columns, no rows", async () => {
    await make("CREATE TABLE shop.t ()");
    expect(await contentOf([])).toEqual({ table: "shop.t", columns: [], rows: "0", checksum: "0" });
    await session.exec("INSERT INTO shop.t DEFAULT VALUES");
    expect((await contentOf([])).rows).toBe("1");
  });

  test("a partitioned table is its leaves, and a parent's rows are its own only", async () => {
    await make(`
      CREATE TABLE shop.p (a int) PARTITION BY RANGE (a);
      CREATE TABLE shop.p1 PARTITION OF shop.p FOR VALUES FROM (0) TO (10);
      CREATE TABLE shop.t (a int); CREATE TABLE shop.t_child () INHERITS (shop.t);
      INSERT INTO shop.p VALUES (1); INSERT INTO shop.t VALUES (1); INSERT INTO shop.t_child VALUES (1), (2)`);
    expect((await listTables(session)).map(({ table }) => table)).toEqual([
      "shop.p1",
      "shop.t",
      "shop.t_child",
    ]);
    expect((await contentOf(["a"])).rows).toBe("1");
  });

  test("only what holds rows of the application is listed, and only columns that hold something", async () => {
    await make(`
      CREATE TABLE shop.t (a int, gone int, s int GENERATED ALWAYS AS (a + 1) STORED, v int GENERATED ALWAYS AS (a) VIRTUAL);
      ALTER TABLE shop.t DROP gone; CREATE VIEW shop.w AS TABLE shop.t; CREATE SEQUENCE shop.s;
      CREATE TEMP TABLE passing (); CREATE SCHEMA sluice; CREATE TABLE sluice.ledger ()`);
    const tables = await listTables(session);
    await session.exec("DROP SCHEMA sluice CASCADE; DROP TABLE passing");
    expect(tables).toEqual([{ table: "shop.t", columns: ["a", "s"], blocks: 0 }]);
  });

  test("a dropped table is missing, a dropped column is named", async () => {
    await make("CREATE TABLE shop.t (a int, b int); INSERT INTO shop.t VALUES (1, 2)");
    const before = await contentOf(["a", "b"]);
    await session.exec("ALTER TABLE shop.t DROP b");
    expect(compareContents([before], [await contentOf(["a", "b"])])).toEqual([
      { table: "shop.t", what: "missing column", text: 'shop.t: without "b"' },
    ]);
    await session.exec("DROP TABLE shop.t");
    expect(compareContents([before], [await contentOf(["a", "b"])])).toEqual([
      { table: "shop.t", what: "missing table", text: "shop.t: the table is missing; it had 1 row" },
    ]);
  });

  test("rows that a policy would hide are an error, never a smaller sum", async () => {
    await make(`
      CREATE TABLE shop.t (a int); INSERT INTO shop.t VALUES (1), (2); ALTER TABLE shop.t ENABLE ROW LEVEL SECURITY;
      CREATE POLICY p ON shop.t USING (a = 1); GRANT USAGE ON SCHEMA shop TO reader; GRANT SELECT ON shop.t TO reader;
      SET ROLE reader`);
    await expect(contentOf(["a"])).rejects.toMatchObject({ code: "42501" });
  });

  test("the session's settings are as they were afterwards", async () => {
    await make("CREATE TABLE shop.t (a int); SET TimeZone = 'Asia/Tokyo'; SET search_path = shop");
    await contentOf(["a"]);
    const [state] = await session.query(
      "SELECT current_setting('TimeZone') AS zone, current_setting('search_path') AS path, current_setting('row_security') AS row_security",
    );
    expect(state).toEqual({ zone: "Asia/Tokyo", path: "shop", row_security: "on" });
  });
});

describe("modes", () => {
  const MANY = (rows: number, key = "PRIMARY KEY") =>
    `CREATE TABLE shop.t (id int ${key}, wide text); INSERT INTO shop.t SELECT i, 'w' || i FROM generate_series(1, ${rows}) i;`;

  test("count: rows only", async () => {
    await make(MANY(5));
    expect(await contentOf(["id", "wide"], "shop.t", "count")).toEqual({
      table: "shop.t",
      columns: ["id", "wide"],
      rows: "5",
      checksum: null,
    });
  });

  test.each(["PRIMARY KEY", ""])(
    "sample: the same rows wherever they lie, so that a change to most rows shows (key: '%s')",
    async (key) => {
      await make(MANY(12_000, key));
      const shuffled =
        "CREATE TABLE shop.u AS TABLE shop.t; TRUNCATE shop.t; INSERT INTO shop.t SELECT * FROM shop.u ORDER BY wide DESC";
      const { before, found } = await aroundChange(["id", "wide"], shuffled, "sample");
      expect(before.checksum).toMatch(/^sample:-?[1-9]/);
      expect(found).toEqual([]);
      expect(
        (await aroundChange(["id", "wide"], "UPDATE shop.t SET wide = wide || '.'", "sample")).found,
      ).toEqual(["content"]);
    },
  );

  test("sample: every row counts, and a small table is read in full", async () => {
    await make(MANY(50));
    expect(
      (await aroundChange(["id", "wide"], "UPDATE shop.t SET wide = '.' WHERE id = 7", "sample")).found,
    ).toEqual(["content"]);
    expect((await aroundChange(["id", "wide"], "DELETE FROM shop.t WHERE id = 7", "sample")).found).toEqual([
      "rows",
    ]);
  });

  test("readings of different modes are not equal", async () => {
    await make(MANY(3));
    const [full, count] = [await contentOf(["id"]), await contentOf(["id"], "shop.t", "count")];
    expect(compareContents([full], [count])).toEqual([
      {
        table: "shop.t",
        what: "not comparable",
        text: "shop.t: read in full before, only counted now",
      },
    ]);
  });
});

describe("sums of columns", () => {
  const PEOPLE = `CREATE TABLE shop.t (id int PRIMARY KEY, email text, settings jsonb, at timestamptz);
    INSERT INTO shop.t SELECT i, 'A' || i, NULL, '2026-01-01' FROM generate_series(1, 50) i;`;
  const COLUMNS = ["id", "email", "settings", "at"];
  const summed = (key?: string[]) =>
    takeTableContent(session, "shop.t", COLUMNS, "full", { sums: true, key });
  async function around(sql: string) {
    const before = await summed();
    await session.exec(sql);
    return compareContents([before], [await summed(before.key)]).map(({ text }) => text);
  }

  test.each([
    ["UPDATE shop.t SET email = lower(email) WHERE id = 7", 'with other values in "email"'],
    [
      "UPDATE shop.t SET settings = '{}', at = at + interval '1 us' WHERE id < 3",
      'with other values in "settings", "at"',
    ],
    [
      "UPDATE shop.t SET email = CASE id WHEN 1 THEN 'A2' ELSE 'A1' END WHERE id < 3",
      'with other values in "email"',
    ],
    ["UPDATE shop.t SET id = 99 WHERE id = 7", 'not the same ones: other values in the key ("id")'],
  ])("name the columns that differ: %s", async (sql, words) => {
    await make(PEOPLE);
    expect(await around(sql)).toEqual([`shop.t: 50 rows as before, but ${words}`]);
  });

  test("without a key, values that moved between rows are reported", async () => {
    await make("CREATE TABLE shop.t (id int, email text, settings jsonb, at timestamptz)");
    await session.exec("INSERT INTO shop.t VALUES (1, 'x'), (2, 'y')");
    expect(await around("UPDATE shop.t SET id = 3 - id")).toEqual([
      "shop.t: 2 rows as before, but values moved from row to row",
    ]);
    expect(await around("UPDATE shop.t SET id = 3 WHERE id = 1")).toEqual([
      'shop.t: 2 rows as before, but with other values in "id"',
    ]);
  });

  test("leave the checksum unchanged, and stay comparable if the key is dropped", async () => {
    await make(PEOPLE);
    const before = await summed();
    expect(before).toMatchObject(await contentOf(COLUMNS));
    await session.exec("ALTER TABLE shop.t DROP CONSTRAINT t_pkey");
    expect(await summed(before.key)).toEqual(before);
    expect((await summed()).key).toEqual([]);
  });

  test("of disjoint parts add up to those of the whole", async () => {
    await make(PEOPLE);
    const whole = await summed();
    const parts = [];
    for (const where of ["id <= 20", "id > 20"])
      parts.push(await takeTableContent(session, "shop.t", COLUMNS, "full", { sums: true, where }));
    expect(joinParts(parts, "full")).toEqual(whole);
  });
});

test("a difference is shown in one readable line", () => {
  const content = { table: "shop.t", columns: ["a"], rows: "10", checksum: "1" };
  expect(compareContents([content], [{ ...content, rows: "9" }])).toEqual([
    { table: "shop.t", what: "rows", text: "shop.t: 10 rows before, 9 rows now (-1)" },
  ]);
  expect(compareContents([content], [{ ...content, checksum: "2" }])).toEqual([
    { table: "shop.t", what: "content", text: "shop.t: 10 rows as before, but not the same ones" },
  ]);
  expect(compareContents([content], [])).toMatchObject([{ what: "missing table" }]);
});
