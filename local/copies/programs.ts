import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { plain } from "../../lambdas/shared/text.ts";
import { UsageError } from "../events.ts";
import type { Address } from "../server/address.ts";
import { environmentOf } from "../server/parameters.ts";

/** Names the folder of PostgreSQL's programs, if they must not be searched. */
export const BIN_VARIABLE = "SLUICE_POSTGRES_BIN";

/** Where operating systems put them, in a folder for each version. */
const PLACES: readonly [root: string, bin: (entry: string) => string][] = [
  ["/usr/lib/postgresql", (entry) => `${entry}/bin`],
  ["/usr", (entry) => (entry.startsWith("pgsql-") ? `${entry}/bin` : "")],
  ["/opt/homebrew/opt", (entry) => (entry.startsWith("postgresql") ? `${entry}/bin` : "")],
  ["/usr/local/opt", (entry) => (entry.startsWith("postgresql") ? `${entry}/bin` : "")],
  ["/Applications/Postgres.app/Contents/Versions", (entry) => `${entry}/bin`],
  ["C:/Program Files/PostgreSQL", (entry) => `${entry}/bin`],
];

const EXTENSION = process.platform === "win32" ? ".exe" : "";

/** Programs of PostgreSQL on this machine, all of one major version. */
export interface Programs {
  folder: string;
  major: number;
}

/**
 * Finds the folder with all these programs in that major version or, if `orNewer`, a newer one.
 * @throws UsageError with what was found instead, and where
 */
export async function findPrograms(
  names: readonly string[],
  major: number,
  { orNewer = false, env = process.env }: { orNewer?: boolean; env?: NodeJS.ProcessEnv } = {},
): Promise<Programs> {
  const found: Programs[] = [];
  for (const folder of foldersIn(env)) {
    if (!names.every((name) => existsSync(join(folder, `${name}${EXTENSION}`)))) continue;
    const majors: number[] = [];
    for (const name of names) majors.push(await majorOf(join(folder, name)));
    // One program of another version, such as Debian's wrappers, makes the whole folder unfit.
    found.push({ folder, major: majors.every((one) => one === majors[0]) ? (majors[0] ?? 0) : 0 });
  }
  const same = found.find((one) => one.major === major);
  const newer = found.filter((one) => one.major > major).sort((a, b) => a.major - b.major)[0];
  const fits = same ?? (orNewer ? newer : undefined);
  if (fits) return fits;
  const there = found.map(
    ({ folder, major }) => `${major === 0 ? "an unknown version" : `version ${major}`} in ${folder}`,
  );
  throw new UsageError(
    `This needs ${names.join(" and ")} of PostgreSQL ${major}${orNewer ? " or newer" : ""}, the server's version, on this machine. ${there.length > 0 ? `Found: ${there.join(", ")}.` : "None were found."} Install them (Debian: apt-get install postgresql${names.includes("postgres") ? "" : "-client"}-${major}), or set ${BIN_VARIABLE} to their folder.`,
  );
}

function foldersIn(env: NodeJS.ProcessEnv): string[] {
  const given = env[BIN_VARIABLE];
  if (given) return [given];
  const placed = PLACES.flatMap(([root, bin]) =>
    entriesOf(root).flatMap((entry) => (bin(entry) === "" ? [] : [join(root, bin(entry))])),
  );
  return [...new Set([...(env.PATH ?? "").split(delimiter).filter((path) => path !== ""), ...placed])];
}

function entriesOf(root: string): string[] {
  try {
    return readdirSync(root);
  } catch {
    return [];
  }
}

/** Major version of a program; 0 if it does not print one. */
async function majorOf(program: string): Promise<number> {
  const { output } = await run(program, ["--version"], process.env).catch(() => ({ output: "" }));
  return Number(/\(PostgreSQL\) (\d+)/.exec(output)?.[1] ?? 0);
}

/** The error output of a program that failed. */
export class ProgramFailed extends Error {
  override readonly name = "ProgramFailed";
}

interface Ran {
  output: string;
  errors: string;
}

/** Runs a program to its end, without input. @throws ProgramFailed with its error output */
export async function run(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<Ran> {
  const child = spawn(program, args, {
    env,
    stdio: ["ignore", "pipe", "pipe"],
    // Ctrl-C stops the run, which must still wait for this program.
    detached: true,
    // On Windows a window would open otherwise.
    windowsHide: true,
    ...(signal === undefined ? {} : { signal }),
  });
  const ran: Ran = { output: "", errors: "" };
  // A character may arrive in two chunks.
  child.stdout.setEncoding("utf8");
  child.stderr.setEncoding("utf8");
  child.stdout.on("data", (chunk) => {
    ran.output += chunk;
  });
  child.stderr.on("data", (chunk) => {
    ran.errors += chunk;
  });
  return await new Promise((resolve, reject) => {
    child.on("error", (error) => reject(new ProgramFailed(error.message, { cause: error })));
    child.on("close", (code) =>
      code === 0 ? resolve(ran) : reject(new ProgramFailed(plainText(ran.errors) || `it ended with ${code}`)),
    );
  });
}

/** The environment for a program that connects to the database: so no password is in its arguments. */
export function environmentFor(address: Address): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !name.startsWith("PG") && !name.startsWith("SLUICE_"),
  );
  return {
    ...Object.fromEntries(kept),
    LC_ALL: "C",
    ...environmentOf(address.parameters),
    ...loginOf(address),
  };
}

function loginOf({ host, port, user, database, password }: Address): NodeJS.ProcessEnv {
  return {
    PGHOST: host,
    PGPORT: String(port),
    PGUSER: user,
    PGDATABASE: database,
    ...(password === undefined ? {} : { PGPASSWORD: password }),
  };
}

/** Makes text plain, line by line. */
function plainText(text: string): string {
  return text.trim().split("\n").map(plain).join("\n");
}
