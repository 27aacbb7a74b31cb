import { loadModule } from "libpg-query";
import { beforeAll, describe, expect, test } from "vitest";
import { runChecks } from "../../../lambdas/validate/run-checks.ts";
import { parseCheckFile } from "../../../lib/plan/sql-file.ts";
import { useEmbedded } from "../../support/embedded.ts";

const session = useEmbedded(`
  CREATE TABLE t (x int);
  CREATE ROLE reader; CREATE ROLE writer;
  GRANT SELECT ON t TO reader; GRANT SELECT, INSERT ON t TO writer;`);
beforeAll(() => loadModule());

const run = (sql: string) => runChecks(session, parseCheckFile("v.sql", sql), ["reader", "writer"]);

describe("a check has failed", () => {
  test("when its row has passed = false, with what was expected and seen", async () => {
    expect(await run('-- sluice: check "a"\nSELECT false AS passed, 1 AS expected, 2 AS seen;')).toEqual([
      { name: "a", at: "v.sql:1", as: null, passed: false, expected: "1", seen: "2" },
    ]);
  });

  test.each([
    ["it yields no row", "SELECT true AS passed WHERE false"],
    ["its row lacks the column passed", "SELECT 1 AS one"],
    ["it yields null", "SELECT NULL::boolean AS passed, '' AS expected, '' AS seen"],
    ["it yields a word for a truth", "SELECT 'true' AS passed, '' AS expected, '' AS seen"],
  ])("when %s", async (_what, sql) => {
    expect(await run(`-- sluice: check "a"\n${sql};`)).toMatchObject([{ passed: false }]);
  });

  test("when a statement of it fails, with file, line and the server's words; the next check runs all the same", async () => {
    const results = await run(
      '-- sluice: check "a"\nSELECT 1;\nSELECT * FROM nowhere;\n-- sluice: check "b"\nSELECT true AS passed, 1 AS expected, 1 AS seen;',
    );
    expect(results).toMatchObject([
      { name: "a", passed: false, seen: expect.stringMatching(/v\.sql:3: .*nowhere/) },
      { name: "b", passed: true },
    ]);
  });
});

describe("a check", () => {
  test("leaves nothing behind of what it writes, nor a role, nor a setting", async () => {
    await run(
      `-- sluice: check "a" as writer\nINSERT INTO t VALUES (1);\nSELECT set_config('app.x', 'y', true);\nSELECT true AS passed, 1 AS expected, 1 AS seen;`,
    );
    expect(
      await session.query(
        "SELECT count(*)::int AS n, current_user = session_user AS me, coalesce(current_setting('app.x', true), '') AS x FROM t",
      ),
    ).toEqual([{ n: 0, me: true, x: "" }]);
  });

  test("runs as each application role if requested, and reports which", async () => {
    const results = await run(
      '-- sluice: check "a" as each application role\nINSERT INTO t VALUES (1);\nSELECT true AS passed, 1 AS expected, 1 AS seen;',
    );
    expect(results).toMatchObject([
      { as: "reader", passed: false, seen: expect.stringContaining("permission denied") },
      { as: "writer", passed: true },
    ]);
  });

  test("may yield many results, each by its name", async () => {
    const results = await run(
      `-- sluice: check "a"\nSELECT 'x' || n AS name, n = 1 AS passed, 1 AS expected, n AS seen FROM generate_series(1, 2) n;`,
    );
    expect(results.map(({ name, passed }) => [name, passed])).toEqual([
      ["a: x1", true],
      ["a: x2", false],
    ]);
  });

  test("that ends as another role fails, whatever it returns", async () => {
    await session.exec(`CREATE FUNCTION leave() RETURNS void LANGUAGE plpgsql AS
      $$ BEGIN PERFORM set_config(lower('ROLE'), 'none', true); END $$`);
    expect(
      await run(
        '-- sluice: check "a" as reader\nSELECT true AS passed, 1 AS expected, leave()::text AS seen;',
      ),
    ).toMatchObject([
      { passed: false, expected: "run as reader to its end", seen: expect.stringContaining("postgres") },
    ]);
  });
});
