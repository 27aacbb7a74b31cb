import { createHash, randomUUID } from "node:crypto";
import { linkSync, mkdirSync, readdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { mkdir, open, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import type { EvidenceStore, Lease, LeaseHolder } from "../lambdas/shared/ports.ts";
import { portable } from "../lib/portable.ts";

/**
 * The evidence of one run as files of one folder: key `runs/<run>/report.json` is `<folder>/report.json`, and its plan,
 * `plans/<checksum>.json`, is there too. Leases outlive runs and have their own folder.
 *
 * Documents are read and written synchronously: on a busy machine that takes a hundredth of the time of an asynchronous
 * call, and a run has thousands of small files.
 */
export function fileEvidence(folder: string, leases: string = join(folder, "leases")): EvidenceStore {
  const path = (key: string) => join(folder, ...key.slice(runPrefix(key).length).split("/"));
  const leasePath = (name: string) => join(leases, `${encodeURIComponent(name)}.json`);
  const readLease = async (name: string): Promise<Lease | undefined> => {
    const body = readOrNothing(leasePath(name));
    return body === undefined
      ? undefined
      : { holder: JSON.parse(body) as LeaseHolder | null, tag: tagOf(body) };
  };
  // A file that was read once is read again only after a change.
  const known = new Map<string, { state: string; tag: string }>();
  const tagOfFile = (file: string): string | undefined => {
    const found = statSync(file, { bigint: true, throwIfNoEntry: false });
    if (!found) return undefined;
    const state = [found.ino, found.size, found.mtimeNs, found.ctimeNs].join(" ");
    const before = known.get(file);
    if (before?.state === state) return before.tag;
    const body = readOrNothing(file);
    if (body === undefined) return undefined;
    const tag = tagOf(body);
    known.set(file, { state, tag });
    return tag;
  };
  const list = (prefix: string): string[] => {
    const run = runPrefix(prefix);
    const within = dirname(path(`${prefix}-`));
    return entriesIn(within)
      .filter((entry) => entry.isFile() && !entry.name.endsWith(".new"))
      .map((entry) => run + portable(relative(folder, join(entry.parentPath, entry.name))))
      .filter((key) => key.startsWith(prefix))
      .sort();
  };
  return {
    async create(key, body) {
      mkdirSync(dirname(path(key)), OWNERS_FOLDER);
      // Written aside and linked into place: readers never see half a document, and the second of two writers gets an error.
      const aside = `${path(key)}.${randomUUID()}.new`;
      writeFileSync(aside, body, OWNERS_FILE);
      try {
        linkSync(aside, path(key));
        return true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
        throw error;
      } finally {
        // Windows refuses this while another program, such as a scanner, reads the file; nothing reads it by this name.
        try {
          unlinkSync(aside);
        } catch {}
      }
    },
    read: async (key) => readOrNothing(path(key)),
    list: async (prefix) => list(prefix),
    async tags(prefix) {
      const tags = new Map<string, string>();
      for (const key of list(prefix)) {
        const tag = tagOfFile(path(key));
        if (tag !== undefined) tags.set(key, tag);
      }
      return tags;
    },
    readLease,
    async swapLease(name, expected, holder) {
      const file = leasePath(name);
      await mkdir(dirname(file), OWNERS_FOLDER);
      return await alone(`${file}.lock`, async () => {
        const current = await readLease(name);
        if (current?.tag !== expected?.tag) return false;
        // Written aside and moved, so that readers never see half a lease.
        const aside = `${file}.${randomUUID()}.new`;
        await writeFile(aside, JSON.stringify(holder), OWNERS_FILE);
        await rename(aside, file);
        return true;
      });
    },
  };
}

// Evidence has names, statements and contents of databases, so only its owner may read it. The umask can only restrict
// these modes further.
const OWNERS_FOLDER = { recursive: true, mode: 0o700 } as const;
const OWNERS_FILE = { mode: 0o600 } as const;

/** Longer than any process holds the lock; a holder that takes longer was killed. */
const LOCK_IS_LEFT_MS = 10_000;
const LOCK_PAUSE_MS = 20;

/** Does the work while no other process works under the same lock. */
async function alone<T>(lock: string, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      await (await open(lock, "wx")).close();
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      const since = (await stat(lock).catch(() => undefined))?.mtimeMs;
      if (since !== undefined && Date.now() - since > LOCK_IS_LEFT_MS) await rm(lock, { force: true });
      else await new Promise((resolve) => setTimeout(resolve, LOCK_PAUSE_MS));
    }
  }
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

function runPrefix(key: string): string {
  if (key.startsWith("plans/")) return "";
  const prefix = /^runs\/[^/]+\//.exec(key)?.[0];
  if (prefix === undefined) throw new Error(`${key} is no key of a run's evidence`);
  return prefix;
}

function tagOf(body: string): string {
  return createHash("sha256").update(body).digest("hex");
}

function entriesIn(folder: string) {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true });
  } catch {
    return [];
  }
}

function readOrNothing(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
