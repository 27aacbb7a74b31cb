import { spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { Socket } from "node:net";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { UsageError } from "../events.ts";
import { run } from "./programs.ts";

/** The user of PostgreSQL's server, if it is not ours: the server refuses to run as root. */
export interface RunsAs {
  uid: number;
  gid: number;
}

/** A folder on this machine for a run's copies, for this user alone. It is removed when the run ends, however it ends. */
export interface Home {
  folder: string;
  /** Removes the folder. Servers in it must be stopped before. */
  remove(): void;
}

/**
 * Waits until its input ends, which happens when the run's process is gone, however it ended. Then it stops the servers in
 * the folder, and removes it.
 */
const WATCHDOG = `
cat >/dev/null
for file in "$1"/*/data/postmaster.pid; do [ -f "$file" ] && kill -QUIT "$(head -n 1 "$file")"; done 2>/dev/null
tries=0
while [ -n "$(ls "$1"/*/data/postmaster.pid 2>/dev/null)" ] && [ $tries -lt 20 ]; do sleep 1; tries=$((tries + 1)); done
rm -rf -- "$1"
`;

const OWNER = "owner";
const NEW_MS = 60_000;

/** @throws UsageError if the folder cannot be made, or has too little room */
export async function makeHome(neededBytes: number, runsAs?: RunsAs): Promise<Home> {
  const parent = parentFolder();
  await removeLeftovers(parent);
  const { bavail, bsize } = statfsSync(parent);
  if (bavail * bsize < neededBytes)
    throw new UsageError(
      `This copy takes about ${gigabytes(neededBytes)} in ${parent}, where only ${gigabytes(bavail * bsize)} are free. Make room, or set TMPDIR to a folder on a larger disk.`,
    );
  const folder = mkdtempSync(join(parent, "run-"));
  // A server that runs as another user must be able to pass through.
  if (runsAs) chmodSync(folder, 0o711);
  writeFileSync(join(folder, OWNER), JSON.stringify({ pid: process.pid, host: hostname() }), { mode: 0o600 });
  const watchdog = spawn("sh", ["-c", WATCHDOG, "sh", folder], {
    stdio: ["pipe", "ignore", "ignore"],
    // Ctrl-C must not reach it.
    detached: true,
  });
  watchdog.unref();
  if (watchdog.stdin instanceof Socket) watchdog.stdin.unref();
  return {
    folder,
    remove() {
      rmSync(folder, { recursive: true, force: true });
      watchdog.stdin.end();
    },
  };
}

const gigabytes = (bytes: number): string => `${(bytes / 1024 ** 3).toFixed(1)} GiB`;

/** @throws UsageError if there is no user that it may run as */
export async function serverUser(): Promise<RunsAs | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const id = async (flag: string) => Number((await run("id", [flag, "postgres"], process.env)).output);
  try {
    return { uid: await id("-u"), gid: await id("-g") };
  } catch {
    throw new UsageError(
      "A physical copy is a separate PostgreSQL server, which refuses to run as root, and this machine has no user postgres for it. Run this as another user.",
    );
  }
}

/** In a folder that every user may write to, another user may have made it first. */
function parentFolder(): string {
  const folder = join(tmpdir(), `sluice-copies-${process.getuid?.() ?? "own"}`);
  // Root's servers run as another user, who must be able to pass through.
  const mode = process.getuid?.() === 0 ? 0o711 : 0o700;
  mkdirSync(folder, { recursive: true, mode });
  const found = lstatSync(folder);
  if (
    !found.isDirectory() ||
    (process.getuid && found.uid !== process.getuid()) ||
    (found.mode & 0o022) !== 0
  )
    throw new UsageError(
      `${folder} must be a folder for this user alone, as copies of a database go there, and it is not. Remove it, or set TMPDIR to another folder.`,
    );
  chmodSync(folder, mode);
  return folder;
}

/** Removes what is left of runs that are gone: a machine that went down took the watchdog with it. */
async function removeLeftovers(parent: string): Promise<void> {
  for (const name of readdirSync(parent)) {
    const folder = join(parent, name);
    if (isOwned(folder)) continue;
    for (const instance of readdirSync(folder)) await endServer(join(folder, instance, "data"));
    rmSync(folder, { recursive: true, force: true });
  }
}

function isOwned(folder: string): boolean {
  try {
    const { pid, host } = JSON.parse(readFileSync(join(folder, OWNER), "utf8")) as {
      pid: number;
      host: string;
    };
    if (host !== hostname()) return true;
    process.kill(pid, 0);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Another run may just be making it.
    if (code === "ENOENT") return Date.now() - lstatSync(folder).mtimeMs < NEW_MS;
    return code === "EPERM";
  }
}

/** The process id may belong to another process now: only a server on that folder is ended. */
async function endServer(data: string): Promise<void> {
  const file = join(data, "postmaster.pid");
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, "utf8").split("\n")[0]);
  const { output } = await run("ps", ["-o", "args=", "-p", String(pid)], process.env).catch(() => ({
    output: "",
  }));
  if (output.includes(data)) process.kill(pid, "SIGQUIT");
}
