import { nameTransient } from "../shared/errors.ts";
import type { Ports } from "../shared/ports.ts";
import { type Session, StatementFailed } from "../shared/session.ts";
import { LEDGER_SCHEMA, type LedgerKey } from "./ledger.ts";
import { forgetPutBack } from "./ledger-writes.ts";

/** Takes back what a worker that died had changed for the sake of one step of this migration only. */
export async function putBack(session: Session, ports: Ports, key: LedgerKey): Promise<void> {
  const rows = await session.query<{ sql: string }>(
    `SELECT DISTINCT put_back AS sql FROM ${LEDGER_SCHEMA}.step WHERE run = $1 AND version = $2 AND put_back IS NOT NULL`,
    [key.run, key.version],
  );
  if (rows.length === 0) return;
  try {
    await session.together([
      "BEGIN",
      `SET LOCAL lock_timeout = ${ports.settings.lockTimeoutMs}`,
      ...rows.map(({ sql }) => sql),
      forgetPutBack(key),
      "COMMIT",
    ]);
  } catch (error) {
    await session.exec("ROLLBACK").catch(() => undefined);
    throw nameTransient(error instanceof StatementFailed ? error.cause : error);
  }
}
