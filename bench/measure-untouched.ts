import { type Build, type SmallPlan, type WholeRun, wholeRun, withBuilds } from "./builds.ts";
import type { Bench, Database } from "./harness.ts";
import { count, duration, median, timed } from "./stats.ts";
import type { Measurement, Result } from "./types.ts";

const TIMES = 3;

/** Leaves every table alone but a new one. */
const ELSEWHERE: SmallPlan = {
  migrate: "CREATE TABLE elsewhere (id int PRIMARY KEY);\n",
  rollback: "DROP TABLE IF EXISTS elsewhere;\n",
};

const indexed = (table: string): SmallPlan => ({
  migrate: `-- sluice: step "a column"
ALTER TABLE ${table} ADD COLUMN added text;

-- sluice: step "an index" outside transaction
CREATE INDEX CONCURRENTLY ${table}_at ON ${table} (at);
`,
  rollback: `DROP INDEX IF EXISTS ${table}_at;
ALTER TABLE ${table} DROP COLUMN IF EXISTS added;
`,
});

/** What the proof of what nobody touched costs, in whole runs of this build and of the one before row versions. */
export const untouched: Measurement = {
  name: "untouched",
  measure: (bench) =>
    withBuilds(async (builds) => [
      ...(await largeTable(bench, builds)),
      ...(await outOfLine(bench, builds)),
      ...(await smallTables(bench, builds)),
    ]),
};

type Builds = { before: Build; now: Build };

async function largeTable(bench: Bench, builds: Builds): Promise<Result[]> {
  const rows = bench.sizes.untouchedRows;
  const database = await filled(
    bench,
    `CREATE TABLE large (id bigint PRIMARY KEY, name text, settings jsonb, at timestamptz);
     INSERT INTO large SELECT n, 'name ' || n, jsonb_build_object('n', n, 'even', n % 2 = 0), now() - n * interval '1 s'
       FROM generate_series(1, ${rows}) n`,
  );
  try {
    const counted = await countOf(database, "large");
    const elsewhere = await sideBySide(bench, builds, ELSEWHERE, database);
    const column = await sideBySide(bench, builds, indexed("large"), database);
    const what = `an untouched table of ${count(rows)} rows: record and proof together, serial`;
    return [
      timesFaster(what, elsewhere, ({ recordAndProof }) => recordAndProof, 5),
      {
        what: "the same, against one SELECT count(*) of it, serial",
        asWritten: duration(counted),
        ours: duration(elsewhere.now.recordAndProof * 1000),
        ratio: (elsewhere.now.recordAndProof * 1000) / counted,
        target: "at most 3.5 times",
        reached: (elsewhere.now.recordAndProof * 1000) / counted <= 3.5,
        figures: {},
      },
      timesFaster(
        `downtime of "add a column, index concurrently" on ${count(rows)} rows, less the steps' own time`,
        column,
        ({ downtime, steps }) => downtime - steps,
        3,
      ),
    ];
  } finally {
    await bench.drop(database);
  }
}

async function outOfLine(bench: Bench, builds: Builds): Promise<Result[]> {
  const rows = bench.sizes.outOfLineRows;
  const database = await filled(
    bench,
    `CREATE TABLE wide (id bigint PRIMARY KEY, embedding vector(768));
     ALTER TABLE wide ALTER COLUMN embedding SET STORAGE EXTERNAL;
     INSERT INTO wide SELECT n, (SELECT array_agg(random() + 0 * n + 0 * i) FROM generate_series(1, 768) i)::vector
       FROM generate_series(1, ${rows}) n`,
  );
  try {
    const runs = await sideBySide(bench, builds, ELSEWHERE, database);
    await database.asOwner((session) => session.exec("TRUNCATE wide"));
    // What both states take where there is nothing in the table: the catalog, sequences, evidence.
    const empty = await sideBySide(bench, builds, ELSEWHERE, database);
    const before = runs.before.recordAndProof - empty.before.recordAndProof;
    // Two runs differ by some milliseconds whatever they read.
    const now = Math.max(0.01, runs.now.recordAndProof - empty.now.recordAndProof);
    const what = `the same with ${count(rows)} rows of 3 KB stored out of line`;
    return [
      {
        what: `${what}, less the same of an empty table`,
        asWritten: `${duration(before * 1000)} (build before)`,
        ours: duration(now * 1000),
        ratio: before / now,
        target: "at most 1/20",
        reached: now * 20 <= before,
        note: `whole, and of an empty table: ${duration(runs.before.recordAndProof * 1000)} and ${duration(empty.before.recordAndProof * 1000)} before, ${duration(runs.now.recordAndProof * 1000)} and ${duration(empty.now.recordAndProof * 1000)} now`,
        figures: { all: { runs: runs.all, empty: empty.all } },
      },
    ];
  } finally {
    await bench.drop(database);
  }
}

async function smallTables(bench: Bench, builds: Builds): Promise<Result[]> {
  const tables = bench.sizes.smallTables;
  const database = await filled(
    bench,
    `DO $$ BEGIN FOR n IN 1..${tables} LOOP
       EXECUTE format('CREATE TABLE small_%s (id int PRIMARY KEY, note text, at timestamptz)', n);
       EXECUTE format('INSERT INTO small_%s SELECT i, ''note'', now() FROM generate_series(1, 10) i', n);
     END LOOP; END $$`,
  );
  try {
    const runs = await sideBySide(bench, builds, indexed("small_1"), database);
    const what = `downtime of "add a column, index concurrently" on one of ${count(tables)} tables of 10 rows`;
    return [
      timesFaster(what, runs, ({ downtime }) => downtime, 5),
      {
        what: "the same: files of evidence",
        asWritten: `${count(runs.before.files)} (build before)`,
        ours: count(runs.now.files),
        ratio: runs.before.files / runs.now.files,
        target: "at most 1/20",
        reached: runs.now.files * 20 <= runs.before.files,
        note: `${count(runs.before.bytes)} and ${count(runs.now.bytes)} bytes`,
        figures: {},
      },
    ];
  } finally {
    await bench.drop(database);
  }
}

/** A database of the bench's owner with a version table and whatever the SQL makes. */
async function filled(bench: Bench, sql: string): Promise<Database> {
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

/** Milliseconds of a serial count. */
async function countOf(database: Database, table: string): Promise<number> {
  return await database.asOwner(async (session) => {
    const times = [];
    for (let time = 0; time < TIMES; time++)
      times.push((await timed(() => session.query(`SELECT count(*) FROM ${table}`))).ms);
    return median(times);
  });
}

/** Runs in turns; of each build the run whose downtime is the median. */
async function sideBySide(
  bench: Bench,
  builds: Builds,
  plan: SmallPlan,
  database: Database,
): Promise<{ before: WholeRun; now: WholeRun; all: Record<Build["name"], WholeRun[]> }> {
  const all: Record<Build["name"], WholeRun[]> = { before: [], now: [] };
  for (let time = 0; time < TIMES; time++)
    for (const build of [builds.before, builds.now]) {
      bench.progress(`a whole run by the build ${build.name} (${time + 1} of ${TIMES})`);
      const run = await wholeRun(build, plan, database.url);
      if (run.end !== "Succeeded") throw new Error(`The build ${build.name} ended ${run.end}: ${run.cause}`);
      all[build.name].push(run);
    }
  return { before: middle(all.before), now: middle(all.now), all };
}

const middle = (runs: readonly WholeRun[]): WholeRun =>
  [...runs].sort((a, b) => a.downtime - b.downtime)[Math.floor(runs.length / 2)] as WholeRun;

function timesFaster(
  what: string,
  { before, now, all }: { before: WholeRun; now: WholeRun; all: unknown },
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
