import type { BenchmarkResult } from "../shared/documents.ts";
import type { Benchmark } from "../shared/plan.ts";
import { type Session, withRolledBackTransaction } from "../shared/session.ts";

/** Runs that are not counted: a restored volume and a new session are cold. */
const WARM_UP = 3;

/** Measures one benchmark, as the role and under the settings it names; what the query writes is rolled back. */
export async function measure(session: Session, benchmark: Benchmark): Promise<BenchmarkResult> {
  const { name, title, sloMs, runs, as, settings, query, baseline, usesIndex } = benchmark;
  const none = { name, title, sloMs, p50Ms: null, p95Ms: null, runs: 0, passed: null };
  if (!(await hasData(session, benchmark)))
    return { ...none, note: "there is no data to measure it with yet" };
  return await withRolledBackTransaction(session, async () => {
    const without = baseline === undefined ? [] : await times(session, baseline, runs);
    for (const [key, value] of Object.entries(settings))
      await session.query("SELECT set_config($1, $2, true)", [key, value]);
    if (as !== undefined) await session.query("SELECT set_config('role', $1, true)", [as]);
    const missing = usesIndex === undefined ? null : await missesIndex(session, query, usesIndex);
    const taken = await times(session, query, runs);
    const p50Ms = Math.max(0, quantile(taken, 0.5) - quantile(without, 0.5));
    const p95Ms = Math.max(0, quantile(taken, 0.95) - quantile(without, 0.95));
    return {
      name,
      title,
      sloMs,
      p50Ms,
      p95Ms,
      runs,
      passed: p95Ms <= sloMs && missing === null,
      note: missing,
    };
  });
}

async function hasData(session: Session, { needs }: Benchmark): Promise<boolean> {
  if (needs === undefined) return true;
  const [row] = await session.query(needs);
  return row !== undefined && Object.values(row)[0] === true;
}

async function missesIndex(session: Session, query: string, index: string): Promise<string | null> {
  const rows = await session.query<Record<string, string>>(`EXPLAIN ${query}`);
  const plan = rows.map((row) => Object.values(row)[0]).join("\n");
  return plan.includes(index) ? null : `its plan does not use ${index}`;
}

async function times(session: Session, query: string, runs: number): Promise<number[]> {
  const taken: number[] = [];
  for (let run = -WARM_UP; run < runs; run++) {
    const began = performance.now();
    await session.query(query);
    if (run >= 0) taken.push(performance.now() - began);
  }
  return taken.sort((a, b) => a - b);
}

/** Nearest-rank quantile of sorted values; 0 for none. */
export function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0;
}
