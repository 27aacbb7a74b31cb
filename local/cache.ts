import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

/** Files of this user that can be made again at any time: deleting them costs the next run some seconds. */
const cacheFolder = () => join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "sluice");

/**
 * A file that is made once and kept between processes, if there is a folder for it.
 * @param name identifies what the file was made of and how
 */
export async function keptInCache(name: string, make: () => Promise<Blob>): Promise<Blob> {
  const folder = cacheFolder();
  const path = join(folder, name);
  const kept = await readFile(path).catch(() => undefined);
  if (kept) return new Blob([kept]);
  const made = await make();
  const unfinished = `${path}.${process.pid}`;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(unfinished, Buffer.from(await made.arrayBuffer()), { mode: 0o600 });
    await rename(unfinished, path);
  } catch {
    // Without a writable home or free disk, it is made each time.
  }
  return made;
}
