import type { Clock } from "../shared/ports.ts";
import { needRow, type Session } from "../shared/session.ts";

export interface ServerClock {
  /** ISO 8601, to the microsecond. */
  time: string;
  /** By how many milliseconds it is ahead of the worker's. */
  aheadMs: number;
}

/** In UTC, as ISO 8601 to the microsecond. */
export const AS_ISO = (sql: string) =>
  `to_char((${sql}) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/** What time it is on the server. Transactions are dated by its clock and no other. */
export async function readServerClock(session: Session, clock: Pick<Clock, "now">): Promise<ServerClock> {
  const before = clock.now().getTime();
  const { time } = await needRow<{ time: string }>(session, `SELECT ${AS_ISO("clock_timestamp()")} AS time`);
  const between = (before + clock.now().getTime()) / 2;
  return { time, aheadMs: Math.round(Date.parse(time) - between) };
}
