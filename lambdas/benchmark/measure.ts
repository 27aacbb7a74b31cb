import type { BenchmarkResult } from "../shared/documents.ts";
import { ErrorName, isPostgresError, SluiceError } from "../shared/errors.ts";
import type { Benchmark } from "../shared/plan.ts";
import { type Session, withReadOnlyTransaction } from "../shared/session.ts";

/** If one run is so slow that all runs would exceed this time, fewer runs are enough to show it. */
const LONGEST_MS = 300_000;
const FEWEST_RUNS = 5;

type Within = <T>(session: Session, work: () => Promise<T>) => Promise<T>;

const READ_ONLY_TRANSACTION = "25006";

/**
 * Measures one benchmark, as the role and under the settings it names, in a transaction that cannot write.
 * @throws SluiceError BenchmarkFailed for a benchmark that tries to write
 */
export async function measure(
  session: Session,
  benchmark: Benchmark,
  within: Within = withReadOnlyTransaction,
  longestMs = LONGEST_MS,
): Promise<BenchmarkResult> {
  const { name, title, sloMs, query, baseline, usesIndex } = benchmark;
  const none = { name, title, sloMs, p50Ms: null, p95Ms: null, runs: 0, passed: null };
  const began = performance.now();
  const reading: Within = (at, work) => within(at, work).catch((error) => throwNamed(benchmark, error));
  if (!(await hasData(session, benchmark, reading)))
    return { ...none, note: "no data to measure it with yet", seconds: secondsSince(began) };
  return await reading(session, async () => {
    const { plan, cold } = await asTheApplication(session, benchmark, async () => ({
      plan: await explain(session, query),
      cold: await warmUp(() => timed(session, query)),
    }));
    if (baseline !== undefined) await warmUp(() => timed(session, baseline));
    const { taken, without } = await times(session, benchmark, longestMs);
    const p50Ms = rounded(quantile(taken, 0.5) - quantile(without, 0.5));
    // The 95th percentiles of query and baseline may come from different disturbances.
    const p95Ms = Math.max(p50Ms, rounded(quantile(taken, 0.95) - quantile(without, 0.95)));
    const missing =
      usesIndex === undefined || plan.some((line) => line.includes(usesIndex)) ? null : usesIndex;
    return {
      name,
      title,
      sloMs,
      p50Ms,
      p95Ms,
      runs: taken.length,
      passed: p95Ms <= sloMs && missing === null,
      note: missing === null ? null : `its plan does not use ${missing}`,
      warmUp: { runs: cold.length, firstMs: rounded(cold[0] ?? 0) },
      plan,
      seconds: secondsSince(began),
    };
  });
}

function throwNamed({ name, title }: Benchmark, error: unknown): never {
  if (!isPostgresError(error) || error.code !== READ_ONLY_TRANSACTION) throw error;
  throw new SluiceError(
    ErrorName.BenchmarkFailed,
    `Benchmark ${name} (${title}) tries to write: ${error.message}. Its query, baseline and needs run next to proven data, and must only read.`,
    { cause: error },
  );
}

/** False while there is no data to measure it with. */
export async function hasData(
  session: Session,
  { needs }: Benchmark,
  within: Within = withReadOnlyTransaction,
): Promise<boolean> {
  if (needs === undefined) return true;
  const [row] = await within(session, () => session.query(needs));
  return row !== undefined && Object.values(row)[0] === true;
}

interface Times {
  taken: number[];
  without: number[];
}

/** Returns sorted times. Query and baseline alternate, so that other load slows both alike. */
async function times(session: Session, benchmark: Benchmark, longestMs: number): Promise<Times> {
  const { query, baseline, runs } = benchmark;
  const taken: number[] = [];
  const without: number[] = [];
  const began = performance.now();
  const goesOn = () =>
    taken.length < runs && (taken.length < FEWEST_RUNS || performance.now() - began < longestMs);
  const take = async () => void taken.push(await timed(session, query));
  if (baseline === undefined)
    await asTheApplication(session, benchmark, async () => {
      while (goesOn()) await take();
    });
  else
    while (goesOn()) {
      without.push(await timed(session, baseline));
      await asTheApplication(session, benchmark, take);
    }
  const ascending = (values: number[]) => values.sort((a, b) => a - b);
  return { taken: ascending(taken), without: ascending(without) };
}

/** Runs work with the benchmark's role and settings; the savepoint resets both. */
async function asTheApplication<T>(
  session: Session,
  { as, settings }: Benchmark,
  work: () => Promise<T>,
): Promise<T> {
  await session.exec("SAVEPOINT application");
  try {
    for (const [key, value] of Object.entries(settings))
      await session.query("SELECT set_config($1, $2, true)", [key, value]);
    if (as !== undefined) await session.query("SELECT set_config('role', $1, true)", [as]);
    return await work();
  } finally {
    await session.exec("ROLLBACK TO SAVEPOINT application");
  }
}

async function explain(session: Session, query: string): Promise<string[]> {
  const rows = await session.query<Record<string, string>>(`EXPLAIN (COSTS off) ${query}`);
  return rows.map((row) => String(Object.values(row)[0]));
}

async function timed(session: Session, query: string): Promise<number> {
  const began = performance.now();
  await session.query(query);
  return performance.now() - began;
}

function secondsSince(began: number): number {
  return Math.round(performance.now() - began) / 1000;
}

/** To microseconds: smaller differences are noise. */
function rounded(ms: number): number {
  return Math.max(0, Math.round(ms * 1000) / 1000);
}

/** Nearest-rank quantile of sorted values; 0 for none. */
function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0;
}

/** Limits of the warm-up runs, which do not count. */
const LEAST = 3;
const MOST = 20;
const LONGEST_WARM_UP_MS = 60_000;

/**
 * True if the last runs show a steady time. A restored volume loads lazily: the second run may take a thousandth of
 * the first, and the third still half of the second.
 */
export function isWarm(takenMs: readonly number[]): boolean {
  if (takenMs.length < LEAST) return false;
  const fastest = Math.min(...takenMs);
  return takenMs.slice(-LEAST).every((ms) => ms <= fastest * 2);
}

/** Runs it until it is warm; resolves to the time of each run in milliseconds. */
export async function warmUp(run: () => Promise<number>): Promise<number[]> {
  const taken: number[] = [];
  let spent = 0;
  while (taken.length < MOST && spent < LONGEST_WARM_UP_MS && !isWarm(taken)) {
    const ms = await run();
    taken.push(ms);
    spent += ms;
  }
  return taken;
}

/** A slower measurement is not repeated: it was more than one bad moment, and a worker's time is limited. */
const LONGEST_SECONDS = 60;

/**
 * Measures a time over the limit once more; the better one counts, because one bad moment of the machine is no reason
 * to roll back. An unused index is not measured again.
 */
export async function confirmMiss(measure: () => Promise<BenchmarkResult>): Promise<BenchmarkResult> {
  const first = await measure();
  const { p95Ms, sloMs, passed, seconds = 0 } = first;
  if (passed !== false || p95Ms === null || p95Ms <= sloMs || seconds > LONGEST_SECONDS) return first;
  const second = await measure();
  const better = second.p95Ms !== null && second.p95Ms < p95Ms ? second : first;
  const notes = [
    ...(better.note === null ? [] : [better.note]),
    `measured twice, p95 ${said(first)} and ${said(second)}`,
  ];
  return { ...better, note: notes.join("; "), seconds: seconds + (second.seconds ?? 0) };
}

function said({ p95Ms }: BenchmarkResult): string {
  return p95Ms === null ? "not measured" : `${p95Ms.toFixed(1)} ms`;
}
