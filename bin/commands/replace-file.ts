import { randomUUID } from "node:crypto";
import { rename, unlink, writeFile } from "node:fs/promises";

/**
 * Replaces a file as a whole or not at all, and never follows a link in its place.
 * @param mode of the new file
 */
export async function replaceFile(path: string, body: string, mode = 0o600): Promise<void> {
  const aside = `${path}.${randomUUID()}.new`;
  try {
    await writeFile(aside, body, { flag: "wx", mode });
    await rename(aside, path);
  } catch (error) {
    await unlink(aside).catch(() => undefined);
    throw error;
  }
}
