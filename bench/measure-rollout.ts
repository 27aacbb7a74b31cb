import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RolloutEnd } from "../local/rollout/events.ts";
import { rollOut } from "../local/rollout/rollout.ts";
import type { Bench, Database } from "./harness.ts";
import { count, duration, timed } from "./stats.ts";
import type { Measurement } from "./types.ts";

/** Runs under way at the same time: as many as the smallest machine of ours has cores. */
const AT_A_TIME = 2;
/** The first wave's people answer its gates; all others follow. */
const FIRST = 2;

const MIGRATE = "ALTER TABLE orders ADD COLUMN total int;\n";
const ROLLBACK = "ALTER TABLE orders DROP COLUMN IF EXISTS total;\n";
const FILL = `CREATE TABLE orders (id int PRIMARY KEY, note text);
INSERT INTO orders SELECT n, 'order ' || n FROM generate_series(1, 100) n`;

/**
 * A rollout over many small databases of one server: the time that it takes beside its runs. A run's time is measured
 * within the rollout, while the same number of other runs continue.
 */
export const rollout: Measurement = {
  name: "rollout",
  async measure(bench) {
    const { databases } = bench.sizes;
    const folder = await mkdtemp(join(tmpdir(), "sluice-bench-"));
    const made: Database[] = [];
    try {
      const plan = join(folder, "orders");
      await mkdir(join(plan, "001_totals"), { recursive: true });
      await writeFile(
        join(plan, "plan.yaml"),
        "server: { minimumConnections: 1, minimumFreeGiB: 0 }\napplicationRoles: []\ngates: { after: { ask: none } }\n",
      );
      await writeFile(join(plan, "001_totals/migrate.sql"), MIGRATE);
      await writeFile(join(plan, "001_totals/rollback.sql"), ROLLBACK);
      bench.progress(`making ${count(databases)} small databases`);
      const original = await bench.empty();
      made.push(original);
      await original.asOwner((session) => session.exec(FILL));
      while (made.length < databases) made.push(await bench.copyOf(original));
      const { ms, value } = await timed(() => measured(bench, plan, made, join(folder, "out")));
      const { end, runs } = value;
      const succeeded = end.rows.filter((row) => row.end === "Succeeded").length;
      if (succeeded !== databases)
        throw new Error(`${succeeded} of ${databases} databases succeeded: ${end.cause}`);
      const sum = runs.reduce((all, one) => all + one, 0);
      const ideal = sum / AT_A_TIME;
      return [
        {
          what: `a rollout over ${count(databases)} small databases of one server, ${AT_A_TIME} at a time`,
          asWritten: "-",
          ours: duration(ms),
          ratio: ideal / ms,
          target: "at most 1.2 x the sum of its runs / how many at a time",
          reached: ms <= 1.2 * ideal,
          note: `the runs took ${duration(sum)} in all, ${duration(sum / runs.length)} each, so ${duration(ideal)} with ${AT_A_TIME} at a time: the rollout took ${(ms / ideal).toFixed(2)} times that. Each run is a whole one: rehearsal, gates, fence, record, migration, proof, opening. Everything is in one process, and the server is on the same machine.`,
          figures: { ms, runs, atATime: AT_A_TIME, databases },
        },
      ];
    } finally {
      for (const database of made) await bench.drop(database);
      await rm(folder, { recursive: true, force: true });
    }
  },
};

/** Milliseconds of each run, from the start of its execution to its end, gates answered at once. */
async function measured(
  bench: Bench,
  plan: string,
  databases: readonly Database[],
  out: string,
): Promise<{ end: RolloutEnd; runs: number[] }> {
  const run = await rollOut({
    plan,
    out,
    databases: databases.map(({ name, url }) => ({ label: name, url })),
    apply: true,
    waves: [FIRST, "rest"],
    atATime: AT_A_TIME,
    tolerated: 0,
    rehearse: "before",
    fence: "connect",
    startedBy: "bench",
  });
  const began = new Map<string, number>();
  const runs: number[] = [];
  for await (const event of run.events) {
    if (event.type === "gate") {
      const gate = event.gate;
      if ((await gate.decide("Go", "bench", "")) === "counted") await gate.decide("Go", "another", "");
      continue;
    }
    const [, database = "", what = ""] = /^(\w+): (started|Succeeded)/.exec(event.line) ?? [];
    if (what === "started") began.set(database, performance.now());
    const from = began.get(database);
    if (what === "Succeeded" && from !== undefined) {
      runs.push(performance.now() - from);
      if (runs.length % 20 === 0) bench.progress(`${runs.length} of ${databases.length} databases`);
    }
  }
  return { end: await run.end, runs };
}
