import { isIP } from "node:net";
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
  /** Certificates, as PEM, of who may vouch for a server. */
  authorities: string;
  /** What to log in with there, likeliest first. */
  credentials(endpoint: Endpoint): AsyncIterable<Credentials>;
  /** What to do where none of them is taken. */
  mend: string;
}

/** PostgreSQL servers on RDS, by node-postgres, with TLS that is verified. */
export class PgDatabases implements Databases {
  readonly single = false;
  private readonly options: PgDatabasesOptions;

  constructor(options: PgDatabasesOptions) {
    this.options = options;
  }

  async withSession<T>(
    endpoint: Endpoint,
    work: (session: Session) => Promise<T>,
    database?: string,
  ): Promise<T> {
    const connection = await this.connect(endpoint, database ?? this.options.database);
    try {
      return await work(connection.session);
    } finally {
      await connection.close();
    }
  }

  private async connect(endpoint: Endpoint, database: string): Promise<PgConnection> {
    const { credentials, applicationName, authorities, mend } = this.options;
    let refused: unknown;
    for await (const { username: user, password } of credentials(endpoint)) {
      try {
        return await openPgSession({
          ...endpoint,
          user,
          password,
          database,
          application_name: applicationName,
          ssl: tlsOptions(endpoint.host, authorities),
        });
      } catch (error) {
        if (!isRefused(error)) throw nameTransient(error);
        refused = error;
      }
    }
    throw new Error(`${endpoint.host} lets nobody in with what there is: ${mend}. ${messageOf(refused)}`, {
      cause: refused,
    });
  }
}

/** 28P01: a wrong password. 28000 is what a token of IAM's that is not taken gets, and a role that is not there. */
function isRefused(error: unknown): boolean {
  return ["28P01", "28000"].includes(String((error as { code?: unknown } | null)?.code));
}

/** Node itself does not know Amazon's database authorities. */
export function tlsOptions(host: string, authorities: string): NonNullable<ClientConfig["ssl"]> {
  return {
    ca: authorities,
    rejectUnauthorized: true,
    ...(isIP(host) === 0 ? { servername: host } : {}),
  };
}
