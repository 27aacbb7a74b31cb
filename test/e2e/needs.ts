import { existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { run } from "./command.ts";

/** The release that the suite was written against: another one may do more, or less. */
export const MINISTACK = "1.5.33";

const DEBIAN = "/usr/lib/postgresql";
const TOOLS = ["initdb", "postgres", "pg_basebackup"];

export interface Needs {
  /** The Python that has MiniStack. */
  python: string;
  openssl: string;
  postgres: PostgresTools;
}

/** PostgreSQL's programs, and how to run them as a user other than root, as they require. */
export interface PostgresTools {
  /** Comes before each command. */
  prefix: readonly string[];
  bin: string;
  /** Folder that the programs take for the root of all files. */
  root: string;
  /** Who they run as, where that is not us. */
  owner: { uid: number; gid: number } | undefined;
}

/** @throws Error that lists everything missing that the suite needs, each with its fix */
export async function findNeeds(): Promise<Needs> {
  const missing: string[] = [];
  const attempt = async <T>(find: () => Promise<T>): Promise<T | undefined> =>
    await find().catch((error: Error) => void missing.push(error.message));
  const python = await attempt(findMinistack);
  const openssl = await attempt(async () =>
    need("openssl", "openssl: install it (Debian: apt-get install openssl)."),
  );
  const postgres = await attempt(findPostgres);
  if (missing.length > 0 || !python || !openssl || !postgres)
    throw new Error(
      `The end-to-end suite lacks:\n${missing.map((line) => `- ${line}`).join("\n")}\n.ci/run installs all of it.`,
    );
  return { python, openssl, postgres };
}

async function findMinistack(): Promise<string> {
  const mend = `MiniStack ${MINISTACK}: python3 -m venv VENV && VENV/bin/pip install ministack==${MINISTACK}, and set SLUICE_MINISTACK to VENV/bin/ministack.`;
  const found = process.env.SLUICE_MINISTACK ?? need("ministack", mend);
  const beside = join(found, "..", "python3");
  const python = existsSync(beside) ? beside : "python3";
  const version = await run([
    python,
    "-c",
    "import importlib.metadata as m; print(m.version('ministack'))",
  ]).catch(() => "none that can be found out");
  if (version.trim() !== MINISTACK) throw new Error(`${mend} This one is ${version.trim()}.`);
  return python;
}

async function findPostgres(): Promise<PostgresTools> {
  const root = process.env.SLUICE_E2E_POSTGRES_ROOT ?? "/";
  const debian = join(root, DEBIAN);
  const bins = process.env.SLUICE_E2E_POSTGRES_BIN
    ? [process.env.SLUICE_E2E_POSTGRES_BIN]
    : existsSync(debian)
      ? readdirSync(debian)
          .sort((a, b) => Number(b) - Number(a))
          .map((version) => `${DEBIAN}/${version}/bin`)
      : [];
  const bin = bins.find((path) => TOOLS.every((tool) => existsSync(join(root, path, tool))));
  if (bin === undefined)
    throw new Error(
      `PostgreSQL's programs (${TOOLS.join(", ")}), 15 or newer: install the server (Debian: apt-get install postgresql), or set SLUICE_E2E_POSTGRES_BIN to their folder, and SLUICE_E2E_POSTGRES_ROOT where they need a root of their own.`,
    );
  if (process.getuid?.() !== 0) return { prefix: [], bin, root: "/", owner: undefined };
  const id = async (flag: string) =>
    Number(await run(root === "/" ? ["id", flag, "postgres"] : ["chroot", root, "id", flag, "postgres"]));
  const owner = { uid: await id("-u"), gid: await id("-g") };
  const prefix =
    root === "/"
      ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
      : ["chroot", "--userspec=postgres:postgres", root];
  return { prefix, bin, root, owner };
}

/** Returns the command's path. @throws Error with the fix if it is missing */
function need(command: string, mend: string): string {
  const folder = (process.env.PATH ?? "").split(delimiter).find((path) => existsSync(join(path, command)));
  if (folder === undefined) throw new Error(mend);
  return join(folder, command);
}
