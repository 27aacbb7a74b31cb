import { Socket } from "node:net";
import pg from "pg";
import { ErrorName, SluiceError } from "./errors.ts";
import { type Session, StatementFailed } from "./session.ts";
import { MAKE_SETTINGS, ONLY_FROM, SESSION_SETTINGS } from "./session-settings.ts";

const CONNECT_TIMEOUT_MS = 15_000;
const CLOSE_TIMEOUT_MS = 2_000;
const KEEPALIVE_MS = 30_000;

export interface PgConnection {
  session: Session;
  /** True where a pooler answers: it reports another process than the one that serves the session. */
  isPooled(): Promise<boolean>;
  /** Does not wait for a running statement: the server continues it. */
  close(): Promise<void>;
}

/** Opens one session on a PostgreSQL server, and closes it when `work` is done. */
export async function withPgSession<T>(
  config: pg.ClientConfig,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const connection = await openPgSession(config);
  try {
    return await work(connection.session);
  } finally {
    await connection.close();
  }
}

/**
 * @param owned true: the session belongs to the caller alone, so Sluice's settings are made in it and a pooler is
 * refused. False: nothing is set, as the setting would stay for the connection's next user (`asGuest` in session.ts).
 * @throws Pooled where the session is owned and a pooler answers
 */
export async function openPgSession(config: pg.ClientConfig, owned = true): Promise<PgConnection> {
  // The socket is created here so that it can be closed even when the server no longer answers.
  const socket = new Socket();
  const client = new pg.Client({
    application_name: "sluice",
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEPALIVE_MS,
    ...config,
    stream: () => socket,
  });
  let lost: Error | undefined;
  // No caller awaits an error between two statements; without a listener it would end the process.
  client.on("error", (error) => {
    lost = error;
  });
  const close = () => closed(client, socket);
  try {
    await client.connect();
    if (owned) await takeOver(client);
  } catch (error) {
    await close();
    throw error;
  }
  const isPooled = async () => {
    const { rows } = await client.query("SELECT pg_backend_pid() AS pid");
    return rows[0]?.pid !== processOf(client);
  };
  return { session: sayingWhy(pgSession(client), () => lost), isPooled, close };
}

/** Makes Sluice's settings, unless a pooler answers: with a pooler they would stay for the connection's next user. */
async function takeOver(client: pg.Client): Promise<void> {
  const announced = processOf(client);
  const { rows } = await client.query(
    `SELECT pg_backend_pid() AS pid, (${MAKE_SETTINGS} AND pg_backend_pid() = $3) AS made`,
    [JSON.stringify(SESSION_SETTINGS), JSON.stringify(ONLY_FROM), announced],
  );
  if (rows[0]?.pid !== announced) throw new Pooled(`${client.host}:${client.port}`);
}

/** Returns the server process of this session, as the server announced it at the start. */
function processOf(client: pg.Client): number | null {
  return (client as pg.Client & { processID: number | null }).processID;
}

/** A pooler hands each transaction to any free connection, so the run owns no session, lock or setting. */
export class Pooled extends SluiceError {
  /** @param address host and port of the pooler */
  constructor(address: string) {
    super(
      ErrorName.FleetFailed,
      `${address} is a connection pooler (such as PgBouncer or RDS Proxy). Behind a pooler no session, lock or setting belongs to the run alone. Give the PostgreSQL server's own address and port.`,
    );
  }
}

export function pgSession(client: pg.ClientBase): Session {
  return {
    async query<Row>(text: string, params: readonly unknown[] = []) {
      const result = await client.query(text, params.length > 0 ? [...params] : undefined);
      return result.rows as Row[];
    },
    async exec(text) {
      await client.query(text);
    },
    async together(statements) {
      const { connection } = client as pg.Client;
      let done = 0;
      const count = () => {
        done++;
      };
      connection.on("commandComplete", count);
      try {
        const results = await client.query(statements.map(ended).join(""));
        // A single statement's result is no array.
        return [results].flat().map((result) => result.rows);
      } catch (error) {
        if (!(error instanceof pg.DatabaseError)) throw error;
        // The server counts characters from the beginning of the message, where a surrogate pair is one.
        const lengths = statements.map((statement) => [...ended(statement)].length);
        const before = lengths.slice(0, done).reduce((sum, length) => sum + length, 0);
        let failed = done;
        if (error.position !== undefined) {
          let position = Number(error.position) - before;
          // The server refuses a syntax error before it runs the first statement, so `done` may be too low.
          while (position > (lengths[failed] ?? position) && failed < statements.length - 1)
            position -= lengths[failed++] ?? 0;
          error.position = String(position);
        }
        throw new StatementFailed(failed, error);
      } finally {
        connection.off("commandComplete", count);
      }
    },
  };
}

/** The semicolon stands on a line of its own, as a statement may end with a comment. */
function ended(statement: string): string {
  return `${statement}\n;\n`;
}

/** After a loss node-postgres reports only that the client is unusable. This reports the first error instead. */
function sayingWhy(session: Session, lost: () => Error | undefined): Session {
  const why = (error: unknown): never => {
    const first = lost();
    if (!first) throw error;
    throw new SluiceError(
      ErrorName.ConnectionLost,
      `The session to the database was lost: ${first.message}`,
      { cause: error },
    );
  };
  return {
    query: (text, params) => session.query<never>(text, params).catch(why),
    exec: (text) => session.exec(text).catch(why),
    together: (statements) => session.together(statements).catch(why),
  };
}

async function closed(client: pg.Client, socket: Socket): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, CLOSE_TIMEOUT_MS);
  });
  await Promise.race([client.end().catch(() => undefined), late]);
  clearTimeout(timer);
  socket.destroy();
}
