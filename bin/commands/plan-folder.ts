import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { shorten } from "../../lambdas/shared/text.ts";
import type { LoadedPlan } from "../../lib/plan/compile.ts";
import { nearest } from "../../lib/plan/nearest.ts";
import type { PlanError } from "../../lib/plan/plan-error.ts";
import { UsageError } from "../../local/events.ts";

/**
 * Loads the plan in a folder.
 * @param options as loadPlan takes them
 * @throws UsageError if it is no folder, PlanError for a mistake in the plan
 */
export async function planFolder(
  dir: string,
  options?: { rollbacks?: "read" | "none" },
): Promise<LoadedPlan> {
  await needFolder(dir, "give the folder of a plan");
  // Loaded here, as help and usage errors need not wait for Postgres's parser.
  const { loadPlan } = await import("../../lib/plan/compile.ts");
  return await loadPlan(dir, options);
}

/** A folder beside it with a similar name, which was probably meant. */
async function folderLike(path: string): Promise<string | undefined> {
  const around = await readdir(dirname(resolve(path)), { withFileTypes: true }).catch(() => []);
  const folders = around.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const meant = nearest(basename(resolve(path)), folders);
  return meant === undefined ? undefined : join(dirname(path), meant);
}

/** Problems that keep the plan from being deployed or published; synth reports the same. */
export async function problemsOf(loaded: LoadedPlan): Promise<readonly PlanError[]> {
  const { whyNotDeployed } = await import("../../lib/plan/compile.ts");
  return whyNotDeployed(loaded);
}

/**
 * @param remedy what to do instead
 * @throws UsageError if it is no folder, or cannot be read
 */
export async function needFolder(path: string, remedy: string): Promise<void> {
  try {
    if ((await stat(path)).isDirectory()) return;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") {
      const meant = await folderLike(path);
      throw new UsageError(
        `There is no folder ${path}: ${meant === undefined ? remedy : `did you mean ${meant}? If not, ${remedy}`}.`,
      );
    }
    throw new UsageError(
      `The folder ${shorten(path, 200)} cannot be read (${shorten(message, 60)}): ${remedy}.`,
    );
  }
  throw new UsageError(`${path} is a file: ${remedy}.`);
}
