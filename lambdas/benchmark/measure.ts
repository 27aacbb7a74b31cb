import type { BenchmarkResult } from "../shared/documents.ts";
import { ErrorName, isPostgresError, SluiceError } from "../shared/errors.ts";
import type { Benchmark } from "../shared/plan.ts";
import { type Session, withReadOnlyTransaction } from "../shared/session.ts";
import { warmUp } from "./warm-up.ts";

/** Where one run is so slow that all of them would take longer, fewer must do: too slow is known by then. */
const LONGEST_MS = 300_000;
const FEWEST_RUNS = 5;

type Within = <T>(session: Session, work: () => Promise<T>) => Promise<T>;

const READ_ONLY_TRANSACTION = "25006";

/**
 * Measures one benchmark, as the role and under the settings it names, where it cannot write.
 * @throws SluiceError BenchmarkFailed for one that tries to
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
    return { ...none, note: "there is no data to measure it with yet", seconds: secondsSince(began) };
  return await reading(session, async () => {
    const { plan, cold } = await asTheApplication(session, benchmark, async () => ({
      plan: await explain(session, query),
      cold: await warmUp(() => timed(session, query)),
    }));
    if (baseline !== undefined) await warmUp(() => timed(session, baseline));
    const { taken, without } = await times(session, benchmark, longestMs);
    const p50Ms = rounded(quantile(taken, 0.5) - quantile(without, 0.5));
    // Of an overhead the two 95ths may be of different kinds of bad luck.
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
    `Benchmark ${name} (${title}) tries to write: ${error.message}. Its query, baseline and needs run beside what was proven, where they cannot write: let them only read.`,
    { cause: error },
  );
}

/** False while there is nothing to measure it with. */
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

/** Sorted. Query and baseline take turns, so that what else goes on at the time slows both of them alike. */
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

/** With its role and settings, which the savepoint gives back. */
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

/** To microseconds: what lies below is noise. */
function rounded(ms: number): number {
  return Math.max(0, Math.round(ms * 1000) / 1000);
}

/** Nearest-rank quantile of sorted values; 0 for none. */
export function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0;
}
