import { documentOf } from "../../lambdas/shared/plan-document.ts";
import { compilePlan } from "./compile.ts";
import { PlanError, PlanErrors } from "./plan-error.ts";

/** What this process prints, as JSON. */
export interface CompiledText {
  text: string;
  checksum: string;
}

try {
  const plan = await compilePlan(process.argv[2] ?? "");
  const compiled: CompiledText = { text: documentOf(plan), checksum: plan.checksum };
  process.stdout.write(JSON.stringify(compiled));
} catch (error) {
  console.error(error instanceof PlanErrors || error instanceof PlanError ? error.message : error);
  process.exitCode = 1;
}
