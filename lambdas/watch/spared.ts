import type { Session } from "../shared/session.ts";

/**
 * Runs `work` in a transaction that cannot write, and is committed also when it throws: what the watch itself cannot read must not count
 * among the transactions that it tells people failed.
 */
export async function spared<T>(session: Session, work: () => Promise<T>): Promise<T> {
  // Within the savepoint nothing can make it one that writes.
  await session.exec("BEGIN READ ONLY; SAVEPOINT reading");
  try {
    return await work();
  } catch (error) {
    await session.exec("ROLLBACK TO SAVEPOINT reading").catch(() => undefined);
    throw error;
  } finally {
    await session.exec("COMMIT").catch(() => undefined);
  }
}
