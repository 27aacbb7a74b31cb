import { type Tool, type ToolRow, toolRow } from "../../lambdas/shared/tool-rows.ts";
import { PlanError } from "./plan-error.ts";
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
 * @throws PlanError where they are not what the tool's table must hold
 */
export function toolRowsOf(
  { tool }: PlanFile["schema"],
  { row }: PlanFile["migrations"][number],
  place: number,
  version: string,
): ToolRow[] {
  const where = `migrations[${place}].row`;
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
  return rows.map((one, index) => parsed(tool, one, Array.isArray(given) ? `${where}[${index}]` : where));
}

function parsed(tool: Tool, row: object, where: string): ToolRow {
  if ("tool" in row) throw new PlanError("plan.yaml", `${where}.tool`, "is said once, under schema");
  const { success, data, error } = toolRow.safeParse({ ...row, tool });
  if (success) return data;
  const [issue] = error.issues;
  const key = issue?.path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`))
    .join("");
  const missing = issue?.code === "invalid_type" && !(String(issue.path[0]) in row);
  throw new PlanError(
    "plan.yaml",
    `${where}${key ?? ""}`,
    `${missing ? "is missing" : issue?.message}. It is what ${tool}'s own table is to hold; ${ISSUE}`,
  );
}
