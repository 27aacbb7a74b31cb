import { randomBytes } from "node:crypto";
import { chmodSync, chownSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import type { Certificates } from "./certificates.ts";
import { Background, run } from "./command.ts";
import type { PostgresTools } from "./needs.ts";

/** PostgreSQL servers, each on a port that is told, all in one folder that is removed at the end. */
export class PostgresServers {
  readonly password = randomBytes(12).toString("hex");
  private readonly tools: PostgresTools;
  private readonly certificates: Certificates;
  private readonly folder: string;
  private readonly running = new Map<number, Background>();

  constructor(tools: PostgresTools, certificates: Certificates) {
    this.tools = tools;
    this.certificates = certificates;
    this.folder = mkdtempSync(join(tools.root, "tmp", "sluice-e2e-"));
    this.give(this.folder);
  }

  /** An empty cluster; clients come by TLS and with a password, or not at all. */
  async create(name: string): Promise<void> {
    const passwords = join(this.folder, "password");
    writeFileSync(passwords, this.password);
    this.give(passwords);
    const as = ["-U", "postgres", `--pwfile=${this.inside("password")}`, "-A", "scram-sha-256"];
    await this.program(
      "initdb",
      "-D",
      this.inside(name),
      ...as,
      "--locale=C.UTF-8",
      "-E",
      "UTF8",
      "--no-sync",
    );
    const rules =
      "local all postgres trust\nlocal replication postgres trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n";
    writeFileSync(join(this.folder, name, "pg_hba.conf"), rules);
    for (const [from, to] of [
      [this.certificates.certificate, "server.crt"],
      [this.certificates.key, "server.key"],
    ] as const) {
      const path = join(this.folder, name, to);
      cpSync(from, path);
      chmodSync(path, 0o600);
      this.give(path);
    }
  }

  async start(name: string, port: number): Promise<void> {
    const settings = {
      port,
      listen_addresses: "127.0.0.1",
      unix_socket_directories: this.inside(""),
      ssl: "on",
      fsync: "off",
      shared_buffers: "64MB",
    };
    const flags = Object.entries(settings).flatMap(([key, value]) => ["-c", `${key}=${value}`]);
    const log = join(this.folder, `${name}.log`);
    const server = new Background(this.command("postgres", "-D", this.inside(name), ...flags), log);
    this.running.set(port, server);
    await server.until(() => this.answers(port), `PostgreSQL for ${name}`, log);
  }

  /** A copy as of now of what runs on that port, under another name. */
  async copy(port: number, name: string): Promise<void> {
    const from = ["-h", this.inside(""), "-p", String(port), "-U", "postgres"];
    await this.program(
      "pg_basebackup",
      ...from,
      "-D",
      this.inside(name),
      "-X",
      "stream",
      "-c",
      "fast",
      "--no-sync",
    );
  }

  /** A copy of a copy, to start from. */
  async restore(copy: string, name: string): Promise<void> {
    await run(["cp", "-a", join(this.folder, copy), join(this.folder, name)]);
  }

  async stop(port: number): Promise<void> {
    // Not waiting for clients.
    await this.running.get(port)?.stop("SIGINT");
    this.running.delete(port);
  }

  remove(name: string): void {
    rmSync(join(this.folder, name), { recursive: true, force: true });
  }

  async close(): Promise<void> {
    await Promise.all([...this.running.keys()].map((port) => this.stop(port)));
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Statements as the superuser. */
  async query<Row extends pg.QueryResultRow>(port: number, database: string, sql: string): Promise<Row[]> {
    const client = await this.connect(port, database);
    try {
      return (await client.query<Row>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  async connect(port: number, database: string, user = "postgres"): Promise<pg.Client> {
    const ssl = { ca: readFileSync(this.certificates.ca) };
    const { password } = this;
    const client = new pg.Client({ host: "127.0.0.1", port, user, password, database, ssl });
    await client.connect();
    return client;
  }

  private async answers(port: number): Promise<boolean> {
    return await this.query(port, "postgres", "SELECT 1").then(
      () => true,
      () => false,
    );
  }

  private async program(name: string, ...args: string[]): Promise<void> {
    await run(this.command(name, ...args));
  }

  private command(name: string, ...args: string[]): [string, ...string[]] {
    const { prefix, bin } = this.tools;
    return [...prefix, join(bin, name), ...args] as unknown as [string, ...string[]];
  }

  /** A path in the folder as the programs know it. */
  private inside(path: string): string {
    const whole = join(this.folder, path);
    return this.tools.root === "/" ? whole : whole.slice(this.tools.root.replace(/\/$/, "").length);
  }

  private give(path: string): void {
    const { owner } = this.tools;
    if (owner) chownSync(path, owner.uid, owner.gid);
  }
}
