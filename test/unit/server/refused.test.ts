import { describe, expect, test } from "vitest";
import { addressIn } from "../../../local/server/address.ts";
import { connecting, withSessionAt } from "../../../local/server/session.ts";
import { failing, fakeServer, letsIn, type Says, selfSigned, wantsPassword } from "./fake-server.ts";

const HOME = { HOME: "/nowhere", PGPASSFILE: "/nowhere/pgpass" };

async function refusal(port: number, parameters = "", env: NodeJS.ProcessEnv = HOME): Promise<unknown> {
  const address = addressIn(
    `postgresql://me@127.0.0.1:${port}/app?connect_timeout=2&${parameters}`,
    undefined,
    env,
  );
  return await withSessionAt(address, {}, async () => "let in").catch((error: unknown) => error);
}

describe("a refused login is reported with the reason and the remedy", () => {
  test.each<[string, Says, string, RegExp]>([
    [
      "no password where one is required",
      wantsPassword,
      "",
      /requires a password for me, .*PGPASSWORD.*SLUICE_DATABASE_URL/,
    ],
    [
      "a wrong password",
      failing("28P01", "password authentication failed"),
      "",
      /failed\. The password comes from/,
    ],
    ["a missing role", failing("28000", 'role "me" does not exist'), "", /Check the role's name, and pg_hba/],
    ["a missing database", failing("3D000", 'database "app" does not exist'), "", /psql -l lists/],
    [
      "too many connections",
      failing("53300", "too many connections for role"),
      "",
      /ALTER ROLE \.\.\. CONNECTION LIMIT/,
    ],
    [
      "a server that starts",
      failing("57P03", "the database system is starting up"),
      "",
      /Wait until it has started/,
    ],
    [
      "no right to connect",
      failing("42501", "permission denied for database"),
      "",
      /GRANT CONNECT ON DATABASE "app"/,
    ],
    ["a server without TLS", letsIn, "sslmode=require", /has no TLS, but sslmode=require requires it/],
    [
      "a server that is not PostgreSQL",
      () => Buffer.from("HTTP/1.1 400\r\n\r\n"),
      "sslmode=disable",
      /did not answer|PostgreSQL/,
    ],
  ])("%s", async (_, says, parameters, words) => {
    const { port } = await fakeServer(says);
    expect(await refusal(port, parameters)).toMatchObject({
      name: "UsageError",
      message: expect.stringMatching(words),
    });
  });

  test("no server", async () => {
    expect(await refusal(1)).toMatchObject({ message: expect.stringMatching(/no server listens there/) });
  });

  test("no socket", async () => {
    const address = addressIn("postgresql:///app?host=/nowhere&user=me", undefined, HOME);
    await expect(withSessionAt(address, {}, async () => undefined)).rejects.toThrow(
      /there is no socket \/nowhere\/\.s\.PGSQL\.5432/,
    );
  });
});

describe("the server's certificate", () => {
  const letting = async (host: Parameters<typeof selfSigned>[0], parameters: (file: string) => string) => {
    const { file, ...tls } = selfSigned(host);
    const { port, asked } = await fakeServer(failing("3D000", "let as far as this"), tls);
    return { said: String(await refusal(port, parameters(file))), asked };
  };

  test("is not verified by require, which only encrypts", async () => {
    const { said, asked } = await letting("DNS:elsewhere.example", () => "sslmode=require");
    expect(said).toContain("let as far as this");
    expect(asked).toEqual([{ encrypted: true, database: "app" }]);
  });

  test("of an unknown authority is rejected by verify-ca, and by require with a root certificate", async () => {
    for (const mode of ["verify-ca", "require"]) {
      const { said, asked } = await letting(
        "IP:127.0.0.1",
        () => `sslmode=${mode}&sslrootcert=${selfSigned("IP:127.0.0.1").file}`,
      );
      expect(said).toMatch(/certificate is not trusted: .*sslrootcert=FILE/);
      expect(asked).toEqual([]);
    }
  });

  test("for another host is accepted by verify-ca, and not by verify-full", async () => {
    const url = (mode: string) => (file: string) => `sslmode=${mode}&sslrootcert=${file}`;
    expect((await letting("DNS:elsewhere.example", url("verify-ca"))).said).toContain("let as far as this");
    expect((await letting("DNS:elsewhere.example", url("verify-full"))).said).toContain(
      "must name this host",
    );
    expect((await letting("IP:127.0.0.1", url("verify-full"))).said).toContain("let as far as this");
  });
});

describe("prefer", () => {
  test("continues without TLS if the server has none", async () => {
    const { port, asked } = await fakeServer(failing("3D000", "no"));
    await refusal(port);
    expect(asked).toEqual([{ encrypted: false, database: "app" }]);
  });

  test("retries the other way if the server requires it, and tries no wrong password twice", async () => {
    const reject =
      (code: string): Says =>
      (startup) =>
        startup.encrypted ? failing(code, "not so")(startup) : failing("3D000", "no")(startup);
    const { file: _, ...tls } = selfSigned("IP:127.0.0.1");
    const hba = await fakeServer(reject("28000"), tls);
    await refusal(hba.port);
    expect(hba.asked.map(({ encrypted }) => encrypted)).toEqual([true, false]);
    const password = await fakeServer(reject("28P01"), tls);
    await refusal(password.port);
    expect(password.asked.map(({ encrypted }) => encrypted)).toEqual([true]);
  });

  test("tries TLS only once, however many sessions are opened", async () => {
    const address = addressIn("postgresql://me@h/app", undefined, HOME);
    const tried: boolean[] = [];
    const connect = async (tls: unknown) => {
      tried.push(tls !== false);
      if (tls !== false) throw new Error("The server does not support SSL connections");
    };
    await connecting(address, connect);
    await connecting({ ...address, database: "other" }, connect);
    expect(tried).toEqual([true, false, false]);
  });
});
