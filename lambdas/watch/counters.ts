import type { CountersDoc } from "../shared/documents.ts";
import type { Metric } from "../shared/plan.ts";
import type { Session } from "../shared/session.ts";
import { spared } from "./spared.ts";

/** What only ever grows, as it stands now: readings tell by how much it grew between two of these. */
export async function readCounters(session: Session, metrics: readonly Metric[]): Promise<CountersDoc> {
  // What this session did itself is to be counted by now, and not within the next reading.
  await session.query("SELECT pg_stat_force_next_flush()");
  const [row] = await session.query<{ committed: string; rolledBack: string }>(
    `SELECT xact_commit::text AS committed, xact_rollback::text AS "rolledBack"
       FROM pg_stat_database WHERE datname = current_database()`,
  );
  const queries: Record<string, number> = {};
  for (const { name, source } of metrics)
    if (source.kind === "query" && source.counter)
      queries[name] = await numberOf(session, source.sql).catch(() => Number.NaN);
  return {
    committed: Number(row?.committed ?? 0),
    rolledBack: Number(row?.rolledBack ?? 0),
    // What could not be read has no number; reading it as a metric says why.
    queries: Object.fromEntries(Object.entries(queries).filter(([, value]) => !Number.isNaN(value))),
  };
}

/** The first column of the first row. */
export async function numberOf(session: Session, sql: string): Promise<number> {
  const [row] = await spared(session, () => session.query(sql));
  const value = Number(Object.values(row ?? {})[0] ?? Number.NaN);
  if (Number.isNaN(value)) throw new Error("the query yields no number");
  return value;
}

/** A counter that is lower than before began anew. */
export function growth(before: number, now: number): number {
  return now >= before ? now - before : now;
}
