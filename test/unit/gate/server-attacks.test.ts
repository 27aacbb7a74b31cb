import { once } from "node:events";
import { Agent, request as httpRequest } from "node:http";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openGate } from "../../../lambdas/gate/task.ts";
import { summarizePlan } from "../../../lambdas/report/plan-summary.ts";
import { Doc } from "../../../lambdas/shared/documents.ts";
import { evidenceOf, type RunEvidence } from "../../../lambdas/shared/evidence.ts";
import type { Ports } from "../../../lambdas/shared/ports.ts";
import { fileEvidence } from "../../../local/file-evidence.ts";
import { type GateServer, startGateServer } from "../../../local/gate-server.ts";
import { type MemoryPorts, memoryPorts } from "../../support/ports.ts";
import { temporaryFolder } from "../../support/rehearsal.ts";
import { Catalog, linkOf, NO_GO, RUN, shownOn } from "./scene.ts";

/** An open gate on a real server, with its evidence in real files. */
interface Opened {
  memory: MemoryPorts;
  ports: Ports;
  evidence: RunEvidence;
  server: GateServer;
  path: string;
  key: string;
  shown: string;
}

const servers: GateServer[] = [];
let opened: Opened;

async function serve(ports: Ports): Promise<GateServer> {
  const server = await startGateServer(() => ports);
  servers.push(server);
  return server;
}

async function open(approvals?: number): Promise<Opened> {
  const memory = memoryPorts();
  const { readiness } = memory.plan.gates;
  memory.plan = {
    ...memory.plan,
    gates: { ...memory.plan.gates, readiness: { ...readiness, ...(approvals ? { approvals } : {}) } },
  };
  const ports: Ports = Object.assign({}, memory, { evidence: fileEvidence(await temporaryFolder()) });
  const server = await serve(ports);
  ports.settings.gateUrl = server.url;
  const evidence = evidenceOf(ports.evidence, RUN);
  await evidence.createOnce(Doc.plan, summarizePlan(ports.plan));
  const event = { gate: "readiness", kind: "readiness", version: null, token: "token" } as const;
  await openGate(
    { ...event, escalation: false, until: "2026-11-03T03:00:00.000Z" },
    ports,
    evidence,
    new Catalog().read,
  );
  const { path, key } = linkOf(memory);
  const shown = shownOn(await (await fetch(`${server.url}${path}?key=${key}`)).text());
  return { memory, ports, evidence, server, path, key, shown };
}

beforeEach(async () => {
  opened = await open();
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

const decisionOf = ({ evidence }: Opened) => evidence.read(Doc.gateDecision("readiness", 1));
const form = (o: Opened, fields: Record<string, string>) =>
  `${new URLSearchParams({ key: o.key, shown: o.shown, ...fields })}&tick=0&tick=1`;

const agent = new Agent({ keepAlive: true, maxSockets: 100 });

function post(o: Opened, body: string, url = o.server.url): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/x-www-form-urlencoded", origin: url };
    const sent = httpRequest(url + o.path, { method: "POST", headers, agent }, async (response) => {
      let text = "";
      for await (const chunk of response) text += String(chunk);
      resolve({ status: response.statusCode ?? 0, text });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

test("a thousand answers at once on a real server and real files make one decision", async () => {
  const answers = await Promise.all(
    Array.from({ length: 1000 }, (_, i) =>
      post(opened, form(opened, { decision: i % 2 ? "Go" : "NoGo", by: `Person ${i}`, comment: "because" })),
    ),
  );
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  expect(answers.filter(({ status }) => status === 409)).toHaveLength(999);
  const decision = await decisionOf(opened);
  const heard = opened.memory.callbacks.calls.map(({ output }) => output);
  expect(new Set(heard.map((output) => JSON.stringify(output)))).toEqual(
    new Set([JSON.stringify({ decision: decision?.decision })]),
  );
});

test("first Goes at once on real files count each person once, and no more than needed", async () => {
  const o = await open(3);
  const people = ["Ada", "ADA", "Grace", "grace", "Alan", "alan ", "Ada", "Grace", "Alan"];
  const answers = await Promise.all(people.map((by) => post(o, form(o, { decision: "Go", by }))));
  for (const { status } of answers) expect(status).toBeOneOf([200, 202, 409]);
  const decision = await decisionOf(o);
  expect(decision?.approvals?.map(({ by }) => by.trim().toLowerCase()).sort()).toEqual([
    "ada",
    "alan",
    "grace",
  ]);
});

test("an answer that is sent again after a restart changes nothing, and another one changes nothing either", async () => {
  const body = form(opened, { ...NO_GO });
  expect((await post(opened, body)).status).toBe(200);
  const kept = await decisionOf(opened);
  await opened.server.close();
  const again = await serve(opened.ports);
  expect((await post(opened, body, again.url)).status).toBe(200);
  const other = await post(opened, form(opened, { decision: "Go", by: "Mallory" }), again.url);
  expect(other.status).toBe(409);
  expect(await decisionOf(opened)).toEqual(kept);
  expect(opened.memory.callbacks.calls).toHaveLength(1);
});

describe("a malformed request", () => {
  /** Sends the text unchanged and returns the whole reply; `breakOff` closes the connection after it. */
  async function raw(text: string, breakOff = false): Promise<string> {
    const { hostname, port } = new URL(opened.server.url);
    const socket = connect(Number(port), hostname);
    let answered = "";
    socket.setEncoding("utf8").on("data", (chunk) => {
      answered += chunk;
    });
    // The server may close the connection in the middle.
    socket.on("error", () => undefined);
    if (breakOff) socket.end(text);
    else socket.write(text);
    await once(socket, "close");
    return answered;
  }

  const head = (method: string, path: string, ...lines: string[]) =>
    [`${method} ${path} HTTP/1.1`, `Host: ${new URL(opened.server.url).host}`, ...lines, "", ""].join("\r\n");
  const TYPE = "Content-Type: application/x-www-form-urlencoded";

  test("is refused whole: two lengths, a length and chunks, a header with a bare line end", async () => {
    const body = form(opened, { ...NO_GO });
    for (const lines of [
      [TYPE, "Content-Length: 0", `Content-Length: ${body.length}`],
      [TYPE, "Transfer-Encoding: chunked", `Content-Length: ${body.length}`],
      [TYPE, "X-A: b\nX-C: d", `Content-Length: ${body.length}`],
    ])
      expect(await raw(head("POST", opened.path, ...lines) + body)).toMatch(/^HTTP\/1\.1 400 /);
    expect(await decisionOf(opened)).toBeUndefined();
  });

  test("puts no header into the answer, whatever is in the path", async () => {
    for (const path of [
      `${opened.path}%0d%0aX-Evil:%20yes`,
      "/gates/run-1%0d%0aX-Evil:%20yes/readiness/1",
      "/%0d%0aX-Evil:%20yes",
      `${opened.path}?key=%0d%0aX-Evil:%20yes`,
    ]) {
      const answered = await raw(head("GET", path, "Connection: close"));
      expect(answered).toMatch(/^HTTP\/1\.1 404 /);
      expect(answered).not.toMatch(/^X-Evil/im);
    }
  });

  test("has no effect if it breaks off", async () => {
    const body = form(opened, { ...NO_GO });
    await raw(head("POST", opened.path, TYPE, `Content-Length: ${body.length + 10}`) + body, true);
    expect(await decisionOf(opened)).toBeUndefined();
  });

  test("gets no answer for another host, whose name points here", async () => {
    const body = form(opened, { ...NO_GO });
    const request = head("POST", opened.path, TYPE, `Content-Length: ${body.length}`, "Connection: close");
    const answered = await raw(request.replace(/^Host: .*$/m, "Host: evil.example") + body);
    expect(answered).toMatch(/^HTTP\/1\.1 421 /);
    expect(await decisionOf(opened)).toBeUndefined();
  });
});
