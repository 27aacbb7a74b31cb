import { readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import type { RequestDoc } from "../../lambdas/shared/documents.ts";
import type { RunEvidence } from "../../lambdas/shared/evidence.ts";
import { UsageError } from "../../local/events.ts";
import { isFolder } from "./plan-folder.ts";

/**
 * The evidence of one run, from a folder that holds it.
 * @throws UsageError where it holds none
 */
export async function evidenceIn(dir: string): Promise<{ folder: string; evidence: RunEvidence }> {
  const folder = resolve(dir);
  if (!(await isFolder(folder))) throw new UsageError(`There is no folder ${dir}.`);
  const [{ evidenceOf }, { fileEvidence }] = await Promise.all([
    import("../../lambdas/shared/evidence.ts"),
    import("../../local/file-evidence.ts"),
  ]);
  return { folder, evidence: evidenceOf(fileEvidence(folder), await runIn(folder)) };
}

/** Name of the run that this evidence is of. */
async function runIn(folder: string): Promise<string> {
  const read = async (name: string) => await readFile(join(folder, name), "utf8").catch(() => undefined);
  if ((await read("plan.json")) === undefined)
    throw new UsageError(`${folder} holds no evidence of a run: plan.json is not in it.`);
  const request = await read("request.json");
  return request === undefined ? basename(folder) : (JSON.parse(request) as RequestDoc).run;
}
