import { existsSync, statSync } from "node:fs";
import tls from "node:tls";
import { UsageError } from "../events.ts";
import { textOf } from "./files.ts";
import { isOpenTo, ownFile } from "./own-files.ts";
import type { Parameters } from "./parameters.ts";

/** The option of node-postgres: `false` for a session without TLS. */
export type Tls = false | tls.ConnectionOptions;

const MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;
type Mode = (typeof MODES)[number];

/** Where operating systems keep the authorities that they trust; Node has its own list otherwise. */
const SYSTEM_FILES = [
  process.env.SSL_CERT_FILE,
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/cert.pem",
];

export interface TlsWays {
  mode: Mode;
  /** The ways to connect, in order. */
  ways: readonly [Tls, ...Tls[]];
}

/**
 * The meaning of `sslmode` and its certificates, as in libpq: if a root certificate exists, the server's certificate is
 * verified in any mode; without one only `verify-ca` and `verify-full` verify it. One difference: a root certificate that
 * is named and missing is refused, where libpq ignores it.
 */
export function tlsWays(given: Parameters, host: string): TlsWays {
  const { sslrootcert } = given;
  const mode = modeOf(given.sslmode ?? (sslrootcert === "system" ? "verify-full" : "prefer"));
  // A socket never leaves the machine.
  if (mode === "disable" || host.startsWith("/")) return { mode, ways: [false] };
  if (sslrootcert === "system" && mode !== "verify-full")
    throw new UsageError(`sslmode=${mode} does not go with sslrootcert=system. Use sslmode=verify-full.`);
  const secured = securedBy(given, mode, host);
  if (mode === "allow") return { mode, ways: [false, secured] };
  return { mode, ways: mode === "prefer" ? [secured, false] : [secured] };
}

function modeOf(text: string): Mode {
  const mode = MODES.find((candidate) => candidate === text);
  if (!mode) throw new UsageError(`sslmode=${text}: use one of ${MODES.join(", ")}.`);
  return mode;
}

function securedBy(given: Parameters, mode: Mode, host: string): tls.ConnectionOptions {
  const ca = authorities(given, mode);
  return {
    ...(ca === undefined ? {} : { ca: typeof ca === "string" ? ca : [...ca] }),
    rejectUnauthorized: ca !== undefined,
    checkServerIdentity: (_, certificate) =>
      mode === "verify-full" ? tls.checkServerIdentity(host, certificate) : undefined,
    ...ownCertificate(given),
    ...oldest(given.ssl_min_protocol_version),
  };
}

/** The authorities that verify the server, as PEM; undefined if the mode does not verify. */
function authorities({ sslrootcert }: Parameters, mode: Mode): string | readonly string[] | undefined {
  if (sslrootcert === "system") {
    const file = SYSTEM_FILES.find((candidate) => candidate && existsSync(candidate));
    return file ? textOf(file, "The system's certificates (sslrootcert=system)") : tls.rootCertificates;
  }
  const file = sslrootcert || ownFile("root.crt");
  if (existsSync(file)) return textOf(file, "The root certificate (sslrootcert)");
  if (sslrootcert)
    throw new UsageError(
      `The root certificate (sslrootcert) does not exist: ${file}. Give the file of the authority that signed the server's certificate.`,
    );
  if (mode.startsWith("verify-"))
    throw new UsageError(
      `sslmode=${mode} needs a certificate authority to verify the server, and ${file} does not exist. Give sslrootcert=FILE with the authority's certificate, or sslrootcert=system if a public authority signed it.`,
    );
  return undefined;
}

/** The client's certificate: the named one, or libpq's default if it exists. */
function ownCertificate({ sslcert, sslkey }: Parameters): { cert?: string; key?: string } {
  const cert = sslcert || ownFile("postgresql.crt");
  if (!existsSync(cert)) {
    if (sslcert) throw new UsageError(`The client's certificate (sslcert) does not exist: ${cert}`);
    return {};
  }
  const key = sslkey || ownFile("postgresql.key");
  if (!existsSync(key))
    throw new UsageError(`The key of the client's certificate (sslkey) does not exist: ${key}`);
  const found = statSync(key);
  if (isOpenTo(found, found.uid === 0 ? 0o027 : 0o077))
    throw new UsageError(`Others may read the client's key: chmod 600 ${key}`);
  return {
    cert: textOf(cert, "The client's certificate (sslcert)"),
    key: textOf(key, "The client's key (sslkey)"),
  };
}

function oldest(version: string | undefined): { minVersion?: tls.SecureVersion } {
  if (version === undefined) return {};
  const known = (["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] as const).find((one) => one === version);
  if (!known) throw new UsageError(`ssl_min_protocol_version=${version}: use TLSv1.2 or TLSv1.3.`);
  return { minVersion: known };
}
