import { type Tool, type ToolRow, toolRow } from "../../lambdas/shared/tool-rows.ts";
import type { GivenMigration } from "./folder.ts";
import { nearest } from "./nearest.ts";
import { Mistakes, PlanError } from "./plan-error.ts";
import type { PlanFile } from "./schema.ts";

/** What a migration's folder says by itself to tools that know a migration by its number alone. */
const BY_NUMBER: Readonly<Partial<Record<Tool, (version: string) => object>>> = {
  dbmate: (version) => ({ version }),
  "golang-migrate": (version) => ({ version }),
  goose: (version) => ({ version_id: version }),
  tern: (version) => ({ version }),
};

const ISSUE = "`sluice import` writes it, and docs/version-tables.md lists its keys";

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
  const where = `migrations[${place}].row`;
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
      `is missing: it is what ${tool}'s own table is to hold about this migration. ${ISSUE}`,
    );
  const rows = Array.isArray(given) ? given : [given];
  const mistakes = new Mistakes();
  const parsed = rows.map((one, index) =>
    parse(tool, one, Array.isArray(given) ? `${where}[${index}]` : where, mistakes),
  );
  mistakes.refuse();
  return parsed.filter((one) => one !== undefined);
}

function parse(tool: Tool, row: object, where: string, mistakes: Mistakes): ToolRow | undefined {
  if ("tool" in row) mistakes.add("plan.yaml", `${where}.tool`, "is said once, under schema");
  const { success, data, error } = toolRow.safeParse({ ...row, tool });
  if (success) return data;
  const what = `It is what ${tool}'s own table is to hold; ${ISSUE}`;
  for (const issue of error.issues) {
    const path = issue.path
      .map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`))
      .join("");
    if (issue.code === "unrecognized_keys")
      for (const key of issue.keys)
        mistakes.add("plan.yaml", `${where}${path}`, `${unknown(tool, key)}. ${what}`);
    else {
      const [first = ""] = issue.path;
      const missing = issue.path.length === 1 && !(first in row);
      mistakes.add("plan.yaml", `${where}${path}`, `${missing ? "is missing" : issue.message}. ${what}`);
    }
  }
  return undefined;
}

function unknown(tool: Tool, key: string): string {
  const shape = toolRow.options.find((option) => option.shape.tool.value === tool)?.shape ?? {};
  const known = Object.keys(shape).filter((name) => name !== "tool");
  const meant = nearest(key, known);
  return `unknown key "${key}". ${meant === undefined ? `Known here: ${known.join(", ")}` : `Is ${meant} meant?`}`;
}
