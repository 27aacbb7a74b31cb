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
