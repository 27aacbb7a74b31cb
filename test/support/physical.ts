import { execFileSync } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withPgSession } from "../../lambdas/shared/pg-session.ts";
import type { Session } from "../../lambdas/shared/session.ts";
import { Background, run } from "../e2e/command.ts";

const DEBIAN = "/usr/lib/postgresql";

interface Programs {
  root: string;
  bin: string;
  /** Prefix of each command, as PostgreSQL does not run as root. */
  prefix: readonly string[];
  owner: { uid: number; gid: number } | undefined;
}

/** @throws Error with what the tests need: they never pass by skipping */
function findPrograms(): Programs {
  for (const root of [process.env.NATIVE_PG_ROOT ?? "/opt/native-postgres", "/"]) {
    const folder = join(root, DEBIAN);
    const versions = existsSync(folder) ? readdirSync(folder).sort((a, b) => Number(b) - Number(a)) : [];
    const version = versions.find(
      (one) =>
        existsSync(join(folder, one, "bin", "pg_basebackup")) &&
        existsSync(join(folder, one, "lib", "pg_cron.so")),
    );
    if (version === undefined) continue;
    const bin = join(DEBIAN, version, "bin");
    if (process.getuid?.() !== 0) return { root: "/", bin: join(root, bin), prefix: [], owner: undefined };
    const id = (flag: string) =>
      Number(
        root === "/"
          ? execFileSync("id", [flag, "postgres"])
          : execFileSync("chroot", [root, "id", flag, "postgres"]),
      );
    return {
      root,
      bin,
      prefix:
        root === "/"
          ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
          : ["chroot", "--userspec=postgres:postgres", root],
      owner: { uid: id("-u"), gid: id("-g") },
    };
  }
  throw new Error(
    "The native suite needs PostgreSQL's programs and Debian's postgresql-NN-cron of the same version, on this machine or in the Debian folder NATIVE_PG_ROOT: .ci/run installs it.",
  );
}

export interface Cluster {
  port: number;
  url(database: string, user?: string): string;
  on<T>(database: string, work: (session: Session) => Promise<T>, user?: string): Promise<T>;
  /** Makes a physical copy as of now, like a restored RDS snapshot, started with these settings on top of the cluster's. */
  copy(settings?: Readonly<Record<string, string>>): Promise<Cluster>;
  restart(settings?: Readonly<Record<string, string>>): Promise<void>;
}

/** A test's own servers, each a whole cluster that trusts the superuser postgres. */
export class Clusters {
  private readonly programs = findPrograms();
  private readonly folder: string;
  private readonly running = new Map<number, Background>();
  private made = 0;

  constructor() {
    const { root, owner } = this.programs;
    this.folder = mkdtempSync(join(root === "/" ? tmpdir() : join(root, "tmp"), "sluice-clusters-"));
    if (owner) chownSync(this.folder, owner.uid, owner.gid);
  }

  async create(settings: Readonly<Record<string, string>>): Promise<Cluster> {
    const name = this.next();
    await run(
      this.command(
        "initdb",
        "-D",
        this.inside(name),
        "-U",
        "postgres",
        "-A",
        "trust",
        "--no-sync",
        "--locale=C.UTF-8",
        "-E",
        "UTF8",
      ),
    );
    return await this.start(name, settings);
  }

  async close(): Promise<void> {
    for (const server of this.running.values()) await server.stop("SIGQUIT");
    rmSync(this.folder, { recursive: true, force: true });
  }

  private next(): string {
    this.made += 1;
    return `cluster-${this.made}`;
  }

  private async start(name: string, settings: Readonly<Record<string, string>>): Promise<Cluster> {
    const port = await freePort();
    const boot = async (all: Readonly<Record<string, string>>) => {
      const given = {
        port: String(port),
        listen_addresses: "127.0.0.1",
        unix_socket_directories: this.inside(""),
        fsync: "off",
        shared_buffers: "32MB",
        ...all,
      };
      const flags = Object.entries(given).flatMap(([key, value]) => ["-c", `${key}=${value}`]);
      const log = join(this.folder, `${name}.log`);
      const server = new Background(this.command("postgres", "-D", this.inside(name), ...flags), log);
      this.running.set(port, server);
      const answers = () =>
        withPgSession({ connectionString: url("postgres") }, (session) => session.query("SELECT 1")).then(
          () => true,
          () => false,
        );
      await server.until(answers, name, log);
    };
    const url = (database: string, user = "postgres") => `postgres://${user}@127.0.0.1:${port}/${database}`;
    await boot(settings);
    return {
      port,
      url,
      on: (database, work, user) => withPgSession({ connectionString: url(database, user) }, work),
      copy: async (more = {}) => {
        const copy = this.next();
        const from = ["-h", "127.0.0.1", "-p", String(port), "-U", "postgres"];
        await run(this.command("pg_basebackup", ...from, "-D", this.inside(copy), "-c", "fast", "--no-sync"));
        return await this.start(copy, { ...settings, ...more });
      },
      restart: async (more = {}) => {
        await this.running.get(port)?.stop("SIGINT");
        await boot({ ...settings, ...more });
      },
    };
  }

  private command(name: string, ...args: string[]): [string, ...string[]] {
    const { prefix, bin } = this.programs;
    return [...prefix, join(bin, name), ...args] as unknown as [string, ...string[]];
  }

  /** Returns a path in the folder, as the programs see it. */
  private inside(path: string): string {
    const { root } = this.programs;
    const whole = join(this.folder, path);
    return root === "/" ? whole : whole.slice(root.replace(/\/$/, "").length);
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
