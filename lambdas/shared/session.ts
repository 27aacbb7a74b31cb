import type { PgConnection } from "./pg-session.ts";
import { literal } from "./sql-text.ts";

/**
 * One database session, by node-postgres on a server or on the embedded Postgres.
 * Values have node-postgres's default types: int8 and numeric as strings, timestamps as Date, json parsed.
 * Sluice's own SQL casts values where it needs other types.
 */
export interface Session {
  /** Runs one statement with parameters. Resolves to its rows. Rejects with an error shaped like pg's DatabaseError. */
  query<Row = Record<string, unknown>>(text: string, params?: readonly unknown[]): Promise<Row[]>;
  /** Runs any number of statements as one simple-query message, and drops their rows. */
  exec(text: string): Promise<void>;
  /**
   * Sends single statements, BEGIN and COMMIT among them, as one message. The server runs them to the end even when the
   * client is gone, and each sees the effects of those before it. Resolves to the rows of each.
   * @throws StatementFailed; a transaction that the statements began is then still open, in the failed state.
   */
  together(statements: readonly string[]): Promise<Record<string, unknown>[][]>;
}

/** Opens one session, and closes it when `work` is done. */
export type OpenSession = <T>(work: (session: Session) => Promise<T>) => Promise<T>;

/** The server refused one of several statements sent together. The cause's `position` counts from that statement's start. */
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
    // The first error matters. A failed ROLLBACK means that the session is gone, and the transaction with it.
    await session.exec("ROLLBACK").catch(() => undefined);
    throw error;
  }
}

/** Runs `work` in a transaction that is always rolled back: no other session sees its writes. */
export async function withRolledBackTransaction<T>(session: Session, work: () => Promise<T>): Promise<T> {
  await session.exec("BEGIN");
  try {
    return await work();
  } finally {
    await session.exec("ROLLBACK").catch(() => undefined);
  }
}

/** A query that must return one row returned another number of rows, so its answer cannot be used. */
class RowExpected extends Error {
  override readonly name = "RowExpected";
  constructor(
    readonly rows: number,
    readonly statement: string,
  ) {
    const asked = statement.trim().replace(/\s+/g, " ").slice(0, 200);
    super(
      `The database returned ${rows === 0 ? "no row" : `${rows} rows`} where it must return one, without an error: ` +
        `its answers cannot be trusted. The query was: ${asked}`,
    );
  }
}

/**
 * Returns the single row of a query that always has one, such as an aggregate.
 * @throws RowExpected for no row or several: a broken server must never look like "nothing found"
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
 * Runs `work` in a read-only transaction and rolls it back. The transaction reads something before `work` begins: after
 * the first read, PostgreSQL refuses to switch it to read-write.
 */
export async function withReadOnlyTransaction<T>(session: Session, work: () => Promise<T>): Promise<T> {
  await session.exec("BEGIN READ ONLY; SELECT 1");
  try {
    return await work();
  } finally {
    await session.exec("ROLLBACK").catch(() => undefined);
  }
}

/** Settings by name, for one transaction. Numbers are in the setting's own unit. */
export type LocalSettings = Readonly<Record<string, string | number>>;

/**
 * Runs `work` on a database that others use, perhaps through a transaction pooler. All reads happen in transactions, and
 * nothing outlives its transaction: the session gets no settings and keeps no lock.
 * @param connection an open connection without settings; it is closed when `work` ends
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
 * Returns a session that runs every statement in a read-only transaction with these settings: in the caller's
 * transaction where one is open, else in its own. Existing settings of the session stay.
 */
export function inTransactions(session: Session, settings: LocalSettings): Session {
  // The join skips settings that this server version does not have.
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
      // The first error matters.
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
      throw new Error("Only sessions of the run itself may send several statements as one message");
    },
  };
}
