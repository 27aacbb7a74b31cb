import { EventEmitter } from "node:events";
import { beforeEach, expect, test, vi } from "vitest";
import type { Credentials } from "../../../lambdas/shared/aws/databases.ts";
import { PgDatabases } from "../../../lambdas/shared/aws/databases.ts";

// A local server would need a certificate from Amazon; these tests cover how the client is used.
const { clients, FakeClient } = await vi.hoisted(async () => {
  const { EventEmitter } = await import("node:events");
  const clients: InstanceType<typeof FakeClient>[] = [];
  class FakeClient extends EventEmitter {
    static connecting: (password: string) => Error | undefined = () => undefined;
    readonly sent: string[] = [];
    ended = 0;
    failing: Error | undefined;
    constructor(readonly config: Record<string, unknown>) {
      super();
      clients.push(this);
    }
    async connect() {
      const error = FakeClient.connecting(String(this.config.password));
      if (error) throw error;
    }
    async query(text: string) {
      this.sent.push(text);
      if (this.failing) throw this.failing;
      return { rows: [{ one: 1 }] };
    }
    async end() {
      this.ended++;
    }
  }
  return { clients, FakeClient };
});
vi.mock("pg", () => ({ Client: FakeClient, default: { Client: FakeClient } }));

const coded = (code: string, message: string) => Object.assign(new Error(message), { code });
const endpoint = { host: "orders.abc.eu-central-1.rds.amazonaws.com", port: 5433 };

function databases(...passwords: string[]): PgDatabases {
  return new PgDatabases({
    database: "orders",
    applicationName: "sluice-migrate",
    authorities: "-----BEGIN CERTIFICATE-----",
    mend: "check the setting database.secretArn",
    async *credentials(): AsyncGenerator<Credentials> {
      for (const password of passwords) yield { username: "sluice", password };
    },
  });
}

beforeEach(() => {
  clients.length = 0;
  FakeClient.connecting = () => undefined;
});

test("a refused password is answered with the next one, as after a rotation", async () => {
  FakeClient.connecting = (password) => (password === "old" ? coded("28P01", "no") : undefined);
  await databases("old", "new", "newer").withSession(endpoint, async () => undefined);
  expect(clients.map((client) => client.config.password)).toEqual(["old", "new"]);
});

test("if no password is accepted, the message names the setting and no password", async () => {
  FakeClient.connecting = () => coded("28P01", "password authentication failed");
  const attempt = databases("hunter2").withSession(endpoint, async () => undefined);
  await expect(attempt).rejects.toThrow(
    /refused every login that Sluice has: check the setting database\.secretArn/,
  );
  await expect(attempt).rejects.not.toThrow("hunter2");
});

test("a rejected IAM token is reported as one", async () => {
  FakeClient.connecting = () => coded("28000", "PAM authentication failed");
  const attempt = databases("token").withSession(endpoint, async () => undefined);
  await expect(attempt).rejects.toThrow(/refused every login .* PAM authentication failed/);
});

test("a server that does not answer is a lost connection, and no other password is tried", async () => {
  FakeClient.connecting = () => coded("ETIMEDOUT", "timeout");
  await expect(databases("a", "b").withSession(endpoint, async () => undefined)).rejects.toMatchObject({
    name: "ConnectionLost",
  });
  expect(clients).toHaveLength(1);
});

test("each session is closed, however the work ends, and also if it never began", async () => {
  await databases("a").withSession(endpoint, async () => undefined);
  await databases("a")
    .withSession(endpoint, () => Promise.reject(new Error("work")))
    .catch(() => undefined);
  FakeClient.connecting = () => coded("3D000", "no such database");
  await databases("a")
    .withSession(endpoint, async () => undefined)
    .catch(() => undefined);
  expect(clients.map((client) => client.ended)).toEqual([1, 1, 1]);
});

test("after a loss, a query reports what happened to the session", async () => {
  const work = databases("a").withSession(endpoint, async (session) => {
    const [client] = clients;
    client?.emit("error", new Error("terminating connection due to administrator command"));
    if (client) client.failing = new Error("Client has encountered a connection error and is not queryable");
    await session.query("SELECT 1");
  });
  await expect(work).rejects.toMatchObject({
    name: "ConnectionLost",
    message: expect.stringContaining("administrator command"),
  });
});

test("a statement's error passes through as the server gave it", async () => {
  const work = databases("a").withSession(endpoint, async (session) => {
    const [client] = clients;
    if (client) client.failing = coded("42P01", "no such table");
    await session.exec("TABLE nowhere");
  });
  await expect(work).rejects.toMatchObject({ code: "42P01" });
});

test("every session verifies the server's certificate and name", async () => {
  await databases("a").withSession(endpoint, async () => undefined);
  expect(clients[0]?.config.ssl).toEqual({
    ca: "-----BEGIN CERTIFICATE-----",
    rejectUnauthorized: true,
    servername: endpoint.host,
  });
});

test("a statement may outlive its client, and notices are dropped", async () => {
  await databases("a").withSession(endpoint, async () => undefined);
  expect(clients[0]).toBeInstanceOf(EventEmitter);
  expect(clients[0]?.config).toMatchObject({ keepAlive: true, application_name: "sluice-migrate" });
  expect(clients[0]?.sent).toEqual([expect.stringContaining("set_config")]);
});
