import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import type { EvidenceStore, Lease, LeaseHolder } from "../lambdas/shared/ports.ts";

/** Evidence as files below a folder: key `runs/x/report.json` is the file of that path. */
export function fileEvidence(root: string): EvidenceStore {
  const path = (key: string) => join(root, ...key.split("/"));
  const readLease = async (name: string): Promise<Lease | undefined> => {
    const body = await readOrNothing(path(leaseKey(name)));
    return body === undefined
      ? undefined
      : { holder: JSON.parse(body) as LeaseHolder | null, tag: tagOf(body) };
  };
  return {
    async create(key, body) {
      await mkdir(dirname(path(key)), { recursive: true });
      try {
        await writeFile(path(key), body, { flag: "wx" });
        return true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
        throw error;
      }
    },
    read: (key) => readOrNothing(path(key)),
    async list(prefix) {
      const folder = path(prefix.slice(0, prefix.lastIndexOf("/") + 1));
      const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join("/"))
        .filter((key) => key.startsWith(prefix))
        .sort();
    },
    readLease,
    async swapLease(name, expected, holder) {
      const current = await readLease(name);
      if (current?.tag !== expected?.tag) return false;
      const file = path(leaseKey(name));
      await mkdir(dirname(file), { recursive: true });
      // Written aside and moved, so that nobody reads half a lease.
      await writeFile(`${file}.new`, JSON.stringify(holder));
      await rename(`${file}.new`, file);
      return true;
    },
  };
}

function leaseKey(name: string): string {
  return `leases/${encodeURIComponent(name)}.json`;
}

function tagOf(body: string): string {
  return createHash("sha256").update(body).digest("hex");
}

async function readOrNothing(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
