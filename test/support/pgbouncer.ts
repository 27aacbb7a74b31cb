import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { NATIVE_URL } from "./native.ts";

const PROGRAM = "/usr/sbin/pgbouncer";

/** Path of Debian's pgbouncer: in the native server's folder, or on the machine. */
export function pgbouncerRoot(): string | undefined {
  const roots = [process.env.NATIVE_PG_ROOT ?? "/opt/native-postgres", "/"];
  return roots.find((root) => existsSync(join(root, PROGRAM)));
}

export interface Pooler {
  /** URL of a database behind it. */
  urlOf(database: string, user: string): string;
  close(): Promise<void>;
}

/** PgBouncer in front of the native server, in transaction mode with one connection, so that all clients share it. */
export async function startPooler(users: readonly string[]): Promise<Pooler> {
  const root = pgbouncerRoot();
  if (root === undefined) throw new Error("There is no pgbouncer");
  const port = await freePort();
  const folder = await mkdtemp(join(root === "/" ? tmpdir() : join(root, "tmp"), "sluice-pooler-"));
  await chmod(folder, 0o755);
  const inside = (name: string) =>
    join(root === "/" ? folder : folder.slice(root.replace(/\/$/, "").length), name);
  const server = new URL(NATIVE_URL);
  await writeFile(join(folder, "users"), users.map((user) => `"${user}" ""\n`).join(""));
  await writeFile(
    join(folder, "pgbouncer.ini"),
    `[databases]
* = host=${server.hostname} port=${server.port || 5432}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = trust
auth_file = ${inside("users")}
pool_mode = transaction
default_pool_size = 1
`,
  );
  const as = process.getuid?.() === 0 ? ["-u", "postgres"] : [];
  const command = [PROGRAM, "-q", ...as, inside("pgbouncer.ini")];
  const [program = "", ...args] = root === "/" ? command : ["chroot", root, ...command];
  const child = spawn(program, args, { stdio: "ignore" });
  const urlOf = (database: string, user: string) => `postgres://${user}@127.0.0.1:${port}/${database}`;
  await untilItAnswers(urlOf("postgres", users[0] ?? ""), child);
  return {
    urlOf,
    async close() {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function untilItAnswers(url: string, child: ChildProcess): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`pgbouncer ended with code ${child.exitCode}`);
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      await client.query("SELECT 1");
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

async function freePort(): Promise<number> {
  return await new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}
