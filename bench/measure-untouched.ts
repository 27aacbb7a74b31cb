import { type Builds, FORMER, type SmallPlan, withBuilds } from "./builds.ts";
import type { Bench, Database } from "./harness.ts";
import { filled, sideBySide, timesFaster, timesLess } from "./side-by-side.ts";
import { count, duration, median, timed } from "./stats.ts";
import type { Measurement, Result } from "./types.ts";

const TIMES = 3;

/**
 * On ext4 without a journal, creating files searches past those deleted within the last minute. A run ends
 * by dropping thousands of files, which must not slow the next one.
 */
const REST_MS = 65_000;

/** A migration that touches only a new table. */
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

/** Measures the proof of untouched tables, in whole runs of this build and of the last one without row versions. */
export const untouched: Measurement = {
  name: "untouched",
  measure: (bench) =>
    withBuilds(FORMER.rowVersions, async (builds) => [
      ...(await largeTable(bench, builds)),
      ...(await outOfLine(bench, builds)),
      ...(await smallTables(bench, builds)),
    ]),
};

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
    // The time of both states with an empty table: catalog, sequences, evidence.
    const empty = await sideBySide(bench, builds, ELSEWHERE, database);
    const before = runs.before.recordAndProof - empty.before.recordAndProof;
    // Two runs always differ by some milliseconds.
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
    const runs = await sideBySide(bench, builds, indexed("small_1"), database, REST_MS);
    const what = `downtime of "add a column, index concurrently" on one of ${count(tables)} tables of 10 rows`;
    return [
      timesFaster(what, runs, ({ downtime }) => downtime, 5),
      {
        ...timesLess("the same: files of evidence", runs, ({ files }) => files, 20),
        note: `${count(runs.before.bytes)} and ${count(runs.now.bytes)} bytes`,
      },
    ];
  } finally {
    await bench.drop(database);
  }
}

/** Returns the milliseconds of a serial count. */
async function countOf(database: Database, table: string): Promise<number> {
  return await database.asOwner(async (session) => {
    const times = [];
    for (let time = 0; time < TIMES; time++)
      times.push((await timed(() => session.query(`SELECT count(*) FROM ${table}`))).ms);
    return median(times);
  });
}
