import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Whether this code was built for the package; in the repository the sources run directly. */
export const IS_BUILT = import.meta.url.endsWith(".js");

/** The package's folder, for files beside its code. */
export const PACKAGE_FOLDER = folderAbove(import.meta.dirname);

/** Files that `npm run build` makes for the package. */
export const BUILT = {
  /** A folder for each function, with its code in one file. */
  bundles: join(PACKAGE_FOLDER, "dist/bundles"),
  /** The stack with the state machine that a local run interprets, by when it rehearses. */
  template: (rehearse: string) => join(PACKAGE_FOLDER, `dist/templates/${rehearse}.json`),
};

interface PackageJson {
  version: string;
  dependencies: Record<string, string>;
}

const packageJson = () =>
  JSON.parse(readFileSync(join(PACKAGE_FOLDER, "package.json"), "utf8")) as PackageJson;

export function packageVersion(): string {
  return packageJson().version;
}

/** The version of a dependency: dependencies are pinned to one. */
export function pinnedVersion(dependency: string): string | undefined {
  return packageJson().dependencies[dependency];
}

function folderAbove(folder: string): string {
  if (existsSync(join(folder, "package.json"))) return folder;
  const parent = dirname(folder);
  if (parent === folder) throw new Error("There is no package.json above this code");
  return folderAbove(parent);
}
