import { chmod, mkdir, readdir, rm, rmdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Doc } from "../lambdas/shared/documents.ts";
import { evidenceOf } from "../lambdas/shared/evidence.ts";
import { UsageError } from "./events.ts";
import { fileEvidence } from "./file-evidence.ts";

/** Default folder for what runs keep, within the working directory. */
export const OWN_FOLDER = ".sluice";

/** Makes that folder and has git ignore it: evidence is no part of a team's repository. */
export async function makeOwnFolder(folder: string = OWN_FOLDER): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  try {
    await writeFile(join(folder, ".gitignore"), "*\n", { flag: "wx" });
  } catch (error) {
    // Another run or the team made it before.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

export function folderOfRun(run: string): string {
  return resolve(OWN_FOLDER, "runs", run);
}

/** A folder that belongs to one run. */
export interface TakenFolder {
  path: string;
  /** Restores the folder if the run could not start: then the same call works once the mistake is fixed. */
  giveBack(): Promise<void>;
}

/**
 * Takes the folder for the evidence of that run, and makes it if there is none. Of two runs at the same moment only one
 * gets it: the run's name is written into it first, by an exclusive create.
 * @throws UsageError for a folder that is not empty, or that another run took
 */
export async function takeFolder(path: string, run: string): Promise<TakenFolder> {
  const made = await mkdir(path, { recursive: true, mode: 0o700 });
  const refused = new UsageError(`${path} is not empty. Give a new folder for this run's evidence.`);
  if ((await readdir(path)).length > 0) throw refused;
  const taken = await evidenceOf(fileEvidence(path), run).createOnce(Doc.folder, { run });
  if (taken.run !== run) throw refused;
  // An existing folder may be open to others.
  await chmod(path, 0o700);
  return {
    path,
    async giveBack() {
      if ((await readdir(path)).some((name) => name !== `${Doc.folder}.json`)) return;
      await rm(join(path, `${Doc.folder}.json`), { force: true });
      // An empty folder that existed before stays.
      if (made !== undefined) await rmdir(path).catch(() => undefined);
    },
  };
}
