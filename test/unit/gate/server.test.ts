import { request as httpRequest, type IncomingHttpHeaders, type RequestOptions } from "node:http";
import { connect } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { summarizePlan } from "../../../lambdas/report/plan-summary.ts";
import { docName } from "../../../lambdas/shared/documents.ts";
import { type GateServer, startGateServer } from "../../../local/gate-server.ts";
import { GO, type Scene, scene, shownOn } from "./scene.ts";

let server: GateServer;
let s: Scene;

beforeEach(async () => {
  server = await startGateServer(() => s.ports);
  s = scene({ settings: { gateUrl: server.url } });
  await s.evidence.createOnce(docName("plan"), summarizePlan(s.ports.plan));
});
afterEach(() => server.close());

function send(
  url: string,
  options: RequestOptions = {},
  body = "",
): Promise<{ status: number; headers: IncomingHttpHeaders; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(url, options, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
      );
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

const FORM = { "content-type": "application/x-www-form-urlencoded" };

test("the local page shows the gate from the run's evidence and takes the decision", async () => {
  const { link, path, key } = await s.open();
  const page = await send(link);
  expect(page.status).toBe(200);
  expect(page.headers["cache-control"]).toBe("no-store");
  // The state that opened the gate is noted as done shortly after: the page does not count that as a change.
  await s.evidence.createOnce(docName("states/gate-ready"), {
    state: "Gate: ready?",
    at: "2026-11-03T02:00:01.000Z",
  });
  await s.evidence.createOnce(docName("states/gate-ready-done"), {
    state: "Gate: ready?",
    at: "2026-11-03T02:00:02.000Z",
  });
  const fields = { key, shown: shownOn(page.body), ...GO };
  const body = `${new URLSearchParams(fields)}&tick=0&tick=1`;
  const done = await send(
    server.url + path,
    { method: "POST", headers: { ...FORM, origin: server.url } },
    body,
  );
  expect(done.status).toBe(200);
  expect(done.body).toContain("Your Go is given");
  expect(await s.evidence.read(docName("gates/readiness-1/decision"))).toMatchObject({ from: "127.0.0.1" });
});

test("a page of another site whose name points here is refused", async () => {
  const { link } = await s.open();
  for (const host of [
    "evil.example",
    "localhost",
    new URL(server.url).host.replace("127.0.0.1", "evil.example"),
  ]) {
    const answered = await send(link, { headers: { host } });
    expect(answered.status).toBe(421);
    expect(answered.body).not.toContain("orders-prod");
  }
});

test("an endless body is answered and not read to its end", async () => {
  const { path } = await s.open();
  const answered = await send(
    server.url + path,
    { method: "POST", headers: FORM },
    "x".repeat(5_000_000),
  ).catch((error: NodeJS.ErrnoException) => error.code);
  // The connection may be closed while the client still sends.
  if (typeof answered === "object") expect(answered.status).toBe(413);
  else expect(answered).toBeOneOf(["EPIPE", "ECONNRESET"]);
  expect((await send(server.url)).status).toBe(404);
});

test("the server closes at once, though a browser keeps its connection", async () => {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  await new Promise((resolve) => socket.once("connect", resolve));
  const started = Date.now();
  await server.close();
  expect(Date.now() - started).toBeLessThan(500);
  socket.destroy();
});

test("only this machine can reach it", () => {
  expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
});
