import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { addressIn } from "../../../local/server/address.ts";

async function home(files: Readonly<Record<string, [text: string, mode: number]>> = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-home-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [name, [text, mode]] of Object.entries(files)) {
    await writeFile(join(folder, name), text);
    await chmod(join(folder, name), mode);
  }
  vi.stubEnv("HOME", folder);
  onTestFinished(() => void vi.unstubAllEnvs());
  return folder;
}

const at = (text: string, env: NodeJS.ProcessEnv = {}) => addressIn(text, undefined, env);

describe("an address is read as libpq reads it", () => {
  test("a URL, with what is written as %XX in it", async () => {
    await home();
    expect(at("postgresql://m%40e:p%2Fw:%23@[::1]:6000/my%20app")).toMatchObject({
      ...{ user: "m@e", password: "p/w:#", host: "::1", port: 6000, database: "my app" },
    });
  });

  test("the folder of a socket, by the host or as a parameter", async () => {
    await home();
    for (const url of ["postgresql://me@%2Fvar%2Frun/app", "postgresql:///app?host=/var/run&user=me"])
      expect(at(url)).toMatchObject({
        host: "/var/run",
        user: "me",
        database: "app",
        tls: { ways: [false] },
      });
  });

  test("keyword=value pairs, quoted where they must be", async () => {
    await home();
    expect(at("host=h port = 6000 dbname='my \\'app' user=me password='a b'")).toMatchObject({
      ...{ host: "h", port: 6000, database: "my 'app", user: "me", password: "a b" },
    });
  });

  test("parts that the URL leaves out, from the service first and then from the environment", async () => {
    await home({
      ".pg_service.conf": ["[other]\nhost=x\n[prod]\n# ours\nhost=h\ndbname=app\nport=6000\n", 0o644],
    });
    const env = { PGHOST: "not this", PGUSER: "me", PGPASSWORD: "secret" };
    const expected = { host: "h", database: "app", port: 6000, user: "me", password: "secret" };
    expect(at("service=prod", env)).toMatchObject(expected);
    expect(at("postgresql://?service=prod", env)).toMatchObject(expected);
    expect(at("postgresql://you@/?service=prod", env)).toMatchObject({ ...expected, user: "you" });
  });

  test("a password from the password file, by the first line that fits", async () => {
    const lines = "# all\nh:5432:other:me:no\nh:*:app:me:a\\:b\n*:*:*:*:last\n";
    await home({ ".pgpass": [lines, 0o600] });
    expect(at("postgresql://me@h/app").password).toBe("a:b");
    expect(at("postgresql://you@h/app").password).toBe("last");
    expect(at("postgresql://me:mine@h/app").password).toBe("mine");
  });

  test("a password file that others may read is ignored, and the address states so", async () => {
    const folder = await home({ ".pgpass": ["*:*:*:*:secret\n", 0o644] });
    expect(at("postgresql://me@h/app")).toMatchObject({
      password: undefined,
      passwordFrom: `${folder}/.pgpass is ignored, as others may read it: chmod 600 ${folder}/.pgpass`,
    });
  });
});

describe("a mistake in an address is reported without the password", () => {
  test.each([
    ["mysql://me:secret@h/d", "must look like postgresql://"],
    ["postgresql://me:secret@h", "names no database"],
    ["postgresql://me:sec/ret@h/d", "A / in a password is written %2F"],
    ["postgresql://me:secret%@h/d", "a % in it is not followed by two digits"],
    ["postgresql://me:secret@h:port/d", "The port must be a number"],
    ["postgresql://me:secret@h1,h2/d", "names several hosts. Give only"],
    ["postgresql://me:secret@h/d?sslmod=require", "there is no connection parameter sslmod"],
    ["postgresql://me:secret@h/d?sslmode=always", "sslmode=always: use one of disable, allow, prefer"],
    ["postgresql://me:secret@h/d?channel_binding=require", "channel_binding=require is not supported"],
    ["postgresql://me:secret@h/d?require_auth=scram-sha-256", "require_auth is not supported"],
    ["postgresql://me:secret@h/d?sslmode=verify-full", "needs a certificate authority to verify the server"],
    ["postgresql://me:secret@h/d?sslrootcert=/nowhere", "does not exist: /nowhere"],
    ["postgresql://me:secret@h/d?sslmode=require&sslrootcert=system", "Use sslmode=verify-full"],
    ["postgresql://me:secret@h/d?sslcert=/nowhere", "(sslcert) does not exist"],
    ["service=nowhere password=secret", "There is no service nowhere"],
    ["host=h password=secret dbname", "there is no name=value"],
  ])("%s", async (text, message) => {
    await home();
    let said = "";
    try {
      at(text);
    } catch (error) {
      said = String(error);
    }
    expect(said).toContain(message);
    expect(said).not.toMatch(/sec\/?ret/);
  });
});

describe("sslmode means what it means to libpq", () => {
  const ways = (url: string) =>
    at(url).tls.ways.map((tls) =>
      tls === false ? "plain" : tls.rejectUnauthorized ? "verified" : "encrypted",
    );
  test.each([
    ["disable", ["plain"]],
    ["allow", ["plain", "encrypted"]],
    ["prefer", ["encrypted", "plain"]],
    ["require", ["encrypted"]],
  ])("%s, without a root certificate", async (mode, expected) => {
    await home();
    expect(ways(`postgresql://me@h/d?sslmode=${mode}`)).toEqual(expected);
  });

  test("prefer is the default", async () => {
    await home();
    expect(ways("postgresql://me@h/d")).toEqual(["encrypted", "plain"]);
    expect(at("postgresql://me@h/d", { PGSSLMODE: "require" }).tls.mode).toBe("require");
  });

  test.each([
    ["allow", ["plain", "verified"]],
    ["prefer", ["verified", "plain"]],
    ["require", ["verified"]],
    ["verify-ca", ["verified"]],
    ["verify-full", ["verified"]],
  ])("%s verifies the server's certificate if there is a root certificate", async (mode, expected) => {
    const folder = await home({ "ca.pem": ["a certificate", 0o644] });
    expect(ways(`postgresql://me@h/d?sslmode=${mode}&sslrootcert=${folder}/ca.pem`)).toEqual(expected);
  });

  test("sslrootcert=system alone is verify-full", async () => {
    await home();
    expect(at("postgresql://me@h/d?sslrootcert=system").tls.mode).toBe("verify-full");
  });
});
