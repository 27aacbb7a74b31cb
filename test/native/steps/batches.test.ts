import { describe, expect, test } from "vitest";
import { SLEEPING, useDatabase } from "./database.ts";

const db = useDatabase(
  `CREATE TABLE t (a text, b int, n int NOT NULL DEFAULT 0, PRIMARY KEY (a, b));
   INSERT INTO t (a, b) SELECT CASE WHEN n % 3 = 0 THEN 'it''s' ELSE 'é' END, n FROM generate_series(1, 5000) n;
   ANALYZE t`,
);
const COUNT_UP = '-- sluice: step "up" in batches\nUPDATE t SET n = n + 1 WHERE b > 0 OR b < 0 -- all\n;';
const counts = () => db.query("SELECT n, count(*)::int AS rows FROM t GROUP BY 1 ORDER BY 1");

describe("a step in batches", () => {
  test("does every row once, in several batches, by a key of two columns", async () => {
    const [step] = (await db.apply(COUNT_UP)) ?? [];
    expect(step).toMatchObject({ rows: 5000 });
    expect(await counts()).toEqual([{ n: 1, rows: 5000 }]);
    const [row] = await db.query<{ batches: number }>(
      "SELECT (checkpoint ->> 'batches')::int AS batches FROM sluice.step",
    );
    expect(row?.batches).toBeGreaterThan(2);
  });

  test("continues from its last batch when its session is ended in the middle of one", async () => {
    await db.connected((s) =>
      s.exec(`CREATE FUNCTION nap() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN IF NEW.b = 4000 THEN PERFORM pg_sleep(1); END IF; RETURN NEW; END $$;
              CREATE TRIGGER nap BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION nap()`),
    );
    const first = db.apply(COUNT_UP).catch((error: unknown) => error);
    await db.until(SLEEPING);
    await db.query(`SELECT pg_terminate_backend(pid) FROM (${SLEEPING}) AS s`);
    expect(await first).toMatchObject({ name: "ConnectionLost" });
    const [done] = await db.query<{ rows: number }>("SELECT rows::int AS rows FROM sluice.step");
    expect(done?.rows).toBeGreaterThan(0);
    expect(await counts()).toEqual([
      { n: 0, rows: 5000 - (done?.rows ?? 0) },
      { n: 1, rows: done?.rows },
    ]);
    expect(await db.apply(COUNT_UP)).toMatchObject([{ rows: 5000 }]);
    expect(await counts()).toEqual([{ n: 1, rows: 5000 }]);
  });

  test("stops when its worker's time is over, and the next worker continues", async () => {
    await db.query(
      "CREATE FUNCTION slow(int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.0005); RETURN $1; END $$",
    );
    const sql = COUNT_UP.replace("n + 1", "slow(n) + 1");
    expect(await db.apply(sql, { livesMs: 5_700 })).toBeUndefined();
    const next = db.work(sql);
    expect(await next.steps).toMatchObject([{ rows: 5000 }]);
    expect(await counts()).toEqual([{ n: 1, rows: 5000 }]);
    expect(next.ports.lines).toContainEqual(expect.stringMatching(/up: batch \d+, \d+ of about 5000 rows/));
  });

  test("gives way to a row that somebody holds, a batch at a time", async () => {
    await db.connected(async (holder) => {
      await holder.exec("BEGIN; UPDATE t SET n = n WHERE b = 2999");
      const applied = db.apply(COUNT_UP);
      await db.until("SELECT FROM sluice.step WHERE gave_way > 1 AND rows > 0");
      await holder.exec("COMMIT");
      expect((await applied)?.[0]?.gaveWay).toBeGreaterThan(1);
    });
    expect(await counts()).toEqual([{ n: 1, rows: 5000 }]);
  });

  test("waits while the table is vacuumed, and reports it", async () => {
    await db.query("ALTER TABLE t SET (autovacuum_enabled = off)");
    // Slow enough to be seen.
    const vacuum = db.connected(async (s) => {
      await s.exec("SET vacuum_cost_delay = 50; SET vacuum_cost_limit = 1");
      await s.exec("VACUUM t");
    });
    await db.until("SELECT FROM pg_stat_progress_vacuum WHERE relid = 't'::regclass");
    const { steps, ports } = db.work(COUNT_UP);
    await steps;
    await vacuum;
    expect(ports.lines).toContain("up: paused, t is being vacuumed");
    expect(await counts()).toEqual([{ n: 1, rows: 5000 }]);
  });

  test("deletes as well, and needs no condition", async () => {
    expect(await db.apply('-- sluice: step "gone" in batches\nDELETE FROM t AS x;')).toMatchObject([
      { rows: 5000 },
    ]);
    expect(await counts()).toEqual([]);
  });

  test("of an empty table is done", async () => {
    await db.query("TRUNCATE t");
    expect(await db.apply(COUNT_UP)).toMatchObject([{ rows: 0 }]);
  });

  test.each([
    [
      "has no primary key for the batches to follow",
      "CREATE TABLE u AS SELECT * FROM t",
      "UPDATE u SET n = 1",
    ],
    [
      "has no primary key for the batches to follow, or does not exist",
      "SELECT 1",
      "UPDATE nowhere SET n = 1",
    ],
    ["it sets b, which the batches follow", "SELECT 1", "UPDATE t SET b = b + 1"],
  ])("is refused where it %s", async (reason, setUp, sql) => {
    await db.query(setUp);
    await expect(db.apply(`-- sluice: step "a" in batches\n${sql};`)).rejects.toMatchObject({
      name: "StepFailed",
      message: expect.stringContaining(reason),
    });
  });

  test("points to the place of a mistake, on either side of its WHERE", async () => {
    for (const [sql, line] of [
      ["UPDATE t SET n = nowhere\nWHERE b > 1", 2],
      ["UPDATE t SET n = 1\nWHERE b > 1 AND\n  nowhere", 4],
    ] as const)
      await expect(
        db.apply(`-- sluice: step "a" in batches\n${sql};`, { key: { run: sql } }),
      ).rejects.toThrow(new RegExp(`^m\\.sql:${line}: .*nowhere(.|\\n)*\\^`));
  });
});
