import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { FetchHttp } from "../../../lambdas/shared/aws/fetch-http.ts";

const http = new FetchHttp();
let server: Server | undefined;

async function serve(listener: RequestListener): Promise<string> {
  server = createServer(listener);
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

test("a missing answer is reported with address and limit, and without the query", async () => {
  const url = await serve(() => undefined);
  await expect(http.request("GET", `${url}/stop?key=secret`, {}, undefined, 50)).rejects.toThrow(
    `GET ${url}/stop got no answer: nothing within 0.05 s`,
  );
});

test("a body that never ends is cut off by the same limit", async () => {
  const url = await serve((_request, response) => void response.write("beginning"));
  await expect(http.request("GET", url, {}, undefined, 100)).rejects.toThrow("got no answer");
});

test("a refused connection is reported with its reason", async () => {
  const url = await serve(() => undefined);
  await new Promise((resolve) => server?.close(resolve));
  await expect(http.request("GET", url, {}, undefined, 1000)).rejects.toThrow("ECONNREFUSED");
});

test("a redirect is an answer and is not followed", async () => {
  const url = await serve((_request, response) => response.writeHead(302, { location: "/else" }).end());
  expect((await http.request("GET", url, {}, undefined, 1000)).status).toBe(302);
});

test("of a large body, the first 64 KiB are kept", async () => {
  const url = await serve((_request, response) => response.end("x".repeat(1024 * 1024)));
  expect((await http.request("GET", url, {}, undefined, 5000)).body).toBe("x".repeat(64 * 1024));
});

test("method, headers and body arrive unchanged", async () => {
  const url = await serve((request, response) => {
    request.on("data", (chunk) => response.end(`${request.method} ${request.headers["x-key"]} ${chunk}`));
  });
  expect(await http.request("POST", url, { "x-key": "k" }, "stop", 1000)).toEqual({
    status: 200,
    body: "POST k stop",
  });
});
