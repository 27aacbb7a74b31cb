import { describe, expect, test } from "vitest";
import { NONE, TOOL_TABLES, TOOLS, type Tool } from "../../../lambdas/shared/tool-rows.ts";
import { loadPlan } from "../../../lib/plan/compile.ts";
import { changedPlan } from "../../support/rehearsal.ts";
import { TOOL_TABLES_MADE } from "../../support/tool-tables.ts";

/** The tiny plan with a tool's table, and the rows of its two migrations. */
const planWith = (schema: object, ...rows: (object | undefined)[]) =>
  changedPlan({
    "plan.yaml": (text) =>
      ["002_notes", "003_labels"].reduce(
        (t, folder, place) =>
          rows[place] === undefined
            ? t
            : t.replace(`folder: ${folder}`, `row: ${JSON.stringify(rows[place])}, folder: ${folder}`),
        text.replace(/^schema: .*$/m, `schema: ${JSON.stringify({ expectedVersion: "1", ...schema })}`),
      ),
  });

describe("a plan with a tool's table", () => {
  test.each(TOOLS)("of %s is compiled with the rows of its migrations", async (tool) => {
    const [first, second] = TOOL_TABLES_MADE[tool].rows;
    const { plan } = await loadPlan(await planWith({ tool }, first, [second, second]));
    expect(plan.schema).toEqual({ tool, table: TOOL_TABLES[tool], expectedVersion: "1" });
    expect(plan.migrations.map(({ rows }) => rows?.length)).toEqual([1, 2]);
    expect(plan.migrations[0]?.rows?.[0]).toMatchObject({ tool });
  });

  test.each<[Tool, object]>([
    ["dbmate", { version: "002" }],
    ["golang-migrate", { version: "002" }],
    ["goose", { version_id: "002" }],
    ["tern", { version: "002" }],
  ])("of %s, which identifies a migration by its number, needs no row", async (tool, row) => {
    const { plan } = await loadPlan(await planWith({ tool, table: "elsewhere", expectedVersion: NONE }));
    expect(plan.migrations[0]?.rows).toEqual([{ tool, ...row }]);
    expect(plan.schema?.table).toBe("elsewhere");
  });

  test("without a tool has no rows", async () => {
    const { plan } = await loadPlan(await planWith({}));
    expect(plan.schema).toEqual({ table: "schema_migrations", expectedVersion: "1" });
    expect(plan.migrations.every(({ rows }) => rows === undefined)).toBe(true);
  });

  test.each<[string, object, object | undefined, RegExp]>([
    ["an unknown tool", { tool: "flywya" }, undefined, /schema\.tool: .*flyway/],
    ["a row without a tool", {}, { version: "2" }, /migrations\[0\]\.row: .*Name the tool/],
    ["no row", { tool: "flyway" }, undefined, /migrations\[0\]\.row: is missing\. .*flyway.*sluice import/],
    [
      "a missing key",
      { tool: "flyway" },
      { version: "2", description: "x", checksum: 1 },
      /migrations\[0\]\.row\.script: is missing\. .*flyway/,
    ],
    [
      "an extra key",
      { tool: "knex" },
      { name: "x.js", batch: 3 },
      /migrations\[0\]\.row: .*batch.*knex's own table/,
    ],
    ["an empty list", { tool: "knex" }, [], /migrations\[0\]\.row/],
    ["a name that is no row", { tool: "knex" }, ["x.js"], /migrations\[0\]\.row/],
    [
      "the second row of a list",
      { tool: "knex" },
      [{ name: "x.js" }, { nome: "y.js" }],
      /migrations\[0\]\.row\[1\]\.name: is missing/,
    ],
    [
      "a number where leading zeros count",
      { tool: "dbmate" },
      { version: 2 },
      /row\.version: digits, in quotes: "001" is not "1"/,
    ],
    [
      "a checksum that is cut off",
      { tool: "sqlx" },
      { version: 2, description: "", checksum: "ab" },
      /SHA-384 of|SHA-384 in 96|96 hexadecimal/,
    ],
    [
      "a checksum beyond 32 bits",
      { tool: "flyway" },
      { version: "2", description: "x", script: "x", checksum: 4294967295 },
      /row\.checksum: /,
    ],
    [
      "a tool that is named twice",
      { tool: "knex" },
      { tool: "knex", name: "x.js" },
      /row\.tool: belongs under schema/,
    ],
    [
      "an invalid table name",
      { tool: "knex", table: "x; DROP" },
      { name: "x.js" },
      /schema\.table: a table's name/,
    ],
  ])("is refused for %s, with the key and what to do", async (_what, schema, row, words) => {
    await expect(loadPlan(await planWith(schema, row))).rejects.toThrow(words);
  });
});
