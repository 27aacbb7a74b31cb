import { afterEach, beforeEach, expect, test } from "vitest";
import { takeFingerprint } from "../../lambdas/proof/catalog.ts";
import { scopeInWords, scopeOf } from "../../lambdas/proof/scope.ts";
import { viewModes } from "../../lambdas/proof/subjects.ts";
import { differencesOfViews, takeViews } from "../../lambdas/proof/views.ts";
import { useEmbedded } from "../support/embedded.ts";

const session = useEmbedded();

const VIEW = "CREATE MATERIALIZED VIEW shop.totals AS SELECT a, sum(b) AS b FROM shop.t GROUP BY a";
beforeEach(() =>
  session.exec(`CREATE SCHEMA shop; CREATE TABLE shop.t (a int, b int); INSERT INTO shop.t VALUES (1, 10), (2, 20);
    ${VIEW}; CREATE MATERIALIZED VIEW shop.later AS SELECT 1 AS x WITH NO DATA`),
);
afterEach(() => session.exec("ROLLBACK; RESET ROLE; DROP SCHEMA shop CASCADE"));

const ALL = new Map();
async function after(sql: string) {
  const before = await takeViews(session, ALL);
  await session.exec(sql);
  return await differencesOfViews(session, before, await takeViews(session, ALL));
}

test.each([
  [
    "a view that was made again and not populated",
    `DROP MATERIALIZED VIEW shop.totals; ${VIEW} WITH NO DATA`,
    ["shop.totals: the materialized view is not populated, 2 rows before"],
  ],
  [
    "rows that went while it was refreshed",
    "BEGIN; DELETE FROM shop.t WHERE a = 2; REFRESH MATERIALIZED VIEW shop.totals; INSERT INTO shop.t VALUES (2, 20); COMMIT",
    ["shop.totals: 2 rows before, 1 row now (-1); its query now gives something else"],
  ],
  [
    "values that changed while it was refreshed",
    "UPDATE shop.t SET b = 21 WHERE a = 2; REFRESH MATERIALIZED VIEW shop.totals; UPDATE shop.t SET b = 20 WHERE a = 2",
    ['shop.totals: 2 rows as before, but with other values in "b"; its query now gives something else'],
  ],
])("the contents of a materialized view are held: %s", async (_, sql, found) => {
  expect(await after(sql)).toEqual(found);
});

test.each([
  ["refreshed", "REFRESH MATERIALIZED VIEW shop.totals"],
  ["made again", `DROP MATERIALIZED VIEW shop.totals; ${VIEW}`],
  ["populated for the first time", "REFRESH MATERIALIZED VIEW shop.later"],
  ["stale, and refreshed now", "INSERT INTO shop.t VALUES (3, 30); REFRESH MATERIALIZED VIEW shop.totals"],
  ["stale, as it was", "INSERT INTO shop.t VALUES (3, 30)"],
])("no alarm for one that was %s", async (_, sql) => {
  expect(await after(sql)).toEqual([]);
});

test("a view that this role may not read is named as not read", async () => {
  await session.exec("CREATE ROLE viewer; GRANT USAGE ON SCHEMA shop TO viewer; SET ROLE viewer");
  const views = await takeViews(session, ALL);
  await session.exec("RESET ROLE; DROP OWNED BY viewer; DROP ROLE viewer");
  expect(views.map(({ table, notRead }) => [table, notRead])).toEqual([
    ["shop.later", "not populated"],
    ["shop.totals", "may not"],
  ]);
});

test("the plan may have one only counted", async () => {
  const [, totals] = await takeViews(session, new Map([["shop.totals", "count"]]));
  expect(totals).toMatchObject({ rows: "2", checksum: null });
});

test("a view that the plan leaves out is not compared, and the scope states it", async () => {
  await session.exec("CREATE MATERIALIZED VIEW shop.clock AS SELECT clock_timestamp() AS t");
  const modes = await viewModes(session, { "shop.clock": "none" });
  const before = await takeViews(session, modes);
  await session.exec("REFRESH MATERIALIZED VIEW shop.clock");
  const after = await takeViews(session, modes);
  expect(await differencesOfViews(session, before, after)).toEqual([]);
  const rest = { tables: [], sequences: [], growing: [], largeObjects: undefined, unproven: 0 };
  const catalog = await takeFingerprint(session);
  expect(scopeInWords(scopeOf({ catalog, views: before, ...rest }))).toContain(
    "Not proven: the contents of 1 materialized view (left out, as the plan requests), the contents of 1 materialized view (not read).",
  );
  // If the plan does not declare it, it is a difference.
  const all = await takeViews(session, ALL);
  await session.exec("REFRESH MATERIALIZED VIEW shop.clock");
  expect(await differencesOfViews(session, all, await takeViews(session, ALL))).toHaveLength(1);
});
