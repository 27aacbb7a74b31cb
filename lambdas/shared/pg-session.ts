import pg from "pg";
import type { Session } from "./session.ts";

/**
 * Settings that every session of ours starts with. A statement must outlive the worker that sent it, so the server does
 * not look whether the client is still there; and it must have nothing to say to that client, since a notice to a
 * vanished one would undo it.
 */
const STARTUP = "-c client_connection_check_interval=0 -c client_min_messages=error";

const CONNECT_TIMEOUT_MS = 15_000;

/** Opens one session on a PostgreSQL server, and closes it when `work` is done. */
export async function withPgSession<T>(
  config: pg.ClientConfig,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({
    application_name: "sluice",
    options: STARTUP,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    ...config,
  });
  // A session that is lost while idle raises an event; the next query rejects with the same error.
  client.on("error", () => undefined);
  await client.connect();
  try {
    return await work(pgSession(client));
  } finally {
    await client.end().catch(() => undefined);
  }
}

export function pgSession(client: pg.ClientBase): Session {
  return {
    async query<Row>(text: string, params: readonly unknown[] = []) {
      const result = await client.query(text, params.length > 0 ? [...params] : undefined);
      return result.rows as Row[];
    },
    async exec(text: string) {
      await client.query(text);
    },
  };
}
