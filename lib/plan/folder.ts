import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { AS_TEXT } from "../../lambdas/shared/version.ts";
import { MIGRATION_FOLDER, versionOf } from "./folder-name.ts";
import { nearest } from "./nearest.ts";
import { type Mistakes, PlanError } from "./plan-error.ts";
import { noPlanYaml, type PlanYaml, parsePlanYaml } from "./plan-yaml.ts";
import type { PlanFile } from "./schema.ts";

// A plan's folder: what it contains, and the defaults that follow from it.

/** plan.yaml with its migrations, or with those of the folder. */
export type GivenPlan = PlanFile & { migrations: NonNullable<PlanFile["migrations"]> };
export type GivenMigration = GivenPlan["migrations"][number];

/** What a plan's folder contains. */
export interface Inside {
  files: readonly string[];
  folders: readonly string[];
  /** Folders that have a migration's name and its SQL, in the order of their versions. */
  migrations: readonly string[];
  /** Folders with a migrate.sql and another name. */
  unnamed: readonly string[];
  /** Whether the versions do not show which is newer. */
  unordered: boolean;
}

export async function lookInto(directory: string): Promise<Inside> {
  const names = (await readdir(directory)).sort();
  const folders: string[] = [];
  for (const name of names)
    if ((await stat(join(directory, name)).catch(() => undefined))?.isDirectory()) folders.push(name);
  const migrations: string[] = [];
  const unnamed: string[] = [];
  for (const folder of folders) {
    const inIt = await readdir(join(directory, folder));
    const migrates = inIt.some((name) => /^migrate\.sql$/i.test(name));
    if (!MIGRATION_FOLDER.test(folder)) {
      if (migrates) unnamed.push(folder);
    }
    // The number marks it as a migration; then the name of its file is the mistake.
    else if (migrates || (/^\d/.test(folder) && inIt.some((name) => /\.sql$/i.test(name))))
      migrations.push(folder);
  }
  const compare = (a: string, b: string) => AS_TEXT.compare(versionOf(a), versionOf(b));
  const unordered =
    migrations.length > 1 && migrations.some((folder) => compare(folder, folder) === undefined);
  migrations.sort((a, b) => compare(a, b) ?? 0);
  return { files: names.filter((name) => !folders.includes(name)), folders, migrations, unnamed, unordered };
}

export async function planYamlIn(
  directory: string,
  { files, folders, migrations, unnamed }: Inside,
  read: (path: string) => Promise<string>,
): Promise<PlanYaml> {
  if (files.includes("plan.yaml") || folders.includes("plan.yaml"))
    return parsePlanYaml(await read("plan.yaml"));
  const other = files.find((name) => /^plan\.ya?ml$/i.test(name));
  if (other !== undefined)
    throw new PlanError(
      other,
      "file",
      `not read: the plan's file must be plan.yaml. Rename it in ${directory}`,
    );
  if (migrations.length + unnamed.length > 0) return noPlanYaml();
  const below = [];
  for (const folder of folders)
    if ((await lookInto(join(directory, folder))).migrations.length > 0) below.push(join(directory, folder));
  if (below.length > 0)
    throw new PlanError(
      "plan.yaml",
      "file",
      `missing in ${directory}. The folder of a plan is ${below.join(" or ")}`,
    );
  const loose = files.filter((name) => /\.sql$/i.test(name));
  throw new PlanError(
    "plan.yaml",
    "file",
    `missing in ${directory}, which also has no folder named like 012_orders with migrate.sql and rollback.sql.${
      loose.length > 0
        ? ` It has ${loose.slice(0, 3).join(", ")}${loose.length > 3 ? ` and ${loose.length - 3} more` : ""}: \`sluice import\` makes a plan of another tool's folder`
        : " `sluice new` makes a plan"
    }`,
  );
}

/** @returns undefined if it is unknown which migrations the plan has; the reason is noted */
export function givenPlan(
  directory: string,
  file: PlanFile,
  { migrations, unnamed, unordered }: Inside,
  mistakes: Mistakes,
): GivenPlan | undefined {
  if (file.migrations) return { ...file, migrations: file.migrations };
  for (const folder of unnamed)
    mistakes.add(
      `${folder}/migrate.sql`,
      "file",
      `not read: its folder is not named like 012_orders (a version, _, a name). Rename the folder, or list the plan's migrations in plan.yaml`,
    );
  if (unordered) {
    mistakes.add(
      "plan.yaml",
      "migrations",
      `lists none, and the folders' versions do not show their order: ${migrations.slice(0, 10).join(", ")}. List them in order`,
    );
    return undefined;
  }
  if (migrations.length + unnamed.length > 0) return { ...file, migrations: bare(migrations) };
  mistakes.add(
    "plan.yaml",
    "migrations",
    `lists none, and no folder in ${directory} is named like 012_orders and has migrate.sql and rollback.sql`,
  );
  return undefined;
}

/** Migrations with only their folders; all else takes its default. */
export function bare(folders: readonly string[]): GivenPlan["migrations"] {
  return folders.map((folder) => ({ folder, checklist: [] }));
}

/** The message for a migration without its folder. */
export function noFolder(directory: string, folder: string, { files, folders, migrations }: Inside): string {
  if (files.includes(folder)) return `${folder} is a file in ${directory}, but must be a folder`;
  const meant = nearest(folder, folders);
  const there = migrations.length > 0 ? migrations : folders;
  return [
    `there is no folder ${folder} in ${directory}.`,
    ...(meant === undefined ? [] : [`Did you mean ${meant}?`]),
    there.length === 0
      ? "The plan has no folders."
      : `The plan has ${there.slice(0, 10).join(", ")}${there.length > 10 ? ` and ${there.length - 10} more` : ""}.`,
  ].join(" ");
}
