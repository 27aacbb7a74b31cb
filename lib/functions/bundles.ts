import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Stack, Stage } from "aws-cdk-lib";
import * as lambda from "aws-cdk-lib/aws-lambda";
import type { Construct } from "constructs";
import { buildSync } from "esbuild";
import { PLAN_FILE } from "../../lambdas/shared/envars.ts";
import type { CompiledPlan } from "../../lambdas/shared/plan.ts";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");

/**
 * The code of every function: its handler and all that it imports in one file, with the compiled plan beside it. All
 * are made in one go, since most of what they hold is the same; one bundler call each takes ten times as long.
 * Where the context says that nothing is to be bundled, as for a local run, each gets a placeholder.
 */
export function bundle(
  scope: Construct,
  names: readonly string[],
  plan: CompiledPlan,
): (name: string) => lambda.Code {
  if (!Stack.of(scope).bundlingRequired)
    return () => lambda.Code.fromInline("// Not bundled: made for a template only.");
  const folder = join(Stage.of(scope)?.assetOutdir ?? ".", "bundles");
  buildSync({
    absWorkingDir: ROOT,
    entryPoints: names.map((name) => ({ in: `lambdas/${name}/handler.ts`, out: `${name}/index` })),
    outdir: folder,
    bundle: true,
    platform: "node",
    target: "node24",
    // Not ESM: node-postgres is CommonJS that requires Node's own modules.
    format: "cjs",
    // The runtime has the SDK; pg-native is optional, and not installed.
    external: ["@aws-sdk/*", "@smithy/*", "pg-native"],
    minify: true,
    logLevel: "warning",
  });
  const planText = JSON.stringify(plan);
  return (name) => {
    const path = join(folder, name);
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, PLAN_FILE), planText);
    return lambda.Code.fromAsset(path);
  };
}
