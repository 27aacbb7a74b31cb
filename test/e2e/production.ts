import { readFileSync } from "node:fs";
import { withPgSession } from "../../lambdas/shared/pg-session.ts";
import type { Session } from "../../lambdas/shared/session.ts";
import type { LocalPlan } from "../../lib/plan/compile.ts";
import { startApplication } from "../../local/application.ts";
import type { Certificates } from "./certificates.ts";
import type { PostgresServers } from "./postgres.ts";
import type { RdsFront } from "./rds-front.ts";

export const INSTANCE = "e2e-production";
export const DATABASE = "notes";
const APPLICATION = "notes_app";
/** It may not write, so no fence keeps it out. */
const READER = "notes_reader";

/** The production database that a plan's baseline makes, and the application that uses it. */
export class Production {
  readonly owner: { username: string; password: string };
  private readonly local: LocalPlan;
  private readonly servers: PostgresServers;
  private readonly front: RdsFront;
  private readonly certificates: Certificates;
  readonly instance: string;

  constructor(
    local: LocalPlan,
    servers: PostgresServers,
    front: RdsFront,
    certificates: Certificates,
    instance = INSTANCE,
  ) {
    this.instance = instance;
    this.local = local;
    this.servers = servers;
    this.front = front;
    this.certificates = certificates;
    this.owner = { username: local.owner, password: servers.password };
  }

  /** Roles as RDS has them: the owner is no superuser, but may end sessions and see them. */
  async createRoles(): Promise<void> {
    const { username, password } = this.owner;
    await this.asSuperuser(
      `CREATE ROLE ${username} LOGIN CREATEDB PASSWORD '${password}';
       CREATE ROLE ${APPLICATION} LOGIN PASSWORD '${password}';
       CREATE ROLE ${READER} LOGIN PASSWORD '${password}';
       GRANT pg_read_all_data TO ${READER};
       GRANT ${APPLICATION}, pg_signal_backend, pg_read_all_stats TO ${username};`,
      "postgres",
    );
  }

  /** As it was before any run. */
  async reset(): Promise<void> {
    await this.asSuperuser(`DROP DATABASE IF EXISTS ${DATABASE} WITH (FORCE)`, "postgres");
    await this.asSuperuser(`CREATE DATABASE ${DATABASE} OWNER ${this.owner.username}`, "postgres");
    await this.session(this.owner.username, async (session) => {
      // Roles are the server's, and there already.
      for (const { sql } of this.local.baseline) await session.exec(sql.replace(/^CREATE ROLE .*$/m, ""));
    });
  }

  async asSuperuser<Row extends Record<string, unknown>>(sql: string, database = DATABASE): Promise<Row[]> {
    return await this.servers.query<Row>(this.port, database, sql);
  }

  /** The plan's stand-in for the application, which connects to whatever is production at the time. */
  async startApplication(): Promise<{ url: string; close(): Promise<void> }> {
    if (!this.local.application) throw new Error("The plan has no application to stand in");
    return await startApplication(this.local.application, (role, work) => this.session(role, work));
  }

  /** Names of the migrations that its ledger and its schema's own table have. */
  async versions(): Promise<string[]> {
    const rows = await this.asSuperuser<{ version: string }>("SELECT version::text FROM versions ORDER BY 1");
    return rows.map(({ version }) => version);
  }

  /** The application writes one note after the other, until it is kept out. */
  async keepWriting(): Promise<{ written: Promise<string[]> }> {
    const written: string[] = [];
    const client = await this.servers.connect(this.port, DATABASE, APPLICATION);
    client.on("error", () => undefined);
    const going = async () => {
      for (let n = 1; ; n++)
        try {
          const body = `written ${String(n).padStart(6, "0")}`;
          await client.query("INSERT INTO note (body) VALUES ($1)", [body]);
          written.push(body);
        } catch {
          await client.end().catch(() => undefined);
          return written;
        }
    };
    return { written: going() };
  }

  /** Texts of the notes that match the pattern, in order. */
  async notes(like: string): Promise<string[]> {
    const rows = await this.asSuperuser<{ body: string }>(
      `SELECT body FROM note WHERE body LIKE '${like}' ORDER BY body`,
    );
    return rows.map(({ body }) => body);
  }

  /** Whether the application may connect. */
  async isOpen(): Promise<boolean> {
    return await this.session(APPLICATION, async () => undefined).then(
      () => true,
      () => false,
    );
  }

  /** True while a session runs a statement with this text. */
  async isRunning(statement: string): Promise<boolean> {
    const rows = await this.asSuperuser(
      `SELECT FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%${statement}%' AND pid <> pg_backend_pid()`,
    );
    return rows.length > 0;
  }

  /** Opens a reader's transaction, which holds its snapshot until it is closed. */
  async openTransaction(): Promise<{ close(): Promise<void> }> {
    const client = await this.servers.connect(this.port, DATABASE, READER);
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
    await client.query("SELECT 1");
    return { close: () => client.end() };
  }

  private get port(): number {
    const port = this.front.portAt(this.instance);
    if (port === undefined) throw new Error("There is no production");
    return port;
  }

  private session<T>(user: string, work: (session: Session) => Promise<T>): Promise<T> {
    const ssl = { ca: readFileSync(this.certificates.ca) };
    const { password } = this.owner;
    return withPgSession(
      { host: "127.0.0.1", port: this.port, user, password, database: DATABASE, ssl },
      work,
    );
  }
}
