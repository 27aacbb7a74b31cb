import { type Session, withTransaction } from "../shared/session.ts";

/**
 * Runs `work` in a transaction that is committed also when it throws: what the watch itself cannot read must not count
 * among the transactions that it tells people failed.
 */
export async function spared<T>(session: Session, work: () => Promise<T>): Promise<T> {
  const outcome = await withTransaction(session, async () => {
    await session.exec("SAVEPOINT reading");
    try {
      return { value: await work() };
    } catch (error) {
      await session.exec("ROLLBACK TO SAVEPOINT reading").catch(() => {
        throw error;
      });
      return { error };
    }
  });
  if ("error" in outcome) throw outcome.error;
  return outcome.value;
}
