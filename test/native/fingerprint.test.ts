import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { takeFingerprint } from "../../lambdas/proof/catalog.ts";
import { listTables, type TableContent, takeTableContent } from "../../lambdas/proof/checksums.ts";
import { compareContents } from "../../lambdas/proof/compare-contents.ts";
import { describeDifference, differences } from "../../lambdas/proof/difference.ts";
import { pgSession } from "../../lambdas/shared/pg-session.ts";
import type { Session } from "../../lambdas/shared/session.ts";

const SERVER = process.env.SLUICE_NATIVE_URL ?? "postgres://postgres@127.0.0.1:54329/postgres";
const name = `fingerprint_${process.pid}`;
const [original, copy, owner] = [name, `${name}_copy`, `${name}_owner`];

const clients: pg.Client[] = [];

async function connect(database: string, role?: string): Promise<Session> {
  const url = new URL(SERVER);
  url.pathname = `/${database}`;
  const client = new pg.Client({ connectionString: url.toString() });
  client.on("error", () => undefined);
  await client.connect();
  clients.push(client);
  if (role) await client.query(`SET SESSION AUTHORIZATION ${role}`);
  return pgSession(client);
}

async function disconnect(): Promise<void> {
  await Promise.all(clients.splice(0).map((client) => client.end().catch(() => undefined)));
}

let admin: Session;
let session: Session;

beforeAll(async () => {
  admin = await connect("postgres");
  await admin.exec(`CREATE ROLE ${owner}`);
  await admin.exec(`CREATE DATABASE ${original} OWNER ${owner}`);
  const made = await connect(original, owner);
  await made.exec(`
    CREATE EXTENSION pg_trgm;
    CREATE TABLE customers (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text UNIQUE, since timestamptz DEFAULT '2026-01-01 00:00:00+00');
    CREATE TABLE orders (id bigint PRIMARY KEY, customer int REFERENCES customers, total numeric, note jsonb);
    INSERT INTO customers (email) SELECT i || '@example.org' FROM generate_series(1, 500) i;
    INSERT INTO orders SELECT i, 1 + i % 500, i / 7.0, jsonb_build_object('n', i) FROM generate_series(1, 200000) i;
    CREATE VIEW large AS SELECT * FROM orders WHERE total > 100;
    CREATE FUNCTION half(x int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT x / 2';
    CREATE SCHEMA sluice; CREATE TABLE sluice.ledger (id int);
    ANALYZE;
  `);
  await disconnect();
  admin = await connect("postgres");
  await admin.exec(`CREATE DATABASE ${copy} TEMPLATE ${original} OWNER ${owner}`);
  session = await connect(original);
});

afterAll(async () => {
  await disconnect();
  const last = await connect("postgres");
  for (const database of [copy, original])
    await last.exec(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
  await last.exec(`DROP ROLE IF EXISTS ${owner}`);
  await disconnect();
});

describe("a copy made from a template", () => {
  test("has the same fingerprint under another name, and with other rows and without a ledger too", async () => {
    const { hash } = await takeFingerprint(session);
    const other = await connect(copy);
    expect((await takeFingerprint(other)).hash).toBe(hash);
    await other.exec(
      "DROP SCHEMA sluice CASCADE; ALTER TABLE customers ADD gone int; ALTER TABLE customers DROP gone",
    );
    expect((await takeFingerprint(other)).hash).toBe(hash);
    await other.exec("CREATE INDEX left_behind ON orders (total)");
    const found = differences(await takeFingerprint(session), await takeFingerprint(other));
    expect(found.map(describeDifference)).toEqual(["index public.left_behind added"]);
  });

  test("has the same fingerprint when a view, a column and a table were dropped and made again as they were", async () => {
    const other = await connect(copy, owner);
    await other.exec("CREATE TABLE made (id int, note text); ALTER TABLE orders ADD added int");
    const before = await takeFingerprint(other);
    await other.exec(`
      DROP VIEW large; CREATE VIEW large AS SELECT id, customer, total, note FROM orders WHERE total > 100;
      DROP TABLE made; CREATE TABLE made (id int, note text);
      ALTER TABLE orders DROP added; ALTER TABLE orders ADD added int`);
    const again = await takeFingerprint(other);
    await other.exec("DROP TABLE made; ALTER TABLE orders DROP added");
    expect(differences(before, again).map(describeDifference)).toEqual([]);
  });

  test("has the same contents, until a single value changes", async () => {
    const other = await connect(copy, owner);
    const tables = await listTables(session);
    expect(tables.map(({ table }) => table)).toEqual(["public.customers", "public.orders"]);
    const read = async (from: Session) => {
      const contents: TableContent[] = [];
      for (const { table, columns } of tables)
        contents.push(await takeTableContent(from, table, columns, "full"));
      return contents;
    };
    const before = await read(session);
    expect(compareContents(before, await read(other))).toEqual([]);
    await other.exec("UPDATE orders SET total = total + 0.01 WHERE id = 77777");
    expect(compareContents(before, await read(other)).map(({ text }) => text)).toEqual([
      "public.orders: 200000 rows as before, but not the same ones",
    ]);
  });
});

test("the owner, who is no superuser, gets what the superuser gets, whatever the session's settings", async () => {
  const { hash } = await takeFingerprint(session);
  const other = await connect(original, owner);
  await other.exec(`
    SET search_path = public; SET TimeZone = 'Asia/Tokyo'; SET DateStyle = 'German'; SET quote_all_identifiers = on;
    SET extra_float_digits = -10; SET IntervalStyle = 'iso_8601'; SET default_transaction_isolation = 'serializable'`);
  expect((await takeFingerprint(other)).hash).toBe(hash);
});

test("an index whose concurrent build failed is noticed, and gone when it is dropped", async () => {
  const before = await takeFingerprint(session);
  await expect(
    session.exec("CREATE UNIQUE INDEX CONCURRENTLY failed ON orders (customer)"),
  ).rejects.toMatchObject({ code: "23505" });
  const found = differences(before, await takeFingerprint(session));
  expect(found).toMatchObject([{ kind: "index", name: "public.failed", change: "added" }]);
  expect(found[0]?.after).toContain("\ninvalid");
  await session.exec("DROP INDEX CONCURRENTLY failed");
  expect((await takeFingerprint(session)).hash).toBe(before.hash);
});

test("parallel workers sum to what one process sums to", async () => {
  const other = await connect(original);
  const columns = ["id", "customer", "total", "note"];
  await other.exec("SET max_parallel_workers_per_gather = 0");
  const alone = await takeTableContent(other, "public.orders", columns, "full");
  await other.exec(
    "SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0",
  );
  expect(await takeTableContent(other, "public.orders", columns, "full")).toEqual(alone);
});

test("while another session holds DDL open, it does not wait, and sees the catalog as it was", async () => {
  const before = await takeFingerprint(session);
  const other = await connect(original);
  await other.exec("BEGIN; CREATE TABLE half_made (); DROP FUNCTION half(int)");
  const meanwhile = await takeFingerprint(session);
  await other.exec("ROLLBACK");
  expect(meanwhile.hash).toBe(before.hash);
});

test("a thousand tables of twenty columns take seconds, not minutes", async () => {
  const other = await connect(copy, owner);
  await other.exec(`
    DO $$ BEGIN FOR i IN 1..1000 LOOP
      EXECUTE format('CREATE TABLE many_%s (id int PRIMARY KEY, %s)', i,
        (SELECT string_agg('c' || j || ' text NOT NULL DEFAULT ''x''', ',') FROM generate_series(1, 19) j));
    END LOOP; END $$`);
  const start = performance.now();
  const { objects } = await takeFingerprint(other);
  expect(objects.length).toBeGreaterThan(20_000);
  expect(performance.now() - start).toBeLessThan(10_000);
});
