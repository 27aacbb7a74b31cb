import { expect, test } from "vitest";
import { SLEEPING, useDatabase } from "./database.ts";

const db = useDatabase(`CREATE DOMAIN positive AS int CHECK (VALUE > 0);
  CREATE TABLE t (id int PRIMARY KEY, x int); INSERT INTO t SELECT n, n FROM generate_series(1, 1000) n`);

test("a column of a domain with a CHECK rewrites its table, which is noticed and how long it was locked measured", async () => {
  const steps = await db.apply(`-- sluice: step "a"\nALTER TABLE t ADD y positive;\nSELECT pg_sleep(0.2);`, {
    noticesRewrites: true,
  });
  expect(steps?.[0]?.rewrites).toEqual({ tables: ["public.t"], meant: false });
  const lock = steps?.[0]?.locks.find(({ mode }) => mode === "AccessExclusiveLock");
  expect(lock?.relation).toBe("t");
  expect(lock?.seconds).toBeGreaterThanOrEqual(0.2);
});

test("a rewrite is noticed even if its worker was gone before the step's end", async () => {
  const sql = `-- sluice: step "a"\nDO $$ BEGIN EXECUTE 'ALTER TABLE t SET UNLOGGED'; END $$;\nSELECT pg_sleep(2);`;
  // A worker that must stop at once leaves its statement running.
  const first = db.work(sql, { livesMs: 5_500, noticesRewrites: true });
  await db.until(SLEEPING);
  expect(await first.steps).toBeUndefined();
  expect((await db.apply(sql, { noticesRewrites: true }))?.[0]?.rewrites?.tables).toEqual(["public.t"]);
});

test("looking for rewritten tables waits for no lock on the others", async () => {
  await db.query("CREATE TABLE other (id int)");
  await db.connected(async (session) => {
    await session.exec("BEGIN; LOCK TABLE other IN ACCESS EXCLUSIVE MODE");
    const steps = await db.apply(`-- sluice: step "a"\nALTER TABLE t ADD y positive;`, {
      noticesRewrites: true,
      lockTimeoutMs: 300,
      lockTries: 1,
    });
    expect(steps).toMatchObject([{ gaveWay: 0, rewrites: { tables: ["public.t"] } }]);
    await session.exec("ROLLBACK");
  });
});

test("VACUUM FULL outside a transaction and CLUSTER in one are noticed where they are meant", async () => {
  const steps = await db.apply(
    `-- sluice: step "a" rewrites\nCLUSTER t USING t_pkey;\n-- sluice: step "b" outside transaction rewrites\nVACUUM FULL t;`,
    { noticesRewrites: true },
  );
  expect(steps?.map(({ rewrites }) => rewrites)).toEqual([
    { tables: ["public.t"], meant: true },
    { tables: ["public.t"], meant: true },
  ]);
});
