import { describe, expect, test } from "vitest";
import { useDatabase } from "./database.ts";

const db = useDatabase(
  `CREATE EXTENSION vector;
   CREATE TABLE t (id int PRIMARY KEY, v vector(3));
   INSERT INTO t SELECT n, ARRAY[random(), random(), random()]::vector FROM generate_series(1, 20000) n;
   ANALYZE t`,
);
const BUILD =
  "CREATE INDEX CONCURRENTLY i ON t USING hnsw (v vector_l2_ops) WITH (m = 4, ef_construction = 16)";
const OUTSIDE = `-- sluice: step "i" outside transaction\n${BUILD};`;
const INSIDE = `-- sluice: step "i"\n${BUILD.replace("CONCURRENTLY ", "")};`;

const options = () => db.query("SELECT reloptions::text AS options FROM pg_class WHERE relname = 't'");
const WORKERS =
  "SELECT FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'parallel worker'";

describe.each([
  ["outside a transaction", OUTSIDE],
  ["in a transaction", INSIDE],
])("an HNSW index that is built %s", (_where, sql) => {
  test("gets parallel workers, and leaves the table's options as they were", async () => {
    const before = await options();
    const applied = db.apply(sql);
    await db.until(WORKERS);
    await applied;
    expect(await options()).toEqual(before);
  });

  test("keeps the number of workers that somebody has set for the table", async () => {
    await db.query("ALTER TABLE t SET (parallel_workers = 0, fillfactor = 90)");
    const before = await options();
    await db.apply(sql);
    expect(await options()).toEqual(before);
  });

  test("is built by one process where the server has no shared memory for workers, and reports it", async () => {
    // More than any machine can share. A build by one process takes only what it needs.
    await db.query(`ALTER DATABASE ${db.name} SET maintenance_work_mem = '2000GB'`);
    const before = await options();
    const [step] = (await db.apply(sql)) ?? [];
    expect(step?.notes).toEqual([expect.stringContaining("was built by one process")]);
    expect(await options()).toEqual(before);
    expect(
      await db.query("SELECT indisvalid AS valid FROM pg_index WHERE indexrelid = 'i'::regclass"),
    ).toEqual([{ valid: true }]);
  });

  test("warns beforehand when its graph does not fit into the memory that there is", async () => {
    await db.query("UPDATE pg_class SET reltuples = 1e8 WHERE relname = 't'");
    const { steps, ports } = db.work(sql);
    const [step] = (await steps) ?? [];
    expect(step?.notes).toEqual([
      expect.stringMatching(
        /graph of about [\d]+ MB \(100000000 rows, 3 dimensions\) does not fit into the available \d+ MB/,
      ),
    ]);
    expect(ports.lines).toContainEqual(expect.stringContaining("does not fit"));
  });
});

test("a table's options are put back by the next worker when the session is ended in the middle of a build", async () => {
  await db.query("ALTER TABLE t SET (fillfactor = 90)");
  const before = await options();
  const end = async () => {
    await db.until(WORKERS);
    expect(await options()).not.toEqual(before);
    await db.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'sluice migrate%' AND datname = current_database()",
    );
  };
  const first = db.apply(OUTSIDE).catch((error: unknown) => error);
  await end();
  expect(await first).toMatchObject({ name: "ConnectionLost" });
  await db.apply("DROP INDEX IF EXISTS i;", { key: { direction: "rollback" } });
  expect(await options()).toEqual(before);
});

test("memory and workers of one step are not the next one's", async () => {
  await db.apply(
    `${OUTSIDE}\n-- sluice: step "next"\nCREATE TABLE seen AS SELECT current_setting('maintenance_work_mem') AS memory;`,
  );
  const [server] = await db.query("SELECT current_setting('maintenance_work_mem') AS memory");
  expect(await db.query("SELECT memory FROM seen")).toEqual([server]);
});
