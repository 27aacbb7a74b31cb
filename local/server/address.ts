import { existsSync } from "node:fs";
import { userInfo } from "node:os";
import { UsageError } from "../events.ts";
import { parametersOfService, passwordIn } from "./files.ts";
import { type Parameters, parametersIn, parametersOf } from "./parameters.ts";
import { type TlsWays, tlsWays } from "./tls.ts";

/** Where a database is, and how to log in: everything that a session needs. */
export interface Address {
  /** A host name, an address, or the folder of a socket. */
  host: string;
  port: number;
  user: string;
  database: string;
  password: string | undefined;
  /** Where the password comes from, or why there is none; for messages. */
  passwordFrom: string;
  tls: TlsWays;
  directTls: boolean;
  options: string | undefined;
  connectTimeoutMs: number;
  /** All parameters as given, for programs that use libpq. */
  parameters: Parameters;
}

type Login = Pick<Address, "host" | "port" | "database" | "user">;

/** The environment variable that replaces the flag, which keeps a password out of the list of processes. */
export const URL_VARIABLE = "SLUICE_DATABASE_URL";

const SOCKET_FOLDERS = ["/var/run/postgresql", "/tmp"];
const CONNECT_TIMEOUT_MS = 15_000;

/**
 * The address in a URL or in `keyword=value` pairs. Missing parts come from where libpq takes them: from the service it
 * names, then from the environment, then from the password file.
 * @param from where the text comes from, for messages
 * @throws UsageError with what is wrong; the text itself is never repeated
 */
export function addressIn(
  text: string,
  from = "The database URL",
  env: NodeJS.ProcessEnv = process.env,
): Address {
  const given = parametersIn(text, from);
  const around = parametersOf(env);
  const service = given.service ?? around.service;
  const all: Parameters = {
    ...around,
    ...(service === undefined ? {} : parametersOfService(service, env)),
    ...given,
  };
  const { dbname: database } = all;
  if (!database)
    throw new UsageError(
      `${from} names no database: it must look like postgresql://user@host:port/database.`,
    );
  const port = portIn(all.port);
  const host =
    all.host || SOCKET_FOLDERS.find((folder) => existsSync(`${folder}/.s.PGSQL.${port}`)) || "localhost";
  if (host.includes(","))
    throw new UsageError("PGHOST or the service names several hosts. Give only the primary.");
  const login = { host, port, database, user: all.user || systemUser() };
  const directTls = all.sslnegotiation === "direct";
  const tls = tlsWays(all, host);
  if (directTls && !["require", "verify-ca", "verify-full"].includes(tls.mode))
    throw new UsageError(`sslnegotiation=direct needs sslmode=require or stronger, but it is ${tls.mode}.`);
  return {
    ...login,
    ...passwordOf(all, login, given.password !== undefined),
    tls,
    directTls,
    options: all.options,
    connectTimeoutMs: timeoutIn(all.connect_timeout),
    parameters: all,
  };
}

/** Such as `me@db.example.com:5432/app`; never with a password. */
export function placeOf({ user, host, port, database }: Login): string {
  return `${user}@${host.includes(":") ? `[${host}]` : host}:${port}/${database}`;
}

function passwordOf(
  all: Parameters,
  login: Login,
  isGiven: boolean,
): Pick<Address, "password" | "passwordFrom"> {
  if (all.password)
    return {
      password: all.password,
      passwordFrom: isGiven ? "the database URL" : "PGPASSWORD or the service",
    };
  const { file, password, unread } = passwordIn(all, login);
  if (password !== undefined) return { password, passwordFrom: file };
  return { password: undefined, passwordFrom: unread ?? `${file} has none for this login` };
}

function portIn(text = "5432"): number {
  const port = Number(text);
  if (!(Number.isInteger(port) && port > 0 && port < 65_536))
    throw new UsageError(
      "The port must be a number between 1 and 65535. A / in a password is written %2F, a : is written %3A.",
    );
  return port;
}

/** Seconds; libpq waits forever at 0 and below, but here every timeout is finite. */
function timeoutIn(text: string | undefined): number {
  if (text === undefined) return CONNECT_TIMEOUT_MS;
  const seconds = Number(text);
  if (!Number.isFinite(seconds)) throw new UsageError("connect_timeout must be a number of seconds.");
  return seconds > 0 ? Math.max(2, seconds) * 1000 : CONNECT_TIMEOUT_MS;
}

function systemUser(): string {
  try {
    return userInfo().username;
  } catch {
    throw new UsageError(
      "No user is given, and this process has no user name. Put the role's name before the @.",
    );
  }
}
