import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { isEvidence } from "../../lambdas/shared/manifest.ts";
import { sha256 } from "../../lambdas/shared/sha256.ts";
import { portable } from "../../lib/portable.ts";

// A file that a killed worker had not finished; nothing reads it.
const LEFT_ASIDE = /\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.new$/;

/** What a folder of evidence contains. */
export interface FoundFiles {
  /** SHA-256 of each file, by its path below the folder. */
  hashes: Map<string, string>;
  /** Links and other special files, which no run writes. */
  strange: string[];
}

/** Follows no link: it could lead to files of others. */
export async function filesIn(folder: string): Promise<FoundFiles> {
  const hashes = new Map<string, string>();
  const strange: string[] = [];
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    if (entry.isDirectory()) continue;
    const path = join(entry.parentPath, entry.name);
    const name = portable(relative(folder, path));
    if (!entry.isFile()) strange.push(name);
    else if (isEvidence(name) && !LEFT_ASIDE.test(name)) hashes.set(name, sha256(await readFile(path)));
  }
  return { hashes, strange: strange.sort() };
}
