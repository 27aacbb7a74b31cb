import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

/** What can be made again at any time, of this user: deleting it costs the next run some seconds. */
const cacheFolder = () => join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "sluice");

/**
 * A file that is made once and kept from process to process, where there is a folder to keep it in.
 * @param name says by itself what the file was made of: what is made in another way has another name
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
    // A home that cannot be written to, a full disk: then it is made each time.
  }
  return made;
}
