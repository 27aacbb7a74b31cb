import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Stack, Stage } from "aws-cdk-lib";
import * as lambda from "aws-cdk-lib/aws-lambda";
import type { Construct } from "constructs";
import { entryPoint, HANDLERS, type Handler } from "../../lambdas/handlers.ts";
import { BUILT, IS_BUILT, PACKAGE_FOLDER } from "../package.ts";

/**
 * The code of every function: its handler and all that it imports in one file, with what is shipped beside it. The
 * package brings the code with it; in the repository it is made of the sources.
 * Where the context says that nothing is to be bundled, as for a local run, each gets a placeholder.
 * @param shipped makes the files, by name, that each function has beside its code
 */
export function bundle(
  scope: Construct,
  names: readonly string[],
  shipped: () => (name: string) => Readonly<Record<string, string>>,
): (name: string) => lambda.Code {
  if (!Stack.of(scope).bundlingRequired)
    return () => lambda.Code.fromInline("// Not bundled: made for a template only.");
  // Of this construct alone: CDK stages a folder once in an app, whatever is in it when it is asked for again.
  const folder = join(Stage.of(scope)?.assetOutdir ?? ".", "bundles", scope.node.addr);
  // What a former synthesis put beside the code must not be shipped once more.
  rmSync(folder, { recursive: true, force: true });
  if (IS_BUILT)
    for (const name of names) cpSync(join(BUILT.bundles, name), join(folder, name), { recursive: true });
  else bundleInto(folder, names);
  const filesOf = shipped();
  return (name) => {
    const path = join(folder, name);
    mkdirSync(path, { recursive: true });
    for (const [file, text] of Object.entries(filesOf(name))) writeFileSync(join(path, file), text);
    return lambda.Code.fromAsset(path);
  };
}

/** Makes all in one go, since most of what they hold is the same; one bundler call each takes ten times as long. */
export function bundleInto(folder: string, names: readonly string[]): void {
  const entries = join(folder, ".entry-points");
  mkdirSync(entries, { recursive: true });
  // Not an import: the package does without it.
  const { buildSync } = createRequire(import.meta.url)("esbuild") as typeof import("esbuild");
  buildSync({
    absWorkingDir: PACKAGE_FOLDER,
    entryPoints: names.map((name) => ({ in: entryPointOf(name, entries), out: `${name}/index` })),
    outdir: folder,
    bundle: true,
    platform: "node",
    target: "node24",
    // Not ESM: node-postgres is CommonJS that requires Node's own modules.
    format: "cjs",
    // The other way to write an import would bring the whole of a library where a part is used.
    mainFields: ["module", "main"],
    // The runtime has the SDK's clients; what else is used of the SDK is bundled, as nobody says that it is there.
    // pg-native is optional, and not installed.
    external: ["@aws-sdk/client-*", "@aws-sdk/nested-clients", "pg-native"],
    minify: true,
    // Escapes would double the table of letters that look alike.
    charset: "utf8",
    logLevel: "warning",
  });
  rmSync(entries, { recursive: true });
}

/** The file that a function's code begins with: its own handler, or one made of the list of handlers. */
function entryPointOf(name: string, entries: string): string {
  const handlers: Readonly<Record<string, Handler>> = HANDLERS;
  const handler = handlers[name];
  if (!handler) return `lambdas/${name}/handler.ts`;
  const file = join(entries, `${name}.ts`);
  writeFileSync(file, entryPoint(handler, join(PACKAGE_FOLDER, "lambdas").replaceAll("\\", "/")));
  return file;
}
