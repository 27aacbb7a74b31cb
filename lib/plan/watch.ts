import type { Metric, MetricSource, Watch } from "../../lambdas/shared/plan.ts";
import type { GivenPlan } from "./folder.ts";
import { versionOf } from "./folder-name.ts";
import { PlanError } from "./plan-error.ts";
import type { PlanFile } from "./schema.ts";

type WatchFile = NonNullable<PlanFile["watch"]>;
type MetricFile = WatchFile["metrics"][number];

const UNITS: Readonly<Record<Exclude<MetricSource["kind"], "query">, string>> = {
  benchmark: "ms",
  connections: "%",
  rollbacks: "%",
  "free-disk": "GiB",
};

/**
 * The plan's metrics, with their queries read from files.
 * @throws PlanError for names that are used twice or name nothing
 */
export async function compileWatch(
  { benchmarks, migrations }: Pick<GivenPlan, "benchmarks" | "migrations">,
  { metrics, verifyAgain }: WatchFile,
  read: (path: string) => Promise<string>,
): Promise<Watch> {
  const names = metrics.map(({ name }) => name);
  const twice = names.findIndex((name, i) => names.indexOf(name) !== i);
  if (twice !== -1)
    throw new PlanError("plan.yaml", `watch.metrics[${twice}].name`, `${names[twice]} is there twice`);
  for (const [i, { benchmark }] of metrics.entries())
    if (benchmark !== undefined && !benchmarks.some(({ name }) => name === benchmark))
      throw new PlanError("plan.yaml", `watch.metrics[${i}].benchmark`, `there is no benchmark ${benchmark}`);
  for (const [i, version] of (verifyAgain?.migrations ?? []).entries())
    if (!migrations.some(({ folder }) => versionOf(folder) === version))
      throw new PlanError(
        "plan.yaml",
        `watch.verifyAgain.migrations[${i}]`,
        `there is no migration ${version}`,
      );
  const compiled: Metric[] = [];
  for (const metric of metrics) compiled.push(await compileMetric(metric, read));
  return { metrics: compiled, ...(verifyAgain ? { verifyAgain } : {}) };
}

async function compileMetric(
  { name, title, target, alert, runbook, unit, ...metric }: MetricFile,
  read: (path: string) => Promise<string>,
): Promise<Metric> {
  const source = await sourceOf(metric, read);
  return {
    name,
    title,
    unit: source.kind === "query" ? (unit ?? "") : UNITS[source.kind],
    source,
    target,
    alert,
    ...(runbook === undefined ? {} : { runbook }),
  };
}

async function sourceOf(
  { benchmark, reads, query, counter = false }: Pick<MetricFile, "benchmark" | "reads" | "query" | "counter">,
  read: (path: string) => Promise<string>,
): Promise<MetricSource> {
  if (benchmark !== undefined) return { kind: "benchmark", benchmark };
  if (reads !== undefined) return { kind: reads };
  // The schema requires one of them.
  return { kind: "query", sql: await read(query ?? ""), counter };
}
