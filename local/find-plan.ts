import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { UsageError } from "./events.ts";

const PASSED_OVER: ReadonlySet<string> = new Set(["node_modules", "cdk.out", "dist", "vendor"]);

/**
 * Finds the one folder below that has a plan.yaml.
 * @throws UsageError if there is none, or several
 */
export async function findPlan(folder: string): Promise<string> {
  const found = await plansIn(folder);
  const [only, ...others] = found;
  if (only === undefined)
    throw new UsageError("No folder here has a plan.yaml. Name the folder of the plan.");
  if (others.length > 0)
    throw new UsageError(`Several folders here have a plan.yaml: ${found.join(", ")}. Name the right one.`);
  return only;
}

async function plansIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  if (entries.some((entry) => entry.isFile() && entry.name === "plan.yaml")) return [folder];
  const found: string[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1)))
    if (entry.isDirectory() && !entry.name.startsWith(".") && !PASSED_OVER.has(entry.name))
      found.push(...(await plansIn(join(folder, entry.name))));
  return found;
}
