import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { type CheckFile, type Migration, RESTORE, type SqlFile } from "../../lambdas/shared/plan.ts";
import type { GivenMigration } from "./folder.ts";
import { titleOf, versionOf } from "./folder-name.ts";
import { leavesOf } from "./leaves.ts";
import { type Mistakes, PlanError } from "./plan-error.ts";
import type { PlanFile } from "./schema.ts";
import { type Noted, parseCheckFile, parseSqlFile } from "./sql-file.ts";
import { toolRowsOf } from "./tool-rows.ts";

// One migration: its folder's files, and its entry in plan.yaml.

/** State while the files of a plan are read, one after another. Each file may add to all but the first two fields. */
export interface Reading {
  /** The plan's folder. */
  directory: string;
  read: (path: string) => Promise<string>;
  /** Routines that the files so far make, and that reach out of the database. */
  reaching: Set<string>;
  noted: Noted;
  mistakes: Mistakes;
}

/** What concerns each migration in the rest of the plan. */
export interface Around {
  schema: PlanFile["schema"];
  /** Folders of the migrations that a gate follows. */
  asked: ReadonlySet<string> | undefined;
  /** Which rollback.sql are read: all, which must then exist; those that exist; or none, and rollbacks have no steps. */
  rollbacks: "each" | "present" | "none";
}

/** @returns undefined if it has mistakes, which are noted */
export async function compileMigration(
  entry: GivenMigration,
  place: number,
  { schema, asked, rollbacks }: Around,
  { directory, read, reaching, noted, mistakes }: Reading,
): Promise<Migration | undefined> {
  const { folder, title, expectedMinutes, checklist, changes } = entry;
  const files = await readdir(join(directory, folder));
  const path = (name: string) => `${folder}/${name}.sql`;
  const isThere = (name: string) => files.includes(`${name}.sql`);
  const stepsOf = async (name: string, instead = ""): Promise<SqlFile> => {
    if (!isThere(name))
      throw new PlanError(
        path(name),
        "file",
        `missing in ${directory}. Its folder has ${files.length === 0 ? "nothing" : files.slice(0, 10).join(", ")}${instead}`,
      );
    const file = parseSqlFile(path(name), await read(path(name)), reaching, noted);
    if (file.steps.length === 0) throw new PlanError(path(name), "file", `has no SQL${instead}`);
    return file;
  };
  const wayBack = async (): Promise<Migration["rollback"]> => {
    if (entry.rollback === RESTORE) {
      if (isThere("rollback")) throw neverRun(path("rollback"));
      return RESTORE;
    }
    return rollbacks === "each" || (rollbacks === "present" && isThere("rollback"))
      ? await stepsOf("rollback", TWO_WAYS)
      : { path: path("rollback"), checksum: "", steps: [] };
  };
  const migrate = await mistakes.within(() => stepsOf("migrate"));
  const validate = await mistakes.within(() => checksOf(path("validate"), files, read, reaching, noted));
  const rollback = await mistakes.within(wayBack);
  const rows = mistakes.in(() => toolRowsOf(schema, entry, place, versionOf(folder)));
  const leaves = mistakes.in(() => leftByRollback(entry, place));
  if (!migrate || !validate || !rollback) return undefined;
  return {
    version: versionOf(folder),
    folder,
    title: title ?? titleOf(folder),
    ...(expectedMinutes === undefined ? {} : { expectedMinutes }),
    checklist,
    ...(asked?.has(folder) ? {} : { unasked: true as const }),
    ...(changes === undefined ? {} : { changes }),
    ...(rows === undefined || rows.length === 0 ? {} : { rows }),
    migrate,
    validate,
    rollback,
    ...(leaves === undefined ? {} : { leaves }),
  };
}

/** Without a file there is no check; then production must become what staging became (lambdas/validate/as-rehearsed.ts). */
async function checksOf(
  path: string,
  files: readonly string[],
  read: Reading["read"],
  reaching: ReadonlySet<string>,
  noted: Noted,
): Promise<CheckFile> {
  const name = basename(path);
  const almost = files.find((file) => file !== name && file.toLowerCase() === name);
  if (almost !== undefined)
    throw new PlanError(path, "file", `not read, as its name is ${almost}. Rename it to ${name}`);
  if (!files.includes(name)) return { path, checks: [] };
  return parseCheckFile(path, await read(path), reaching, noted);
}

/** Ends each message about a migration without a working rollback: there are two ways back. */
const TWO_WAYS = `. A migration needs a rollback.sql that brings everything back (\`sluice rollback\` writes one). If no SQL can, write \`rollback: ${RESTORE}\` in plan.yaml: then the way back is the restore of the snapshot`;

/** A rollback that never runs must not look as if it did. */
function neverRun(path: string): PlanError {
  return new PlanError(
    path,
    "file",
    `would never run: plan.yaml has \`rollback: ${RESTORE}\` for this migration. Remove one of the two`,
  );
}

/** @throws PlanError for an entry that names no difference, and for a migration without a rollback that could leave anything */
function leftByRollback({ leaves, rollback }: GivenMigration, place: number): string[] | undefined {
  if (leaves === undefined) return undefined;
  const refuse = (reason: string) => new PlanError("plan.yaml", `migrations[${place}].leaves`, reason);
  if (rollback === RESTORE)
    throw refuse(
      `is for a rollback of its own. Here the way back is the restore, which leaves nothing. Remove one of the two`,
    );
  const named = leaves.flatMap((text) => {
    const found = leavesOf(text);
    if (found === undefined)
      throw refuse(
        `"${text}" names nothing that a rollback could leave. Name it as the proof of a rollback does, by kind and full name: "extension vector", or with the line that is left: "enum public.state: label: archived"`,
      );
    return found;
  });
  const twice = named.find((name, at) => named.indexOf(name) !== at);
  if (twice !== undefined) throw refuse(`"${twice}" is there twice`);
  return named;
}
