import { stat } from "node:fs/promises";
import type { LoadedPlan } from "../../lib/plan/compile.ts";
import { UsageError } from "../../local/events.ts";

/**
 * The plan in that folder.
 * @throws UsageError for what is no folder, PlanError for a mistake in the plan
 */
export async function planFolder(dir: string): Promise<LoadedPlan> {
  if (!(await isFolder(dir))) throw new UsageError(`There is no folder ${dir}: give the folder of a plan.`);
  // Postgres's parser comes with it, which help and mistakes need not wait for.
  const { loadPlan } = await import("../../lib/plan/compile.ts");
  return await loadPlan(dir);
}

export async function isFolder(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
