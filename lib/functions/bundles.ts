import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Stack, Stage } from "aws-cdk-lib";
import * as lambda from "aws-cdk-lib/aws-lambda";
import type { Construct } from "constructs";
import { entryPoint, HANDLERS, type Handler } from "../../lambdas/handlers.ts";
import type { MachineCapability } from "../machine/capabilities.ts";
import { BUILT, IS_BUILT, PACKAGE_FOLDER } from "../package.ts";

/**
 * The code of every function: its handler with all imports in one file, and the files beside it. The package includes the
 * built code; in the repository it is made from the sources.
 * If the context turns bundling off, as for a local run, each function gets a placeholder.
 * @param shipped makes the files, by name, that go beside the code of each function
 */
export function bundle(
  scope: Construct,
  names: readonly string[],
  shipped: () => (name: string) => Readonly<Record<string, string>>,
): (name: string) => lambda.Code {
  if (!Stack.of(scope).bundlingRequired)
    return () => lambda.Code.fromInline("// Not bundled: made for a template only.");
  // One folder for each construct: CDK stages a folder once in an app, even if its contents change later.
  const folder = join(Stage.of(scope)?.assetOutdir ?? ".", "bundles", scope.node.addr);
  // Files of an earlier synthesis must not be shipped again.
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

/** Makes all in one bundler call, as most of their code is the same; one call each takes ten times as long. */
export function bundleInto(folder: string, names: readonly string[]): void {
  const entries = join(folder, ".entry-points");
  mkdirSync(entries, { recursive: true });
  // Not an import, as the package runs without esbuild.
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
    // Without "module" a whole library would come along where a part of it is used.
    mainFields: ["module", "main"],
    // The runtime includes the SDK's clients. Other parts of the SDK are bundled, as the runtime does not guarantee them.
    // pg-native is optional, and not installed.
    external: ["@aws-sdk/client-*", "@aws-sdk/nested-clients", "pg-native"],
    minify: true,
    // Escapes would double the size of the table of look-alike letters.
    charset: "utf8",
    logLevel: "warning",
  });
  rmSync(entries, { recursive: true });
}

/** The entry file of a function's code: its own handler, or one made from the list of handlers. */
function entryPointOf(name: string, entries: string): string {
  // Typed by capability: one without a handler does not compile.
  const handlers: Readonly<Record<MachineCapability, Handler>> = HANDLERS;
  const handler: Handler | undefined = handlers[name as MachineCapability];
  if (!handler) return `lambdas/${name}/handler.ts`;
  const file = join(entries, `${name}.ts`);
  writeFileSync(file, entryPoint(handler, join(PACKAGE_FOLDER, "lambdas").replaceAll("\\", "/")));
  return file;
}
