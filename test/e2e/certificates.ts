import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./command.ts";

export interface Certificates {
  /** Of the authority that vouches for the server's. */
  ca: string;
  certificate: string;
  key: string;
}

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** A certificate authority of the suite's own, and a certificate by it for every server that the suite starts. */
export async function makeCertificates(openssl: string, folder: string): Promise<Certificates> {
  const at = (name: string) => join(folder, name);
  const extensions = at("server.ext");
  writeFileSync(
    extensions,
    "subjectAltName=DNS:localhost,DNS:*.execute-api.localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n",
  );
  const ca = ["-x509", ...KEY, "-days", "2", "-subj", "/CN=Sluice end-to-end tests"];
  const may = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"];
  await run([openssl, "req", ...ca, ...may, "-keyout", at("ca.key"), "-out", at("ca.pem")]);
  const server = [...KEY, "-subj", "/CN=localhost"];
  await run([openssl, "req", ...server, "-keyout", at("server.key"), "-out", at("server.csr")]);
  const by = ["-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-CAcreateserial", "-days", "2"];
  const signed = ["-in", at("server.csr"), "-extfile", extensions, "-out", at("server.pem")];
  await run([openssl, "x509", "-req", ...signed, ...by]);
  return { ca: at("ca.pem"), certificate: at("server.pem"), key: at("server.key") };
}
