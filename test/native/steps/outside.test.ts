import { describe, expect, test } from "vitest";
import type { Session } from "../../../lambdas/shared/session.ts";
import { SLEEPING, useDatabase } from "./database.ts";

const db = useDatabase(
  `CREATE TABLE t (id int PRIMARY KEY, x int); INSERT INTO t SELECT n, n FROM generate_series(1, 1000) n;
   CREATE FUNCTION slow(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM pg_sleep(0.003); RETURN $1; END $$`,
);
const INDEX = '-- sluice: step "i" outside transaction\nCREATE INDEX CONCURRENTLY i ON t (x);';
const SLOW_INDEX = INDEX.replace("(x)", "(slow(x))");

const indexes = () =>
  db.query(
    "SELECT indexrelid::regclass::text AS index, indisvalid AS valid FROM pg_index WHERE indrelid = 't'::regclass AND NOT indisprimary ORDER BY 1",
  );
const invalid = (name: string) =>
  db.connected((s) =>
    s.exec(`CREATE INDEX ${name} ON t (x);
            UPDATE pg_index SET indisvalid = false WHERE indexrelid = '${name}'::regclass`),
  );

/** Opens a session with an old snapshot, whose transaction has not ended. */
async function withOldSnapshot(work: (holder: Session, pid: number) => Promise<void>): Promise<void> {
  await db.query("CREATE TABLE unrelated ()");
  await db.connected(async (holder) => {
    await holder.exec("BEGIN ISOLATION LEVEL REPEATABLE READ");
    const [me] = await holder.query<{ pid: number }>(
      "SELECT pg_backend_pid() AS pid FROM (SELECT count(*) FROM unrelated) AS u",
    );
    await work(holder, me?.pid ?? 0);
  });
}

describe("an index that is built concurrently", () => {
  test("and was left invalid, also by a REINDEX, is dropped and built again", async () => {
    await invalid("i");
    await invalid("i_ccnew");
    await invalid("i_ccnew1");
    await db.apply(INDEX);
    expect(await indexes()).toEqual([{ index: "i", valid: true }]);
    expect(await db.done()).toEqual(["i"]);
  });

  test("touches no invalid index of another name or in another schema", async () => {
    await invalid("other");
    await db.query("CREATE SCHEMA s");
    await db.connected((s) =>
      s.exec(
        "CREATE TABLE s.t (x int); CREATE INDEX i ON s.t (x); UPDATE pg_index SET indisvalid = false WHERE indexrelid = 's.i'::regclass",
      ),
    );
    await db.apply(INDEX);
    expect(await indexes()).toEqual([
      { index: "i", valid: true },
      { index: "other", valid: false },
    ]);
    expect(await db.query("SELECT to_regclass('s.i') IS NOT NULL AS there")).toEqual([{ there: true }]);
  });

  test("and which a former worker's statement has built is done, and not built again", async () => {
    const first = db.work(SLOW_INDEX, { livesMs: 6_000 });
    expect(await first.steps).toBeUndefined();
    const [before] = await db.query("SELECT oid::int FROM pg_class WHERE relname = 'i'");
    expect(await db.apply(SLOW_INDEX)).toMatchObject([{ name: "i", gaveWay: 0 }]);
    expect(await db.query("SELECT oid::int FROM pg_class WHERE relname = 'i'")).toEqual([before]);
    expect(await indexes()).toEqual([{ index: "i", valid: true }]);
  });

  test("and is there already, from somebody else, is refused; with IF NOT EXISTS it is taken as it is", async () => {
    await db.connected((s) => s.exec("CREATE INDEX i ON t (id)"));
    await expect(db.apply(INDEX)).rejects.toMatchObject({
      name: "StepFailed",
      message: expect.stringMatching(/m\.sql:1: .* index i already exists/),
    });
    await db.apply(INDEX.replace("CONCURRENTLY", "CONCURRENTLY IF NOT EXISTS"), { key: { run: "r2" } });
    expect(await db.query("SELECT pg_get_indexdef('i'::regclass) AS is")).toEqual([
      { is: expect.stringContaining("(id)") },
    ]);
  });

  test("whose session is ended half-way is built again by the next worker", async () => {
    const first = db.apply(SLOW_INDEX).catch((error: unknown) => error);
    await db.until(SLEEPING);
    await db.query(`SELECT pg_terminate_backend(pid) FROM (${SLEEPING}) AS s`);
    expect(await first).toMatchObject({ name: "ConnectionLost" });
    expect(await indexes()).toEqual([{ index: "i", valid: false }]);
    await db.apply(INDEX.replace("(x)", "(slow(x))"));
    expect(await indexes()).toEqual([{ index: "i", valid: true }]);
  });

  test("that fails leaves no invalid index behind", async () => {
    await db.query("UPDATE t SET x = 1");
    await expect(db.apply(INDEX.replace("CREATE INDEX", "CREATE UNIQUE INDEX"))).rejects.toMatchObject({
      name: "StepFailed",
      message: expect.stringContaining("23505"),
    });
    expect(await indexes()).toEqual([]);
    expect(await db.query("SELECT outcome FROM sluice.step")).toEqual([{ outcome: "failed" }]);
  });

  test("waits for an older transaction beyond any lock timeout, and names it", async () => {
    await withOldSnapshot(async (holder, pid) => {
      const { steps, ports } = db.work(INDEX);
      await db.until(
        "SELECT FROM pg_stat_progress_create_index WHERE current_locker_pid <> 0 AND datname = current_database()",
      );
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      await holder.exec("COMMIT");
      const [step] = (await steps) ?? [];
      expect(step?.gaveWay).toBe(0);
      expect(step?.waits.at(-1)).toMatchObject({ relation: null, blockers: [{ pid, user: "postgres" }] });
      expect(ports.lines.join("\n")).toMatch(
        new RegExp(
          `waiting [\\d.]+ s for older transactions, held up by pid ${pid} of postgres \\(idle in transaction, .* s: SELECT`,
        ),
      );
    });
    expect(await indexes()).toEqual([{ index: "i", valid: true }]);
  });

  test("fails after a limit with the name of the older transaction, and leaves nothing", async () => {
    await withOldSnapshot(async (holder, pid) => {
      await expect(db.apply(INDEX, { concurrentWaitMs: 700 })).rejects.toMatchObject({
        name: "StepFailed",
        message: expect.stringMatching(
          new RegExp(`waited \\d+ s for older transactions to end, held up by pid ${pid} of postgres`),
        ),
      });
      expect(await indexes()).toEqual([]);
      await holder.exec("COMMIT");
    });
  });

  test("fails after that limit also where a former worker's statement waits", async () => {
    await withOldSnapshot(async (holder, pid) => {
      const first = db.work(INDEX, { livesMs: 5_400, concurrentWaitMs: 1_500 });
      expect(await first.steps).toBeUndefined();
      await expect(db.apply(INDEX, { concurrentWaitMs: 1_500 })).rejects.toMatchObject({
        name: "StepFailed",
        message: expect.stringContaining(`held up by pid ${pid} of postgres`),
      });
      expect(await indexes()).toEqual([]);
      await holder.exec("COMMIT");
    });
  });
});

describe("another statement outside a transaction", () => {
  test("REINDEX drops what a broken off one left, and leaves one valid index", async () => {
    await db.connected((s) => s.exec("CREATE INDEX i ON t (x)"));
    await invalid("i_ccnew");
    await invalid("i_ccold");
    await db.apply('-- sluice: step "r" outside transaction\nREINDEX INDEX CONCURRENTLY i;');
    expect(await indexes()).toEqual([{ index: "i", valid: true }]);
    await invalid("i_ccnew");
    await db.apply('-- sluice: step "r" outside transaction\nREINDEX TABLE CONCURRENTLY t;', {
      key: { run: "r2" },
    });
    expect(await indexes()).toEqual([{ index: "i", valid: true }]);
  });

  test("gives way to a lock where it would hold others up", async () => {
    await db.query("CREATE MATERIALIZED VIEW m AS SELECT * FROM t");
    await db.connected(async (holder) => {
      await holder.exec("BEGIN; LOCK TABLE m IN ACCESS SHARE MODE").catch(() => undefined);
      await holder.exec("ROLLBACK; BEGIN; SELECT count(*) FROM m");
      const applied = db.apply('-- sluice: step "m" outside transaction\nREFRESH MATERIALIZED VIEW m;');
      await db.until("SELECT FROM sluice.step WHERE gave_way > 1");
      await holder.exec("COMMIT");
      expect((await applied)?.[0]?.gaveWay).toBeGreaterThan(1);
    });
  });
});
