import { type Tool, type ToolRow, toolRow } from "../../lambdas/shared/tool-rows.ts";
import type { GivenMigration } from "./folder.ts";
import { nearest } from "./nearest.ts";
import { keyPath, Mistakes, PlanError } from "./plan-error.ts";
import type { PlanFile } from "./schema.ts";

/** Rows that follow from a migration's folder, for tools that identify a migration by its number alone. */
const BY_NUMBER: Readonly<Partial<Record<Tool, (version: string) => object>>> = {
  dbmate: (version) => ({ version }),
  "golang-migrate": (version) => ({ version }),
  goose: (version) => ({ version_id: version }),
  tern: (version) => ({ version }),
};

const WRITTEN_BY = "`sluice import` writes it, and docs/version-tables.md lists its keys";

/**
 * The rows of a migration in its tool's table; none if the plan names no tool.
 * @param place the migration's index in the plan
 * @throws PlanError, or PlanErrors with all mistakes, if the tool's table could not hold them
 */
export function toolRowsOf(
  schema: PlanFile["schema"],
  { row }: GivenMigration,
  place: number,
  version: string,
): ToolRow[] {
  const path: PropertyKey[] = ["migrations", place, "row"];
  const where = keyPath(path);
  const tool = schema?.tool;
  if (tool === undefined) {
    if (row === undefined) return [];
    throw new PlanError(
      "plan.yaml",
      where,
      "is for a tool's table. Name the tool, as in schema: { tool: flyway }",
    );
  }
  const given = row ?? BY_NUMBER[tool]?.(version);
  if (given === undefined)
    throw new PlanError(
      "plan.yaml",
      where,
      `is missing. It is this migration's row in ${tool}'s own table. ${WRITTEN_BY}`,
    );
  const rows = Array.isArray(given) ? given : [given];
  const mistakes = new Mistakes();
  const parsed = rows.map((one, index) =>
    parse(tool, one, Array.isArray(given) ? [...path, index] : path, mistakes),
  );
  mistakes.refuse();
  return parsed.filter((one) => one !== undefined);
}

function parse(
  tool: Tool,
  row: object,
  path: readonly PropertyKey[],
  mistakes: Mistakes,
): ToolRow | undefined {
  const add = (within: readonly PropertyKey[], reason: string) =>
    mistakes.add("plan.yaml", keyPath([...path, ...within]), reason);
  if ("tool" in row) add(["tool"], "belongs under schema, once");
  const { success, data, error } = toolRow.safeParse({ ...row, tool });
  if (success) return data;
  const what = `It is a row of ${tool}'s own table; ${WRITTEN_BY}`;
  for (const issue of error.issues)
    if (issue.code === "unrecognized_keys")
      for (const key of issue.keys) add(issue.path, `${unknown(tool, key)}. ${what}`);
    else {
      const [first = ""] = issue.path;
      const missing = issue.path.length === 1 && !(first in row);
      add(issue.path, `${missing ? "is missing" : issue.message}. ${what}`);
    }
  return undefined;
}

function unknown(tool: Tool, key: string): string {
  const shape = toolRow.options.find((option) => option.shape.tool.value === tool)?.shape ?? {};
  const known = Object.keys(shape).filter((name) => name !== "tool");
  const meant = nearest(key, known);
  return `unknown key "${key}". ${meant === undefined ? `Known keys: ${known.join(", ")}` : `Did you mean ${meant}?`}`;
}
