import { messageOf } from "../../lambdas/shared/errors.ts";
import { UsageError } from "../events.ts";
import { type Address, placeOf, URL_VARIABLE } from "./address.ts";

/** A server that was not reached or refused the login: its error, and what to do. */
export class Refused extends UsageError {
  /** Code of the network or of PostgreSQL, from the driver. */
  readonly code: string;
  constructor(address: Address, error: unknown) {
    super(`${placeOf(address)} cannot be reached: ${wordsFor(address, error)}`, { cause: error });
    this.code = codeOf(error);
  }
}

/** The server requires a password, and there is none. */
export class NoPassword extends Error {
  override readonly name = "NoPassword";
}

export function codeOf(error: unknown): string {
  return String((error as { code?: unknown } | null)?.code ?? "");
}

const GIVE = `Give it by PGPASSWORD, by a password file (~/.pgpass, chmod 600), or by the whole URL in ${URL_VARIABLE}. Any user of this machine can read the command line.`;
const NO_TLS = "The server does not support SSL connections";

function wordsFor(address: Address, error: unknown): string {
  const { host, port, user, database, passwordFrom, connectTimeoutMs } = address;
  const reason = messageOf(error) || codeOf(error);
  const isSocket = host.startsWith("/");
  switch (codeOf(error)) {
    case "ENOENT":
      return `there is no socket ${host}/.s.PGSQL.${port}. Is the server running, and is this its folder and port?`;
    case "ENOTFOUND":
      return `there is no host ${host}. Check its spelling, and the network or VPN that resolves it.`;
    case "EAI_AGAIN":
      return `the name ${host} could not be resolved just now. Check the network, and try again.`;
    case "ECONNREFUSED":
      return isSocket
        ? `no server listens at ${host}/.s.PGSQL.${port}. Is it running?`
        : `no server listens there. Is it running, and is ${port} its port?`;
    case "ETIMEDOUT":
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return `nothing answers (${reason}). Check the host and the port, firewalls and security groups, and the VPN.`;
    case "ECONNRESET":
    case "EPIPE":
      return `the other side broke the connection (${reason}). Is it a PostgreSQL server?`;
    case "EACCES":
      return `this process may not use the socket in ${host}.`;
    case "28P01":
      return `${reason}. The password comes from ${passwordFrom}.`;
    case "28000":
      return `${reason}. Check the role's name, and pg_hba.conf for the logins that the server allows (sslmode is ${address.tls.mode}).`;
    case "3D000":
      return `${reason}. Check the name after the last slash; psql -l lists all databases.`;
    case "42501":
      return `${reason}. The role needs CONNECT there: GRANT CONNECT ON DATABASE "${database}" TO "${user}".`;
    case "53300":
      return `${reason}. End idle sessions, or raise the limit: max_connections, ALTER ROLE ... CONNECTION LIMIT or ALTER DATABASE ... CONNECTION LIMIT. A run needs a few sessions at once.`;
    case "57P03":
      return `${reason}. Wait until it has started.`;
    case "28001":
      return `${reason}. Renew the role's password.`;
  }
  if (error instanceof NoPassword)
    return `the server requires a password for ${user}, and there is none: ${passwordFrom}. ${GIVE}`;
  if (lacksTls(error))
    return `the server has no TLS, but sslmode=${address.tls.mode} requires it. Turn ssl on there, or, in a network of your own, use sslmode=prefer or disable.`;
  if (isAboutCertificate(codeOf(error)))
    return `its certificate is not trusted: ${reason}. Give sslrootcert=FILE with the certificate of the authority that signed it${
      codeOf(error) === "ERR_TLS_CERT_ALTNAME_INVALID"
        ? "; the certificate must name this host, unless you use sslmode=verify-ca"
        : ""
    }. sslmode=require encrypts without verification if no root certificate is named.`;
  if (/timeout/i.test(reason))
    return `it did not answer within ${Math.round(connectTimeoutMs / 1000)} s. Check the host and the port, firewalls and security groups, and the VPN.`;
  if (/^SASL/.test(reason)) return `the login failed: ${reason}`;
  if (/SSL connection|SSL routines|EPROTO|ERR_SSL/.test(`${reason} ${codeOf(error)}`))
    return `the TLS handshake failed: ${reason}. Is it a PostgreSQL server with TLS 1.2 or newer?`;
  return reason === "Connection terminated unexpectedly"
    ? "the other side closed the connection before the login. Is it a PostgreSQL server?"
    : reason;
}

function isAboutCertificate(code: string): boolean {
  return /CERT|UNABLE_TO_VERIFY|UNABLE_TO_GET|SELF_SIGNED|INVALID_CA|HOSTNAME_MISMATCH/.test(code);
}

export function lacksTls(error: unknown): boolean {
  return messageOf(error).startsWith(NO_TLS);
}

/** Whether another way of sslmode may succeed where this one failed: never after a wrong password. */
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
