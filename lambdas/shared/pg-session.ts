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
  /** Whether a pooler answers, which says another process than the one that serves. */
  isPooled(): Promise<boolean>;
  /** Does not wait for a statement that still runs: the server goes on with it. */
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
 * @param owned the session is the caller's for as long as it lasts: Sluice's settings are made in it, and a pooler is
 * refused. Else nothing is set, as whoever gets the server's connection next would have it set too (guest-session.ts).
 * @throws Pooled where the session is owned and a pooler answers
 */
export async function openPgSession(config: pg.ClientConfig, owned = true): Promise<PgConnection> {
  // The socket is made here so that it can be ended also when the server no longer answers.
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
  // An error between two statements has no one waiting for it; without a listener it would end the process.
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

/** Makes Sluice's settings, unless a pooler stands between: they would stay for whoever it serves next. */
async function takeOver(client: pg.Client): Promise<void> {
  const told = processOf(client);
  const { rows } = await client.query(
    `SELECT pg_backend_pid() AS pid, (${MAKE_SETTINGS} AND pg_backend_pid() = $3) AS made`,
    [JSON.stringify(SESSION_SETTINGS), JSON.stringify(ONLY_FROM), told],
  );
  if (rows[0]?.pid !== told) throw new Pooled(`${client.host}:${client.port}`);
}

/** The server's process for this session, as it was told when it was opened. */
function processOf(client: pg.Client): number | null {
  return (client as pg.Client & { processID: number | null }).processID;
}

/** A pooler hands each transaction to whichever of its connections is free: no lock, setting or session is the run's own. */
export class Pooled extends SluiceError {
  /** @param address host and port of what answered */
  constructor(address: string) {
    super(
      ErrorName.FleetFailed,
      `${address} is a connection pooler (PgBouncer, RDS Proxy or the like), and not the PostgreSQL server itself: behind it no session, lock or setting is the run's own. Give the server's own address and port.`,
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
        // A single statement's result comes as it is.
        return [results].flat().map((result) => result.rows);
      } catch (error) {
        if (!(error instanceof pg.DatabaseError)) throw error;
        // The server counts characters from the beginning of the message, where a surrogate pair is one.
        const lengths = statements.map((statement) => [...ended(statement)].length);
        const before = lengths.slice(0, done).reduce((sum, length) => sum + length, 0);
        let failed = done;
        if (error.position !== undefined) {
          let position = Number(error.position) - before;
          // What does not parse is refused before the first statement is done.
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

/** On a line of its own, as a statement may end with a comment. */
function ended(statement: string): string {
  return `${statement}\n;\n`;
}

/** After a loss node-postgres says only that it cannot be used any more; what happened came before. */
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
