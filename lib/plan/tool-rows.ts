import { type Tool, type ToolRow, toolRow } from "../../lambdas/shared/tool-rows.ts";
import type { GivenMigration } from "./folder.ts";
import { nearest } from "./nearest.ts";
import { keyPath, Mistakes, PlanError } from "./plan-error.ts";
import type { PlanFile } from "./schema.ts";

/** What a migration's folder says by itself to tools that know a migration by its number alone. */
const BY_NUMBER: Readonly<Partial<Record<Tool, (version: string) => object>>> = {
  dbmate: (version) => ({ version }),
  "golang-migrate": (version) => ({ version }),
  goose: (version) => ({ version_id: version }),
  tern: (version) => ({ version }),
};

const WRITTEN_BY = "`sluice import` writes it, and docs/version-tables.md lists its keys";

/**
 * The rows of a migration in its tool's table; none where the plan names no tool.
 * @param place of the migration in the plan
 * @throws PlanError, or PlanErrors with all mistakes, where they are not what the tool's table must hold
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
      "is for a tool's table: name the tool, as in schema: { tool: flyway }",
    );
  }
  const given = row ?? BY_NUMBER[tool]?.(version);
  if (given === undefined)
    throw new PlanError(
      "plan.yaml",
      where,
      `is missing: it is what ${tool}'s own table is to hold about this migration. ${WRITTEN_BY}`,
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
  if ("tool" in row) add(["tool"], "is said once, under schema");
  const { success, data, error } = toolRow.safeParse({ ...row, tool });
  if (success) return data;
  const what = `It is what ${tool}'s own table is to hold; ${WRITTEN_BY}`;
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
  return `unknown key "${key}". ${meant === undefined ? `Known here: ${known.join(", ")}` : `Is ${meant} meant?`}`;
}
