import { setTimeout as sleep } from "node:timers/promises";
import { type BUNDLED, type Build, type Builds, type SmallPlan, type WholeRun, wholeRun } from "./builds.ts";
import type { Bench, Database } from "./harness.ts";
import { count, duration } from "./stats.ts";
import type { Result } from "./types.ts";

const TIMES = 3;

/** Creates a database of the bench's owner, with a version table and the SQL's objects. */
export async function filled(bench: Bench, sql: string): Promise<Database> {
  const database = await bench.empty();
  bench.progress(`filling ${database.name}`);
  await database.asSuperuser((session) => session.exec("CREATE EXTENSION IF NOT EXISTS vector"));
  await database.asOwner(async (session) => {
    await session.exec(
      "CREATE SCHEMA IF NOT EXISTS public; CREATE TABLE versions (version text PRIMARY KEY)",
    );
    await session.exec("INSERT INTO versions VALUES ('1')");
    await session.exec(sql);
    await session.exec("GRANT SELECT ON ALL TABLES IN SCHEMA public TO v2_app");
  });
  await database.asSuperuser(async (session) => {
    await session.exec(`ALTER DATABASE ${database.name} SET max_parallel_workers_per_gather = 0`);
    await session.exec("VACUUM (ANALYZE)");
    await session.exec("CHECKPOINT");
  });
  return database;
}

/** Each build's median run, and all runs. */
export interface Runs {
  before: WholeRun;
  now: WholeRun;
  all: Readonly<Record<Build["name"], readonly WholeRun[]>>;
}

/**
 * Runs both builds in turns. Returns each build's run with the median downtime.
 * @param restMs pause before each run
 */
export async function sideBySide(
  bench: Bench,
  builds: Builds,
  plan: SmallPlan | typeof BUNDLED,
  database: Database,
  restMs = 0,
): Promise<Runs> {
  const all: Record<Build["name"], WholeRun[]> = { before: [], now: [] };
  for (let time = 0; time < TIMES; time++)
    for (const build of [builds.before, builds.now]) {
      await sleep(restMs);
      bench.progress(`a whole run by the build ${build.name} (${time + 1} of ${TIMES})`);
      const run = await wholeRun(build, plan, database.url);
      if (run.end !== "Succeeded") throw new Error(`The build ${build.name} ended ${run.end}: ${run.cause}`);
      all[build.name].push(run);
    }
  return { before: middle(all.before), now: middle(all.now), all };
}

const middle = (runs: readonly WholeRun[]): WholeRun =>
  [...runs].sort((a, b) => a.downtime - b.downtime)[Math.floor(runs.length / 2)] as WholeRun;

/** A line of the table about seconds. */
export function timesFaster(
  what: string,
  { before, now, all }: Runs,
  of: (run: WholeRun) => number,
  times: number,
): Result {
  return {
    what,
    asWritten: `${duration(of(before) * 1000)} (build before)`,
    ours: duration(of(now) * 1000),
    ratio: of(before) / of(now),
    target: `at most 1/${times}`,
    reached: of(now) * times <= of(before),
    figures: { all },
  };
}

/** A line of the table about a number of things. */
export function timesLess(
  what: string,
  { before, now }: Runs,
  of: (run: WholeRun) => number,
  times: number,
): Result {
  return {
    what,
    asWritten: `${count(of(before))} (build before)`,
    ours: count(of(now)),
    ratio: of(before) / of(now),
    target: `at most 1/${times}`,
    reached: of(now) * times <= of(before),
    figures: {},
  };
}
