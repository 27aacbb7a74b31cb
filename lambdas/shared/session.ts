import type { PgConnection } from "./pg-session.ts";
import { literal } from "./sql-text.ts";

/**
 * One database session, whatever carries it: node-postgres against a server, or the embedded Postgres.
 * Values come back as node-postgres gives them by default: int8 and numeric as strings, timestamps as Date,
 * json parsed. SQL of ours casts what it wants otherwise.
 */
export interface Session {
  /** One statement, with parameters. Resolves to its rows. Rejects with an error shaped like pg's DatabaseError. */
  query<Row = Record<string, unknown>>(text: string, params?: readonly unknown[]): Promise<Row[]>;
  /** Any number of statements as one simple-query message; rows are dropped. */
  exec(text: string): Promise<void>;
  /**
   * Single statements, BEGIN and COMMIT among them, as one message: a server carries them out to the end also when
   * whoever sent them is gone, and each sees what those before it did. Resolves to the rows of each.
   * @throws StatementFailed; a transaction that they began is then still open, and failed.
   */
  together(statements: readonly string[]): Promise<Record<string, unknown>[][]>;
}

/** Opens one session, and closes it when `work` is done. */
export type OpenSession = <T>(work: (session: Session) => Promise<T>) => Promise<T>;

/** Of statements sent together, which one the server refused. The cause's `position` counts from its beginning. */
export class StatementFailed extends Error {
  override readonly name = "StatementFailed";
  constructor(
    readonly index: number,
    override readonly cause: Error,
  ) {
    super(cause.message, { cause });
  }
}

/** Runs `work` in one transaction: committed when it resolves, rolled back when it throws. */
export async function withTransaction<T>(session: Session, work: () => Promise<T>): Promise<T> {
  await session.exec("BEGIN");
  try {
    const result = await work();
    await session.exec("COMMIT");
    return result;
  } catch (error) {
    // The first error is the one that matters; a ROLLBACK that fails means the session is gone, and with it the transaction.
    await session.exec("ROLLBACK").catch(() => undefined);
    throw error;
  }
}

/** Runs `work` in a transaction that is always rolled back: what it writes is never seen by anyone. */
export async function withRolledBackTransaction<T>(session: Session, work: () => Promise<T>): Promise<T> {
  await session.exec("BEGIN");
  try {
    return await work();
  } finally {
    await session.exec("ROLLBACK").catch(() => undefined);
  }
}

/** A query that gives exactly one row gave another number of them: its answer can be neither used nor guessed. */
class RowExpected extends Error {
  override readonly name = "RowExpected";
  constructor(
    readonly rows: number,
    readonly statement: string,
  ) {
    const asked = statement.trim().replace(/\s+/g, " ").slice(0, 200);
    super(
      `The database gave ${rows === 0 ? "no row" : `${rows} rows`} where it must give one, and no error: ` +
        `its answers cannot be trusted. Asked was: ${asked}`,
    );
  }
}

/**
 * The one row of a query that always has one, such as an aggregate's.
 * @throws RowExpected where there is none, or more: a broken server must never look like "nothing found"
 */
export async function requireRow<Row>(
  session: Session,
  text: string,
  params?: readonly unknown[],
): Promise<Row> {
  const rows = await session.query<Row>(text, params);
  const [row] = rows;
  if (row === undefined || rows.length !== 1) throw new RowExpected(rows.length, text);
  return row;
}

/**
 * Runs `work` in a transaction that cannot write, and is rolled back. It has read something before `work` begins: from
 * then on nothing in it can make it one that writes.
 */
export async function withReadOnlyTransaction<T>(session: Session, work: () => Promise<T>): Promise<T> {
  await session.exec("BEGIN READ ONLY; SELECT 1");
  try {
    return await work();
  } finally {
    await session.exec("ROLLBACK").catch(() => undefined);
  }
}

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
