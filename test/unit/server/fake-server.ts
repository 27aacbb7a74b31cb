import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TLSSocket } from "node:tls";
import { onTestFinished } from "vitest";

/** The server's answer to a request for a session: it admits nobody, for the given reason. */
export type Says = (startup: Startup) => Buffer;

export interface Startup {
  encrypted: boolean;
  database: string;
}

const SSL_REQUEST = 80877103;

/** The beginning of PostgreSQL's protocol, on a port of its own. @param tls the server's certificate; none: no TLS */
export async function fakeServer(
  says: Says,
  tls?: { cert: string; key: string },
): Promise<{ port: number; asked: Startup[] }> {
  const asked: Startup[] = [];
  const answer = (socket: Socket, encrypted: boolean) =>
    socket.once("data", (data) => {
      if (data.readInt32BE(4) === SSL_REQUEST) {
        socket.write(tls ? "S" : "N");
        const next = tls ? new TLSSocket(socket, { isServer: true, ...tls }) : socket;
        next.on("error", () => undefined);
        answer(next, tls !== undefined);
        return;
      }
      const words = data.subarray(8).toString("utf8").split("\0");
      const startup = { encrypted, database: words[words.indexOf("database") + 1] ?? "" };
      asked.push(startup);
      socket.write(says(startup));
    });
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    answer(socket, false);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return { port: (server.address() as { port: number }).port, asked };
}

/** An ErrorResponse with that SQLSTATE. */
export function failing(code: string, message: string): Says {
  return () => framed("E", Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${message}\0\0`));
}

/** A request for a password in clear text. */
export const wantsPassword: Says = () => framed("R", Buffer.from([0, 0, 0, 3]));

/** Admits everybody, and answers nothing after that. */
export const letsIn: Says = () =>
  Buffer.concat([framed("R", Buffer.from([0, 0, 0, 0])), framed("Z", Buffer.from("I"))]);

function framed(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

/** A self-signed certificate, with 127.0.0.1 in it or another host. */
export function selfSigned(host: "IP:127.0.0.1" | "DNS:elsewhere.example"): {
  cert: string;
  key: string;
  file: string;
} {
  const folder = mkdtempSync(join(tmpdir(), "sluice-tls-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [file, keyFile] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  execFileSync(
    "openssl",
    [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
      "-nodes",
      "-days",
      "2",
    ].concat([
      ...["-keyout", keyFile, "-out", file, "-subj", "/CN=test", "-addext", `subjectAltName=${host}`],
    ]),
    { stdio: "ignore" },
  );
  return { cert: readFileSync(file, "utf8"), key: readFileSync(keyFile, "utf8"), file };
}
