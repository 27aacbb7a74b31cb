import { readFileSync, type Stats, statSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../events.ts";
import { isOpenTo, ownFile } from "./own-files.ts";
import { checked, type Parameters } from "./parameters.ts";

/** The parameters of a service: from the user's file, or else from the machine's. */
export function parametersOfService(service: string, env: NodeJS.ProcessEnv): Parameters {
  const own = env.PGSERVICEFILE || ownFile("services");
  const files = [own, ...(env.PGSYSCONFDIR ? [join(env.PGSYSCONFDIR, "pg_service.conf")] : [])];
  // A file that is named must exist; the default ones need not.
  if (env.PGSERVICEFILE && statOf(own) === undefined)
    throw new UsageError(`The file that PGSERVICEFILE names does not exist: ${own}`);
  for (const file of files) {
    if (statOf(file) === undefined) continue;
    const found = sectionOf(textOf(file, "The service file"), service, file);
    if (found) return found;
  }
  throw new UsageError(`There is no service ${service} in ${files.join(" or ")}.`);
}

function sectionOf(text: string, service: string, file: string): Parameters | undefined {
  let found: Record<string, string> | undefined;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const trimmed = line.trim();
    if (trimmed === "" || trimmed.startsWith("#")) continue;
    if (trimmed.startsWith("[")) {
      if (found) break;
      if (trimmed === `[${service}]`) found = {};
      continue;
    }
    if (!found) continue;
    const at = trimmed.indexOf("=");
    const name = trimmed.slice(0, Math.max(0, at)).trim();
    if (at < 1 || name === "service")
      throw new UsageError(`${file}:${index + 1}: expected name=value in service ${service}.`);
    // The first of several values counts.
    found[name] ??= trimmed.slice(at + 1).trim();
  }
  return found && checked(found, `Service ${service} in ${file}`);
}

/** A password from the password file, or why it was not read. */
export interface FromPasswordFile {
  file: string;
  password?: string;
  unread?: string;
}

/** The password file's entry for that login. As in libpq, a file that others may read is ignored. */
export function passwordIn(
  { passfile }: Parameters,
  login: { host: string; port: number; database: string; user: string },
): FromPasswordFile {
  const file = passfile ?? ownFile("passwords");
  const found = statOf(file);
  if (!found) return { file };
  if (!found.isFile()) return { file, unread: `${file} is ignored, as it is no regular file` };
  if (isOpenTo(found, 0o077))
    return { file, unread: `${file} is ignored, as others may read it: chmod 600 ${file}` };
  const host = login.host.startsWith("/") ? ["localhost", login.host] : [login.host];
  const wanted = [host, [String(login.port)], [login.database], [login.user]];
  for (const line of textOf(file, "The password file").split(/\r?\n/)) {
    if (line.startsWith("#")) continue;
    const fields = [...line.matchAll(/((?:\\.|[^:\\])*)(?::|$)/gs)].map(([, field = ""]) => field);
    const [password] = fields.slice(4);
    const fits = wanted.every((values, at) => fields[at] === "*" || values.includes(plain(fields[at] ?? "")));
    if (password !== undefined && fits) return { file, password: plain(password) };
  }
  return { file };
}

const plain = (field: string): string => field.replace(/\\(.)/gs, "$1");

function statOf(file: string): Stats | undefined {
  return statSync(file, { throwIfNoEntry: false });
}

/** @throws UsageError if it cannot be read */
export function textOf(file: string, what: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`${what} cannot be read: ${(error as Error).message}`);
  }
}
