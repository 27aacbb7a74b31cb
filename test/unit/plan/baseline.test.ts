import { expect, test } from "vitest";
import { baselineSql } from "../../../lib/plan/baseline.ts";

test("rows of COPY become INSERT, and the text after them keeps its lines", () => {
  const text = [
    "CREATE TABLE t (a int, b text);",
    "COPY t (a,",
    "  b) FROM stdin;",
    "1\tit's; -- $$",
    "2\t\\N",
    "3\ttab\\there\\nline \\\\ \\x41\\101",
    "\\.",
    "COPY u FROM stdin;",
    "\\.",
    "SELECT 9;",
  ].join("\r\n");
  const sql = baselineSql("b.sql", text.replaceAll("\r\n", "\n"));
  expect(sql).toContain(
    "INSERT INTO t (a,\n  b) OVERRIDING SYSTEM VALUE VALUES ('1', 'it''s; -- $$'), ('2', NULL), ('3', E'tab\there\\nline \\\\ AA');",
  );
  expect(sql).not.toMatch(/FROM stdin|INTO u/);
  expect(sql.split("\n")[9]).toBe("SELECT 9;");
});

test("many rows become several statements, each small enough for a server", () => {
  const rows = Array.from({ length: 1_200 }, (_, n) => `${n}`).join("\n");
  const sql = baselineSql("b.sql", `COPY t FROM stdin;\n${rows}\n\\.\nSELECT 1;\n`);
  expect(sql.match(/INSERT INTO t/g)).toHaveLength(3);
  expect(sql.split("\n")[1_202]).toBe("SELECT 1;");
});

test("commands for psql or a superuser are left out of a dump, and its search_path is reset", () => {
  const lines = [
    "--",
    "-- PostgreSQL database dump",
    "--",
    "\\restrict x",
    "SELECT pg_catalog.set_config('search_path', '', false);",
    "CREATE DATABASE shop WITH TEMPLATE = template0",
    "  ENCODING = 'UTF8';",
    "ALTER DATABASE shop OWNER TO boss;",
    "\\connect shop",
    "COMMENT ON EXTENSION vector IS 'it; is';",
    'ALTER TABLE public.t OWNER TO "The Boss";',
    "ALTER FUNCTION public.f(a integer, b text) OWNER TO boss;",
    "GRANT CONNECT ON DATABASE shop TO app;",
    "GRANT SELECT ON TABLE public.t TO app;",
    "SELECT 'ALTER TABLE t OWNER TO x;';",
    "\\unrestrict x",
  ];
  const made = baselineSql("b.sql", `${lines.join("\n")}\n`).split("\n");
  expect(
    made.map((line, at) => `${at + 1}: ${line.trim()}`).filter((line) => /: (?!--)./.test(line)),
  ).toEqual([
    "5: SELECT pg_catalog.set_config('search_path', '', false);",
    "14: GRANT SELECT ON TABLE public.t TO app;",
    "15: SELECT 'ALTER TABLE t OWNER TO x;';",
    "18: RESET search_path;",
  ]);
  // From a file that people wrote, nothing is left out.
  expect(baselineSql("b.sql", "ALTER TABLE t OWNER TO boss;")).toBe("ALTER TABLE t OWNER TO boss;");
});

test("a command that cannot be left out is refused, with file and line", () => {
  expect(() =>
    baselineSql("b.sql", "SELECT 1;\n\\connect shop\nCOPY t FROM stdin WITH (FORMAT csv);\n1,2\n\\.\n"),
  ).toThrow(
    /^b\.sql: line 2: psql's own commands.*\nb\.sql: line 3: COPY FROM stdin with options is not supported/,
  );
  expect(() => baselineSql("b.sql", "COPY t FROM stdin;\n1\n")).toThrow(
    /^b\.sql: line 1: COPY FROM stdin without its rows/,
  );
});
