import { mkdir, writeFile } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError } from "commander";
import { Bench } from "./harness.ts";
import { MEASUREMENTS } from "./measurements.ts";
import { inspectServer, NoServer } from "./server.ts";
import { count, duration, timed } from "./stats.ts";
import { table } from "./table.ts";
import type { Result, Sizes } from "./types.ts";

const FULL: Sizes = {
  rows: 2_000_000,
  vectors: 100_000,
  agents: 100_000,
  edges: 1_000_000,
  migrations: 1_000,
  untouchedRows: 5_000_000,
  outOfLineRows: 100_000,
  smallTables: 2_000,
  planMigrations: 50,
  databases: 200,
  capSeconds: 60,
};
const QUICK: Sizes = {
  rows: 200_000,
  vectors: 10_000,
  agents: 10_000,
  edges: 100_000,
  migrations: 200,
  untouchedRows: 500_000,
  outOfLineRows: 10_000,
  smallTables: 200,
  planMigrations: 10,
  databases: 20,
  capSeconds: 5,
};
const LATEST = fileURLToPath(new URL("results/latest.json", import.meta.url));

function positive(text: string): number {
  const value = Number(text.replaceAll(/[_,]/g, ""));
  if (!Number.isInteger(value) || value <= 0) throw new InvalidArgumentError("must be a positive number");
  return value;
}

const names = MEASUREMENTS.map(({ name }) => name);

function known(text: string): string[] {
  const wanted = text.split(",").map((name) => name.trim());
  const wrong = wanted.filter((name) => !names.includes(name));
  if (wrong.length > 0)
    throw new InvalidArgumentError(`unknown: ${wrong.join(", ")}; known are ${names.join(", ")}`);
  return wanted;
}

const options = new Command("bench")
  .description(
    "Measures the plan as written against ours, side by side, on a PostgreSQL server with pgvector.",
  )
  .option("--quick", "use smaller sizes: under five minutes in total")
  .option("--only <names>", `run only these, comma-separated: ${names.join(", ")}`, known)
  .option("--rows <n>", "rows of performance_events", positive)
  .option("--vectors <n>", "capabilities with an embedding", positive)
  .option("--agents <n>", "agents of the graph", positive)
  .option("--edges <n>", "relationships of the graph", positive)
  .option("--migrations <n>", "trivial migrations", positive)
  .option("--databases <n>", "small databases of a rollout", positive)
  .option("--cap <seconds>", "give the plan's way up after so long", positive)
  .option("--json <file>", "where to write the figures (default: bench/results/latest.json)")
  .addHelpText(
    "after",
    "\nSet the environment variable SLUICE_NATIVE_URL to the server's URL, with a superuser's name.",
  )
  .parse()
  .opts<{
    quick?: true;
    only?: string[];
    rows?: number;
    vectors?: number;
    agents?: number;
    edges?: number;
    migrations?: number;
    databases?: number;
    cap?: number;
    json?: string;
  }>();

const base = options.quick ? QUICK : FULL;
const sizes: Sizes = {
  rows: options.rows ?? base.rows,
  vectors: options.vectors ?? base.vectors,
  agents: options.agents ?? base.agents,
  edges: options.edges ?? base.edges,
  migrations: options.migrations ?? base.migrations,
  untouchedRows: base.untouchedRows,
  outOfLineRows: base.outOfLineRows,
  smallTables: base.smallTables,
  planMigrations: base.planMigrations,
  databases: options.databases ?? base.databases,
  capSeconds: options.cap ?? base.capSeconds,
};

const load = () => loadavg().map((value) => Number(value.toFixed(2)));
const say = (line: string) => process.stderr.write(`${line}\n`);

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof NoServer)) throw error;
  say(error.message);
  process.exitCode = 2;
}

async function main(): Promise<number> {
  const server = await inspectServer();
  const began = performance.now();
  const startedAt = new Date();
  const loadBefore = load();
  const bench = await Bench.open(sizes, (line) =>
    say(`${duration(performance.now() - began).padStart(8)}  ${line}`),
  );
  // Ctrl-C also leaves nothing behind on the server.
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => void bench.close().finally(() => process.exit(130)));

  const results: Result[] = [];
  const failed: { name: string; error: string }[] = [];
  const seconds: Record<string, number> = {};
  try {
    for (const { name, measure } of MEASUREMENTS) {
      if (options.only && !options.only.includes(name)) continue;
      const { ms } = await timed(async () => {
        try {
          results.push(...(await measure(bench)));
        } catch (error) {
          // A failed measurement must not lose the others' figures.
          failed.push({ name, error: String(error) });
          say(`${name} could not be measured: ${error instanceof Error ? error.stack : String(error)}`);
        }
      });
      seconds[name] = Math.round(ms / 100) / 10;
    }
  } finally {
    await bench.close();
  }

  const about = [
    `PostgreSQL ${server.postgres}, pgvector ${server.pgvector}, ${cpus().length} cores, Node ${process.version}`,
    `${count(sizes.rows)} events, ${count(sizes.vectors)} vectors, ${count(sizes.agents)} agents, ${count(sizes.edges)} relationships${options.quick ? " (quick)" : ""}`,
    `load before ${loadBefore.join(" ")}, after ${load().join(" ")}; ${duration(performance.now() - began)} in total`,
  ];
  process.stdout.write(`\n${about.join("\n")}\n\n${table(results)}`);
  for (const { name, error } of failed) process.stdout.write(`NOT MEASURED: ${name}: ${error}\n`);
  const file = options.json ?? LATEST;
  await mkdir(dirname(file), { recursive: true });
  const json = {
    startedAt: startedAt.toISOString(),
    server,
    cores: cpus().length,
    processor: cpus()[0]?.model,
    node: process.version,
    load: { before: loadBefore, after: load() },
    sizes,
    seconds,
    results,
    failed,
  };
  await writeFile(file, `${JSON.stringify(json, undefined, 2)}\n`);
  say(`figures: ${file}`);
  return failed.length > 0 ? 1 : 0;
}
