import { loadModule } from "libpg-query";
import { beforeAll, describe, expect, test } from "vitest";
import { parseCheckFile, parseSqlFile } from "../../../lib/plan/sql-file.ts";

beforeAll(() => loadModule());

const parse = (sql: string, mark = "") =>
  parseSqlFile("001_a/migrate.sql", `-- sluice: step "it"${mark}\n${sql}`);

describe("a statement that reaches outside the database is refused in a step without the mark", () => {
  test.each([
    ["SELECT dblink_exec('host=billing dbname=x', 'DELETE FROM t')"],
    ["SELECT * FROM public.dblink('billing', 'SELECT 1') AS t (a int)"],
    ["INSERT INTO t SELECT a FROM dblink('billing', 'SELECT 1') AS d (a int)"],
    ["WITH sent AS (SELECT dblink_send_query('c', 'SELECT 1')) SELECT * FROM sent"],
    ["UPDATE t SET a = (SELECT status FROM http_post('https://x', '{}', 'text/plain'))"],
    ["SELECT net.http_post(url := 'https://x')"],
    ["SELECT aws_lambda.invoke('arn', '{}')"],
    ["SELECT * FROM aws_s3.query_export_to_s3('SELECT 1', 'bucket')"],
    ["COPY t TO PROGRAM 'curl https://x'"],
    ["COPY t FROM PROGRAM 'curl https://x'"],
    ["COPY t TO '/tmp/t.csv'"],
    ["SELECT lo_export(1, '/tmp/x')"],
    ["CREATE USER MAPPING FOR app SERVER billing OPTIONS (user 'app')"],
    ["ALTER USER MAPPING FOR app SERVER billing OPTIONS (SET user 'app')"],
    ["IMPORT FOREIGN SCHEMA public FROM SERVER billing INTO public"],
    ["DO $$ BEGIN PERFORM dblink_connect('host=billing'); END $$"],
    ["DO $$ BEGIN EXECUTE 'COPY t TO PROGRAM ''cat'''; END $$"],
    ["DO LANGUAGE plpython3u $$ import requests $$"],
    [
      "CREATE FUNCTION ship() RETURNS int LANGUAGE sql AS $$ SELECT 1 FROM dblink('a', 'b') AS t (a int) $$; SELECT ship()",
    ],
    [
      "CREATE FUNCTION ship() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM http_get('x'); RETURN NEW; END $$; CREATE TRIGGER t AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION ship()",
    ],
  ])("%s", (sql) => {
    expect(() => parse(sql)).toThrow(/outside: allowed/);
    expect(parse(sql, " outside: allowed").steps).toMatchObject([{ outside: true }]);
  });
});

describe("a statement that only looks similar is accepted", () => {
  test.each([
    ["CREATE EXTENSION dblink"],
    ["CREATE FOREIGN TABLE t (a int) SERVER billing"],
    ["DROP USER MAPPING FOR app SERVER billing"],
    ["CREATE FUNCTION ship() RETURNS int LANGUAGE sql AS $$ SELECT 1 FROM dblink('a', 'b') AS t (a int) $$"],
    ["COPY t FROM '/tmp/t.csv'"],
    ["UPDATE t SET a = 'dblink(' || a"],
    ["DO $$ BEGIN /* not dblink('x') */ NULL; END $$"],
    ["COMMENT ON FUNCTION dblink(text) IS 'x'"],
    ["SELECT my_http_get_count()"],
    ["ALTER TABLE http ADD COLUMN a int"],
  ])("%s", (sql) => {
    expect(parse(sql).steps[0]?.outside).toBeUndefined();
  });
});

test("a check cannot reach outside at all", () => {
  expect(() =>
    parseCheckFile(
      "001_a/validate.sql",
      "-- sluice: check \"c\"\nSELECT true AS passed FROM dblink('a', 'b') AS t (a int);",
    ),
  ).toThrow(/a check runs many times/);
});

test("the mark stands beside the others, in either order", () => {
  for (const marks of [" rewrites outside: allowed", " outside: allowed rewrites"])
    expect(parse("CLUSTER t", marks).steps).toMatchObject([{ rewrites: true, outside: true }]);
  expect(() => parse("SELECT 1", " outside: denied")).toThrow(/not understood/);
});
