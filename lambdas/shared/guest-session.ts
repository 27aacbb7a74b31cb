import type { PgConnection } from "./pg-session.ts";
import type { Session } from "./session.ts";
import { literal } from "./sql-text.ts";

/** Settings by name, for the length of a transaction: numbers in the setting's own unit. */
export type LocalSettings = Readonly<Record<string, string | number>>;

/**
 * A session on a database that somebody else works with, perhaps through a transaction pooler: what is read is read in
 * transactions, and nothing outlives one of them. No setting is made for the session, and no lock is kept in it.
 * @param connection open already, with nothing set on it; it is closed when `work` is done
 */
export async function asGuest<T>(
  connection: PgConnection,
  settings: LocalSettings,
  work: (session: Session, pooled: boolean) => Promise<T>,
): Promise<T> {
  try {
    return await work(inTransactions(connection.session, settings), await connection.isPooled());
  } finally {
    await connection.close();
  }
}

/**
 * The session with every statement in a read-only transaction under these settings: in the caller's own where it has
 * begun one, else in one of its own. A session that has settings already keeps them.
 */
export function inTransactions(session: Session, settings: LocalSettings): Session {
  // Settings that this version of the server does not have are passed over.
  const local = `SELECT set_config(name, wanted.value, true)
    FROM json_each_text(${literal(JSON.stringify(settings))}) AS wanted(name, value) JOIN pg_settings USING (name)`;
  let within = false;
  const begin = async (text: string) => {
    await session.exec(text);
    within = true;
    await session.exec(`SET TRANSACTION READ ONLY; ${local}`);
  };
  const end = async (text: string) => {
    within = false;
    await session.exec(text);
  };
  const alone = async <T>(work: () => Promise<T>): Promise<T> => {
    if (within) return await work();
    await begin("BEGIN");
    try {
      const result = await work();
      await end("COMMIT");
      return result;
    } catch (error) {
      // The first error is the one that matters.
      await end("ROLLBACK").catch(() => undefined);
      throw error;
    }
  };
  return {
    query: (text, params) => alone(() => session.query<never>(text, params)),
    async exec(text) {
      if (/^\s*BEGIN\b/i.test(text)) return await begin(text);
      if (/^\s*(COMMIT|ROLLBACK)\s*;?\s*$/i.test(text)) return await end(text);
      await alone(() => session.exec(text));
    },
    together: async () => {
      throw new Error("Several statements as one message are for sessions of the run's own");
    },
  };
}
