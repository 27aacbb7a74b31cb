import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { bundleInto } from "../lib/functions/bundles.ts";
import { FUNCTION_NAMES } from "../lib/functions/specs.ts";
import { BUILT } from "../lib/package.ts";
import { compilePlan } from "../lib/plan/compile.ts";
import { templateOf } from "../local/synthesize.ts";
import { DEFAULT_PLAN } from "./commands/check.ts";

// The second half of `npm run build`, after the compiler. It makes what the package would otherwise need a bundler and CDK for.

await rm(BUILT.bundles, { recursive: true, force: true });
bundleInto(BUILT.bundles, FUNCTION_NAMES);
// The machine is the same for every plan.
const plan = await compilePlan(DEFAULT_PLAN);
for (const rehearse of ["before", "inside"] as const) {
  const file = BUILT.template(rehearse);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, JSON.stringify(await templateOf(plan, { rehearse })));
}
