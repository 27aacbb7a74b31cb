import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { authorities } from "../../lib/authorities.ts";
import { parseSettings } from "../../lib/settings.ts";
import { exampleSettings } from "../support/settings.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-authorities-"));
afterAll(() => rmSync(folder, { recursive: true }));

// Made for this test; nobody has the keys.
const OUR_OWN_CA = `-----BEGIN CERTIFICATE-----
MIIBgDCCASegAwIBAgIUerA8xXKWdBYrfnNvl0i0W0X6SrowCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKT3VyIG93biBDQTAgFw0yNjExMjUxNTM3MDBaGA8yMTI2MTEw
MTE1MzcwMFowFTETMBEGA1UEAwwKT3VyIG93biBDQTBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABBn1G1hfGzHvJ1X0Un2DVGc0o9mFD71+bJo0nKtlJH1xP1cwvKzF
42T5qybp4um30dccZHFGC3b+vUWfzKI8RwqjUzBRMB0GA1UdDgQWBBQ0/0+ZNSM4
Dzykk7lU4YMJnaXnOjAfBgNVHSMEGDAWgBQ0/0+ZNSM4Dzykk7lU4YMJnaXnOjAP
BgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCIHmcj3iGzxFrkdY8msPA
E+dHn/ukKj7iq106mILbm/4hAiADsNH2sAL3+psV5H3Owy1Y100I9HJUOftRm5KZ
2tk3Jg==
-----END CERTIFICATE-----
`;
const A_SERVERS = `-----BEGIN CERTIFICATE-----
MIIBdzCCARygAwIBAgIUaJcRYSk+LdDzuN7nm12FtDdCBUAwCgYIKoZIzj0EAwIw
ETEPMA0GA1UEAwwGc2VydmVyMCAXDTI2MTEyNTE1MzcwMFoYDzIxMjYxMTAxMTUz
NzAwWjARMQ8wDQYDVQQDDAZzZXJ2ZXIwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AAQtD5M9j/r2Z2Z8lH0WfXiJXjWa/juPzggq2lRkbvli3fWdsB54FlaZva+Z9D5u
87L8GwT8KefKR7C2OkNfqrtNo1AwTjAdBgNVHQ4EFgQUofcgLbAHH714RXBBnbGr
nX7HwZ4wHwYDVR0jBBgwFoAUofcgLbAHH714RXBBnbGrnX7HwZ4wDAYDVR0TAQH/
BAIwADAKBggqhkjOPQQDAgNJADBGAiEA+CzZRIut72I7mYEvn6GlIPWC80OoCUtN
p6+gvV6irIUCIQDnqCkxfDrIF8PLDJKh19Z/sn7Q+371sY52AU1uGgYcWQ==
-----END CERTIFICATE-----
`;

function written(text: string): string {
  const path = join(folder, "bundle.pem");
  writeFileSync(path, text);
  return path;
}

const settingsWith = (database: object) =>
  parseSettings({ ...exampleSettings, database: { ...exampleSettings.database, ...database } });
const subjects = (pem: string) =>
  pem
    .split(/(?<=-----END CERTIFICATE-----\n)/)
    .map((one) => new X509Certificate(one).subject.replaceAll("\n", ", "));

test("the authorities include Amazon's for the Region", () => {
  expect(subjects(authorities(settingsWith({})))).toContainEqual(
    expect.stringContaining("CN=Amazon RDS eu-central-1 Root CA RSA2048 G1"),
  );
});

test("the deployer's own bundle is added to them", () => {
  const known = subjects(authorities(settingsWith({})));
  const caBundle = written(OUR_OWN_CA);
  expect(subjects(authorities(settingsWith({ caBundle })))).toEqual([...known, "CN=Our own CA"]);
});

test("a Region newer than the package needs a bundle, and the message shows where it is", () => {
  const secretArn = "arn:aws:secretsmanager:xx-new-1:123456789012:secret:orders";
  expect(() => authorities(settingsWith({ secretArn }))).toThrow(
    /older than xx-new-1.*https:\/\/truststore\.pki\.rds\.amazonaws\.com\/xx-new-1\/xx-new-1-bundle\.pem/,
  );
  const caBundle = written(OUR_OWN_CA);
  expect(subjects(authorities(settingsWith({ secretArn, caBundle })))).toContain("CN=Our own CA");
});

test.each([
  ["that does not exist", () => join(folder, "nowhere.pem"), /cannot be read/],
  ["without a certificate", () => written("nothing"), /has no certificate/],
  [
    "with something else between the marks",
    () => written("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
    /has something that is no certificate/,
  ],
  ["with a server's certificate", () => written(A_SERVERS), /belongs to no authority: CN=server/],
])("a bundle %s is refused", (_, caBundle, message) => {
  expect(() => authorities(settingsWith({ caBundle: caBundle() }))).toThrow(message);
});
