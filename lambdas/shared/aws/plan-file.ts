import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Envar, PLAN_FILE } from "../envars.ts";
import type { CompiledPlan } from "../plan.ts";

/** The compiled plan that this function was deployed with. It was checked when it was compiled. */
export function readPlan(environment: NodeJS.ProcessEnv = process.env): CompiledPlan {
  const path = environment[Envar.planFile] ?? join(environment.LAMBDA_TASK_ROOT ?? ".", PLAN_FILE);
  return JSON.parse(readFileSync(path, "utf8")) as CompiledPlan;
}
