import { randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import pg from "pg";
import type { Certificates } from "./certificates.ts";
import { Background, run } from "./command.ts";
import type { PostgresTools } from "./needs.ts";

/** PostgreSQL servers, each on a given port, all in one folder that is removed at the end. */
export class PostgresServers {
  readonly password = randomBytes(12).toString("hex");
  private readonly tools: PostgresTools;
  private readonly certificates: Certificates;
  private readonly folder: string;
  private readonly running = new Map<number, { name: string; server: Background }>();

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

  /** @param recoverTo of a base backup: as it was at that moment, by the WAL that is in its folder */
  async start(name: string, port: number, recoverTo?: Date): Promise<void> {
    const settings = {
      port,
      listen_addresses: "127.0.0.1",
      unix_socket_directories: this.inside(""),
      ssl: "on",
      fsync: "off",
      shared_buffers: "64MB",
      // No segment is removed before it was sent away.
      wal_keep_size: "1000TB",
      ...(recoverTo ? this.recovery(name, recoverTo) : {}),
    };
    const flags = Object.entries(settings).flatMap(([key, value]) => ["-c", `${key}=${value}`]);
    const log = join(this.folder, `${name}.log`);
    const server = new Background(this.command("postgres", "-D", this.inside(name), ...flags), log);
    this.running.set(port, { name, server });
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

  /** What automated backups are: a base backup of what runs on that port, and a folder for its WAL. @returns when it was made */
  async backUp(port: number, backup: string): Promise<Date> {
    await this.copy(port, backup);
    mkdirSync(join(this.folder, `${backup}-wal`));
    return await this.now(port);
  }

  /** Sends the WAL away, up to now. @returns the newest moment that is whole in it */
  async sendWal(port: number, backup: string): Promise<Date> {
    const { name } = this.running.get(port) ?? {};
    if (name === undefined) throw new Error(`Nothing runs on port ${port}`);
    const now = await this.now(port);
    // Recovery ends at the first transaction after its target, and RDS itself makes one from time to time.
    await this.query(port, "postgres", "SELECT pg_current_xact_id()");
    const [row] = await this.query<{ segment: string }>(
      port,
      "postgres",
      "SELECT pg_walfile_name(pg_switch_wal()) AS segment",
    );
    const [from, to] = [join(this.folder, name, "pg_wal"), join(this.folder, `${backup}-wal`)];
    const sent = new Set(readdirSync(to));
    for (const segment of readdirSync(from))
      if (/^[0-9A-F]{24}$/.test(segment) && segment <= (row?.segment ?? "") && !sent.has(segment))
        cpSync(join(from, segment), join(to, segment));
    return now;
  }

  /** Starts a server as it was at that moment, from its base backup and the WAL that was sent away. */
  async recover(backup: string, name: string, port: number, at: Date): Promise<void> {
    await this.restore(backup, name);
    for (const segment of readdirSync(join(this.folder, `${backup}-wal`))) {
      const path = join(this.folder, name, "pg_wal", segment);
      cpSync(join(this.folder, `${backup}-wal`, segment), path);
      this.give(path);
    }
    await this.start(name, port, at);
  }

  private recovery(name: string, at: Date): Record<string, string> {
    const signal = join(this.folder, name, "recovery.signal");
    writeFileSync(signal, "");
    this.give(signal);
    return {
      // The server reads this before it loads the names of time zones.
      recovery_target_time: at.toISOString().replace("Z", "+00"),
      recovery_target_action: "promote",
      restore_command: "exit 1",
      hot_standby: "off",
    };
  }

  private async now(port: number): Promise<Date> {
    const [row] = await this.query<{ now: Date }>(port, "postgres", "SELECT clock_timestamp() AS now");
    if (!row) throw new Error("The server does not say what time it is");
    return row.now;
  }

  async stop(port: number): Promise<void> {
    // Not waiting for clients.
    await this.running.get(port)?.server.stop("SIGINT");
    this.running.delete(port);
  }

  remove(name: string): void {
    for (const folder of [name, `${name}-wal`])
      rmSync(join(this.folder, folder), { recursive: true, force: true });
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

  /** Returns a path in the folder, as the programs see it. */
  private inside(path: string): string {
    const whole = join(this.folder, path);
    return this.tools.root === "/" ? whole : whole.slice(this.tools.root.replace(/\/$/, "").length);
  }

  private give(path: string): void {
    const { owner } = this.tools;
    if (owner) chownSync(path, owner.uid, owner.gid);
  }
}
