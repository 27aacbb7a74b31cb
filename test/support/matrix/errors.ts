import { readFileSync } from "node:fs";
import { buildSync } from "esbuild";
import { HANDLERS } from "../../../lambdas/handlers.ts";
import { ErrorName } from "../../../lambdas/shared/errors.ts";
import { CAPABILITIES } from "../../../lib/functions/specs.ts";
import { MACHINE_CAPABILITIES, type MachineCapability } from "../../../lib/machine/capabilities.ts";

/** Errors of local runs, which no deployed function throws. */
const LOCAL_ONLY: readonly string[] = [ErrorName.Stopped, ErrorName.Drill];

/**
 * The typed errors that each capability can meet: those that any of its sources names. Errors of the RDS adapter
 * belong to the capabilities that use instances.
 */
export function errorsByCapability(): ReadonlyMap<MachineCapability, readonly string[]> {
  const entry = (name: MachineCapability) => `lambdas/${HANDLERS[name].module}`;
  const { metafile } = buildSync({
    entryPoints: MACHINE_CAPABILITIES.map(entry),
    outdir: "nowhere",
    write: false,
    bundle: true,
    metafile: true,
    platform: "node",
    packages: "external",
    treeShaking: true,
    format: "esm",
    logLevel: "silent",
  });
  const made = Object.values(metafile.outputs);
  return new Map(
    MACHINE_CAPABILITIES.map((name) => {
      const output = made.find(({ entryPoint }) => entryPoint === entry(name));
      // Only the code that remains after the bundler dropped unused code.
      const sources = Object.entries(output?.inputs ?? {}).filter(
        ([, { bytesInOutput }]) => bytesInOutput > 0,
      );
      const named = new Set(
        sources.flatMap(([path]) => (path.endsWith("shared/errors.ts") ? [] : namesIn(path))),
      );
      // A capability with a session may lose it, or wait for a lock.
      if (CAPABILITIES[name].needs.includes("database"))
        for (const error of [ErrorName.ConnectionLost, ErrorName.LockTimeout]) named.add(error);
      if (CAPABILITIES[name].needs.includes("instances")) named.add(ErrorName.FleetFailed);
      return [name, [...named].filter((error) => !LOCAL_ONLY.includes(error)).sort()] as const;
    }),
  );
}

function namesIn(path: string): string[] {
  const source = readFileSync(path, "utf8");
  return [...source.matchAll(/ErrorName\.(\w+)|new SluiceError\(\s*"(\w+)"/g)].flatMap(
    ([, a, b]) => a ?? b ?? [],
  );
}
