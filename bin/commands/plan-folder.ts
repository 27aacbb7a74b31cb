import { stat } from "node:fs/promises";
import { shorten } from "../../lambdas/report/words.ts";
import type { LoadedPlan } from "../../lib/plan/compile.ts";
import type { PlanError } from "../../lib/plan/plan-error.ts";
import { UsageError } from "../../local/events.ts";

/**
 * The plan in that folder.
 * @throws UsageError for what is no folder, PlanError for a mistake in the plan
 */
export async function planFolder(dir: string): Promise<LoadedPlan> {
  await needFolder(dir, "give the folder of a plan");
  // Postgres's parser comes with it, which help and mistakes need not wait for.
  const { loadPlan } = await import("../../lib/plan/compile.ts");
  return await loadPlan(dir);
}

/** What keeps the plan from being deployed or published: the same as synth says. */
export async function problemsOf(loaded: LoadedPlan): Promise<readonly PlanError[]> {
  const { whyNotDeployed } = await import("../../lib/plan/compile.ts");
  return whyNotDeployed(loaded);
}

/**
 * @param remedy what to do instead
 * @throws UsageError for what is no folder, or cannot be looked at
 */
export async function needFolder(path: string, remedy: string): Promise<void> {
  try {
    if ((await stat(path)).isDirectory()) return;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new UsageError(`There is no folder ${path}: ${remedy}.`);
    throw new UsageError(
      `The folder ${shorten(path, 200)} cannot be looked at (${shorten(message, 60)}): ${remedy}.`,
    );
  }
  throw new UsageError(`${path} is a file: ${remedy}.`);
}
