import { measure } from "../benchmark/measure.ts";
import type { CountersDoc, ReadingValue } from "../shared/documents.ts";
import { ErrorName, isPostgresError, messageOf, nameTransient, SluiceError } from "../shared/errors.ts";
import type { CompiledPlan, Metric } from "../shared/plan.ts";
import type { Session } from "../shared/session.ts";
import { type Connections, utilization } from "./connections.ts";
import { growth, numberOf } from "./counters.ts";
import { runbookOf } from "./runbook.ts";
import { spared } from "./spared.ts";
import { standingOf, thresholdText } from "./thresholds.ts";

/** Enough for a p95 that is not one bad run, and over within seconds. */
const RUNS = 20;
/** Of one benchmark, its warm-up not counted: where all are slow, the reading must still be done within its worker's time. */
const LONGEST_MS = 20_000;
const GIB = 1024 ** 3;
const QUERY_CANCELED = "57014";

export interface Surroundings {
  session: Session;
  plan: CompiledPlan;
  connections: Connections;
  /** Before and after the other metrics were read; growth is told from the first to the second. */
  counters: { before: CountersDoc; now: CountersDoc; seconds: number };
  freeBytes: number | null;
  timeoutMs: number;
}

type Measured = Pick<ReadingValue, "value" | "note" | "broken">;

/** One metric's value and how it stands. What cannot be measured has no value, and a note that says why. */
export async function readMetric(metric: Metric, around: Surroundings): Promise<ReadingValue> {
  const { name, title, unit, target, alert } = metric;
  const { value, note, broken } = await measured(metric, around).catch((caught: unknown): Measured => {
    const error = nameTransient(caught);
    const name = error instanceof SluiceError ? error.name : undefined;
    // Without a session nothing more can be read: the whole reading is to fail.
    if (name === ErrorName.ConnectionLost) throw error;
    const note = `it cannot be read: ${messageOf(error)}`;
    return { value: null, note, ...(name === ErrorName.LockTimeout ? {} : { broken: true }) };
  });
  return {
    name,
    title,
    unit,
    value: value === null ? null : Math.round(value * 1000) / 1000,
    note,
    target: thresholdText(target, unit),
    alert: thresholdText(alert, unit),
    standing: standingOf(metric, value),
    runbook: runbookOf(metric),
    ...(broken ? { broken } : {}),
  };
}

async function measured({ name, source }: Metric, around: Surroundings): Promise<Measured> {
  const { session, connections, counters, freeBytes } = around;
  switch (source.kind) {
    case "benchmark":
      return await latency(source.benchmark, around);
    case "connections":
      return { value: utilization(connections), note: `${connections.used} of ${connections.most}` };
    case "rollbacks":
      return rolledBack(counters);
    case "free-disk":
      return freeBytes === null
        ? { value: null, note: "this server does not tell it" }
        : { value: freeBytes / GIB, note: null };
    case "query": {
      const { before, now, seconds } = counters;
      if (!source.counter) return { value: await numberOf(session, source.sql), note: null };
      const [was, is] = [before.queries[name], now.queries[name]];
      if (was === undefined || is === undefined)
        // Read once more: its error says what is wrong.
        return { value: null, note: `not read before; ${await numberOf(session, source.sql)} in all` };
      return { value: growth(was, is), note: `in ${span(seconds)}` };
    }
  }
}

async function latency(name: string, { session, plan, timeoutMs }: Surroundings): Promise<Measured> {
  const benchmark = plan.benchmarks.find((candidate) => candidate.name === name);
  if (!benchmark) throw new Error(`the plan has no benchmark ${name}`);
  try {
    const { p95Ms, note, runs } = await spared(session, () =>
      measure(session, { ...benchmark, runs: RUNS }, (_, work) => work(), LONGEST_MS),
    );
    return {
      value: p95Ms,
      note: p95Ms === null ? note : [`${runs} runs`, ...(note ? [note] : [])].join("; "),
    };
  } catch (error) {
    if (!isPostgresError(error) || error.code !== QUERY_CANCELED) throw error;
    return { value: timeoutMs, note: `ended after ${timeoutMs} ms, the time that a query has here` };
  }
}

function rolledBack({ before, now, seconds }: Surroundings["counters"]): Measured {
  const failed = growth(before.rolledBack, now.rolledBack);
  const all = failed + growth(before.committed, now.committed);
  if (all === 0) return { value: null, note: `no transaction ended in ${span(seconds)}` };
  return { value: (failed / all) * 100, note: `${failed} of ${all} transactions in ${span(seconds)}` };
}

function span(seconds: number): string {
  return seconds < 120 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`;
}
