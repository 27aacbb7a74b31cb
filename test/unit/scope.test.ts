import { expect, test } from "vitest";
import { scopeInWords, scopeOf } from "../../lambdas/proof/scope.ts";

const looked = {
  catalog: null,
  tables: [],
  views: [],
  sequences: [],
  growing: [],
  largeObjects: undefined,
  unproven: 0,
};

test("unlogged tables that the plan leaves out are listed as not proven, a single one by name", () => {
  expect(scopeInWords(scopeOf({ ...looked, leftOut: ["app.queue"] }))).toBe(
    "Proven: nothing. Not proven: the rows of unlogged app.queue (left out, as the plan requests: a snapshot has no rows of unlogged tables).",
  );
  expect(scopeOf({ ...looked, leftOut: ["app.queue", "app.cache"] }).notProven).toEqual([
    "the rows of 2 unlogged tables (left out, as the plan requests: a snapshot has no rows of unlogged tables)",
  ]);
  expect(scopeOf(looked).notProven).toEqual([]);
});
