import type { CountersDoc, ReadingDoc, ReadingValue } from "../shared/documents.ts";
import { inTransactions, type LocalSettings } from "../shared/guest-session.ts";
import type { CompiledPlan } from "../shared/plan.ts";
import type { Session } from "../shared/session.ts";
import { readConnections } from "./connections.ts";
import { readCounters } from "./counters.ts";
import { readMetric } from "./read-metric.ts";

/** Longest that one query of the watch may take, in milliseconds: it must never be what is slow. */
export const QUERY_TIMEOUT_MS = 5_000;

/** A lock that is not free is not waited for. In each transaction anew: the session may be a pooler's, and so anybody's. */
export const GUARDS: LocalSettings = {
  statement_timeout: QUERY_TIMEOUT_MS,
  lock_timeout: 1000,
  idle_in_transaction_session_timeout: 15_000,
  client_min_messages: "error",
};

export interface ReadingWishes {
  plan: CompiledPlan;
  /** Those that the application connects as. */
  roles: readonly string[];
  freeBytes: number | null;
  /** The reading before, which growth is counted from; none: it is counted while this one is taken. */
  before?: { at: string; counters: CountersDoc } | undefined;
  /** Called when all but the counters is read. */
  untilCounted?: () => Promise<void>;
  progress?: (line: string) => void;
  now(): Date;
}

export type Reading = Pick<ReadingDoc, "at" | "seconds" | "values" | "connections" | "counters">;

/** Measures every metric of the plan. It only reads: also what a plan's own query tries to write fails. */
export async function takeReading(given: Session, wishes: ReadingWishes): Promise<Reading> {
  const { plan, roles, freeBytes, before, progress = () => undefined, now } = wishes;
  const metrics = plan.watch?.metrics ?? [];
  const session = inTransactions(given, GUARDS);
  const began = now();
  const from = before ?? { at: began.toISOString(), counters: await readCounters(session, metrics) };
  const connections = await readConnections(session, roles);
  const around = { session, plan, connections, freeBytes, timeoutMs: QUERY_TIMEOUT_MS };
  const read = async (counts: boolean, counters: CountersDoc): Promise<ReadingValue[]> => {
    const seconds = (now().getTime() - Date.parse(from.at)) / 1000;
    const values: ReadingValue[] = [];
    for (const metric of metrics) {
      if (grows(metric) !== counts) continue;
      progress(metric.title);
      values.push(
        await readMetric(metric, { ...around, counters: { before: from.counters, now: counters, seconds } }),
      );
    }
    return values;
  };
  const others = await read(false, from.counters);
  await wishes.untilCounted?.();
  const counters = await readCounters(session, metrics);
  const values = [...others, ...(await read(true, counters))];
  const order = metrics.map(({ name }) => name);
  return {
    at: began.toISOString(),
    seconds: (now().getTime() - began.getTime()) / 1000,
    values: values.sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name)),
    connections: { used: connections.used, most: connections.most, minimum: plan.server.minimumConnections },
    counters,
  };
}

function grows({ source }: NonNullable<CompiledPlan["watch"]>["metrics"][number]): boolean {
  return source.kind === "rollbacks" || (source.kind === "query" && source.counter);
}
