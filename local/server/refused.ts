import { messageOf } from "../../lambdas/shared/errors.ts";
import { UsageError } from "../events.ts";
import { type Address, placeOf, URL_VARIABLE } from "./address.ts";

/** A server that was not reached, or that let nobody in: what it said, and what helps. */
export class Refused extends UsageError {
  /** The network's or PostgreSQL's, as the driver gave it. */
  readonly code: string;
  constructor(address: Address, error: unknown) {
    super(`${placeOf(address)} cannot be reached: ${wordsFor(address, error)}`, { cause: error });
    this.code = codeOf(error);
  }
}

/** The server wants a password, and there is none. */
export class NoPassword extends Error {
  override readonly name = "NoPassword";
}

export function codeOf(error: unknown): string {
  return String((error as { code?: unknown } | null)?.code ?? "");
}

const GIVE = `Give it by PGPASSWORD, by a password file (~/.pgpass, chmod 600), or by the whole URL in ${URL_VARIABLE}: what stands in the command's line, any user of this machine can read.`;
const NO_TLS = "The server does not support SSL connections";

function wordsFor(address: Address, error: unknown): string {
  const { host, port, user, database, passwordFrom, connectTimeoutMs } = address;
  const said = messageOf(error) || codeOf(error);
  const isSocket = host.startsWith("/");
  switch (codeOf(error)) {
    case "ENOENT":
      return `there is no socket ${host}/.s.PGSQL.${port}. Is the server running, and is this its folder and port?`;
    case "ENOTFOUND":
      return `there is no host ${host}. Look at its spelling, and at the network or VPN that knows it.`;
    case "EAI_AGAIN":
      return `the name ${host} could not be looked up just now. Look at the network, and try again.`;
    case "ECONNREFUSED":
      return isSocket
        ? `no server listens at ${host}/.s.PGSQL.${port}. Is it running?`
        : `no server listens there. Is it running, and is ${port} its port?`;
    case "ETIMEDOUT":
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return `nothing answers (${said}). Look at the host and the port, at firewalls and security groups, and at the VPN.`;
    case "ECONNRESET":
    case "EPIPE":
      return `the other side broke the connection off (${said}). Is it a PostgreSQL server that listens there?`;
    case "EACCES":
      return `this process may not use the socket in ${host}.`;
    case "28P01":
      return `${said}. The password is from ${passwordFrom}.`;
    case "28000":
      return `${said}. Look at the role's name, and at pg_hba.conf for whom the server lets in, from where and how (sslmode is ${address.tls.mode}).`;
    case "3D000":
      return `${said}. Look at the name after the last slash: psql -l lists those that there are.`;
    case "42501":
      return `${said}. The role needs CONNECT there: GRANT CONNECT ON DATABASE "${database}" TO "${user}".`;
    case "53300":
      return `${said}. End sessions that are idle, or raise the limit: max_connections, ALTER ROLE ... CONNECTION LIMIT or ALTER DATABASE ... CONNECTION LIMIT. A run needs a few sessions at once.`;
    case "57P03":
      return `${said}. Wait until it has started.`;
    case "28001":
      return `${said}. Renew the role's password.`;
  }
  if (error instanceof NoPassword)
    return `the server wants a password for ${user}, and there is none: ${passwordFrom}. ${GIVE}`;
  if (lacksTls(error))
    return `the server has no TLS, and sslmode=${address.tls.mode} insists on it. Turn ssl on there, or, where the network is your own, take sslmode=prefer or disable.`;
  if (isAboutCertificate(codeOf(error)))
    return `its certificate is not believed: ${said}. Give sslrootcert=FILE with the certificate of the authority that signed it${
      codeOf(error) === "ERR_TLS_CERT_ALTNAME_INVALID"
        ? "; the certificate must name this host, or sslmode=verify-ca leaves the name out"
        : ""
    }. sslmode=require encrypts without believing anybody, where no root certificate is named.`;
  if (/timeout/i.test(said))
    return `it did not answer within ${Math.round(connectTimeoutMs / 1000)} s. Look at the host and the port, at firewalls and security groups, and at the VPN.`;
  if (/^SASL/.test(said)) return `the login was not understood: ${said}`;
  if (/SSL connection|SSL routines|EPROTO|ERR_SSL/.test(`${said} ${codeOf(error)}`))
    return `TLS could not be agreed on: ${said}. Is it a PostgreSQL server, and does it take TLS 1.2 or newer?`;
  return said === "Connection terminated unexpectedly"
    ? "the other side closed the connection before it let anybody in. Is it a PostgreSQL server that listens there?"
    : said;
}

function isAboutCertificate(code: string): boolean {
  return /CERT|UNABLE_TO_VERIFY|UNABLE_TO_GET|SELF_SIGNED|INVALID_CA|HOSTNAME_MISMATCH/.test(code);
}

export function lacksTls(error: unknown): boolean {
  return messageOf(error).startsWith(NO_TLS);
}

/** Whether the next way of sslmode may let in where this one did not: never after a wrong password. */
export function mayGoOtherWay(error: unknown): boolean {
  const code = codeOf(error);
  return (
    lacksTls(error) ||
    code === "28000" ||
    isAboutCertificate(code) ||
    /^(EPROTO|ERR_SSL|ERR_TLS)/.test(code) ||
    /SSL connection/.test(messageOf(error))
  );
}
