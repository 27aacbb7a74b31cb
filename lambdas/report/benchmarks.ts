import type { BenchmarkResult, Target } from "../shared/documents.ts";
import type { Facts } from "./facts.ts";
import type { BenchmarkReport } from "./schema.ts";

/** Every benchmark of the plan, measured or not, and any other that was measured. */
export function benchmarksOf({ plan, benchmarks }: Facts): BenchmarkReport[] {
  const measured = [...(benchmarks.staging?.results ?? []), ...(benchmarks.production?.results ?? [])];
  const all = new Map([...measured, ...plan.benchmarks].map((b) => [b.name, b]));
  const planned = plan.benchmarks.map(({ name }) => name);
  const names = [...planned, ...[...all.keys()].filter((name) => !planned.includes(name))];
  const of = (target: Target, name: string) => {
    const found = benchmarks[target]?.results.find((result) => result.name === name);
    return found ? figures(found) : null;
  };
  return names.flatMap((name) => {
    const benchmark = all.get(name);
    if (!benchmark) return [];
    const { title, sloMs } = benchmark;
    return [{ name, title, sloMs, staging: of("staging", name), production: of("production", name) }];
  });
}

function figures(result: BenchmarkResult): NonNullable<BenchmarkReport["staging"]> {
  const { p50Ms, p95Ms, runs, passed, note, warmUp, generated, plan } = result;
  return {
    p50Ms,
    p95Ms,
    runs,
    // Without a figure nothing has passed, whatever the document says.
    passed: p95Ms === null ? null : passed,
    note,
    warmUpRuns: warmUp?.runs ?? null,
    firstMs: warmUp?.firstMs ?? null,
    generated: generated ?? false,
    plan: [...(plan ?? [])],
  };
}
