import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { CompiledPlan } from "../../lambdas/shared/plan.ts";
import { planIn } from "../../lambdas/shared/plan-document.ts";
import { IS_BUILT } from "../package.ts";
import type { CompiledText } from "./compile-child.ts";

const CHILD = fileURLToPath(new URL(IS_BUILT ? "./compile-child.js" : "./compile-child.ts", import.meta.url));

/**
 * Compiles a plan synchronously, as a construct cannot await. Postgres's parser loads asynchronously, so another process compiles.
 * @throws Error with every mistake in the plan
 */
export function compilePlanNow(folder: string): CompiledPlan {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new Error(`The plan ${folder} cannot be deployed: the folder does not exist in ${process.cwd()}`);
  const loader = IS_BUILT ? [] : ["--import", import.meta.resolve("tsx")];
  const { stdout, stderr, status, error } = spawnSync(process.execPath, [...loader, CHILD, folder], {
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`The plan ${folder} cannot be deployed:\n${stderr.trim()}`);
  const { text, checksum } = JSON.parse(stdout) as CompiledText;
  return planIn(text, checksum);
}
