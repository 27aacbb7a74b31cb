import { nameTransient } from "../shared/errors.ts";
import type { Ports } from "../shared/ports.ts";
import { type Session, StatementFailed } from "../shared/session.ts";
import type { LedgerKey, StepRow } from "./ledger.ts";
import { forgetPutBack } from "./ledger-writes.ts";

/** Takes back what a worker that died had changed for the sake of one step of this migration only. */
export async function putBack(
  session: Session,
  ports: Ports,
  key: LedgerKey,
  rows: readonly StepRow[],
): Promise<void> {
  const statements = new Set(rows.flatMap((row) => (row.version === key.version && row.putBack) || []));
  if (statements.size === 0) return;
  try {
    await session.together([
      "BEGIN",
      `SET LOCAL lock_timeout = ${ports.settings.lockTimeoutMs}`,
      ...statements,
      forgetPutBack(key),
      "COMMIT",
    ]);
  } catch (error) {
    await session.exec("ROLLBACK").catch(() => undefined);
    throw nameTransient(error instanceof StatementFailed ? error.cause : error);
  }
}
