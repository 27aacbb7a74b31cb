import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { answer } from "../lambdas/gate-page/answer.ts";
import { MOST_BODY_BYTES } from "../lambdas/gate-page/request.ts";
import type { Environment } from "../lambdas/shared/ports.ts";

export interface GateServer {
  /** Such as `http://127.0.0.1:40123`; must equal the ports' `settings.gateUrl`. */
  url: string;
  close(): Promise<void>;
}

/** Serves the gates' pages to this machine alone. The ports come from a function, as they need the server's address. */
export async function startGateServer(ports: () => Environment): Promise<GateServer> {
  let host = "";
  const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000 }, (request, response) => {
    serve(request, response, host, ports).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The gate server has no port");
  host = `127.0.0.1:${address.port}`;
  return {
    url: `http://${host}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        // Browsers keep connections open, which a run that has ended must not wait for.
        server.closeAllConnections();
      }),
  };
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  host: string,
  ports: () => Environment,
): Promise<void> {
  // A name of another site may resolve to this address; its pages then send that name as host.
  if (request.headers.host !== host) {
    response.writeHead(421, { "content-type": "text/plain; charset=utf-8", connection: "close" });
    response.end("This address is not served here.\n");
    return;
  }
  const [path = "", query = ""] = splitOnce(request.url ?? "", "?");
  const body = await readBody(request);
  const answered = await answer(
    {
      method: request.method ?? "GET",
      path,
      query,
      headers: Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [
          name,
          Array.isArray(value) ? value.join(", ") : value,
        ]),
      ),
      body,
      from: request.socket.remoteAddress ?? "",
      origin: `http://${host}`,
    },
    ports(),
  );
  // RFC 6797 forbids this header over plain HTTP.
  const { "strict-transport-security": _, ...headers } = answered.headers;
  response.writeHead(answered.status, {
    ...headers,
    // The rest of an oversize body is not read.
    ...(request.complete ? {} : { connection: "close" }),
  });
  response.end(answered.body);
}

/** The body, or enough of it to show that it is too large. */
async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size > MOST_BODY_BYTES) break;
  }
  return Buffer.concat(chunks).toString("utf8");
}

function splitOnce(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
