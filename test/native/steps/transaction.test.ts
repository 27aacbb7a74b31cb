import { describe, expect, test } from "vitest";
import { endFormerWorkers } from "../../../lambdas/migrate/step-lock.ts";
import { memoryPorts } from "../../support/ports.ts";
import { KEY, SLEEPING, useDatabase } from "./database.ts";

const db = useDatabase(
  "CREATE TABLE t (id int PRIMARY KEY, x int); INSERT INTO t SELECT n, n FROM generate_series(1, 1000) n",
);
const SLEEPER = '-- sluice: step "a"\nCREATE TABLE a ();\nSELECT pg_sleep(30);';

describe("a step", () => {
  test("that fails leaves nothing of itself, and those before it stay done", async () => {
    const sql =
      '-- sluice: step "a"\nCREATE TABLE a ();\n-- sluice: step "b"\nCREATE TABLE b ();\nSELECT 1 / 0;';
    await expect(db.apply(sql)).rejects.toMatchObject({
      name: "StepFailed",
      message: expect.stringContaining("m.sql:5"),
    });
    expect(await db.done()).toEqual(["a"]);
    expect(await db.query("SELECT outcome, error FROM sluice.step WHERE name = 'b'")).toEqual([
      { outcome: "failed", error: expect.stringContaining("division by zero (22012)") },
    ]);
    expect(await db.query("SELECT to_regclass('a')::text AS a, to_regclass('b')::text AS b")).toEqual([
      { a: "a", b: null },
    ]);
  });

  test("points to the place of a mistake in its file, in a query too", async () => {
    for (const [sql, place] of [
      [
        "CREATE TABLE b ();\nSELECT x,\n  nowhere FROM t;",
        "m.sql:4: .*nowhere.*\n +4 \\|   nowhere FROM t\n +\\^",
      ],
      [
        "ALTER TABLE t ADD COLUMN z integr;",
        "m.sql:2: .*integr.*\n +2 \\| ALTER TABLE t ADD COLUMN z integr\n +\\^",
      ],
      // If a statement does not parse, the server runs nothing of the message.
      [
        "CREATE TABLE b ();\nSELECT '\u{1f680}\u{1f680}';\n-- \u{1f680}\nSELECT 'ü\u{1f680}',\n  1 FORM t, u;",
        "m.sql:6: .*syntax error.*\n +6 \\|   1 FORM t, u;?\n +\\^",
      ],
    ])
      await expect(db.apply(`-- sluice: step "a"\n${sql}`, { key: { run: String(sql) } })).rejects.toThrow(
        new RegExp(String(place)),
      );
  });

  test("whose session is ended half-way is done again, once", async () => {
    const first = db.apply(SLEEPER).catch((error: unknown) => error);
    await db.until(SLEEPING);
    await db.query(`SELECT pg_terminate_backend(pid) FROM (${SLEEPING}) AS s`);
    expect(await first).toMatchObject({ name: "ConnectionLost" });
    expect(await db.query("SELECT to_regclass('a')::text AS a")).toEqual([{ a: null }]);
    await db.apply('-- sluice: step "a"\nCREATE TABLE a ();');
    expect(await db.done()).toEqual(["a"]);
  });

  test("gives way to a lock, lets readers through between its tries, and then succeeds", async () => {
    let applied: ReturnType<typeof db.apply> | undefined;
    await db.connected(async (holder) => {
      await holder.exec("BEGIN; LOCK TABLE t IN ACCESS SHARE MODE");
      applied = db.apply('-- sluice: step "a"\nALTER TABLE t ADD COLUMN y int;');
      await db.connected(async (reader) => {
        // A reader waits at most as long as the step's own wait, which ends with its lock timeout.
        await reader.exec("SET statement_timeout = '5s'");
        for (let n = 0; n < 20; n++) {
          await reader.query("SELECT count(*) FROM t");
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      });
      await holder.exec("COMMIT");
    });
    const [step] = (await applied) ?? [];
    expect(step?.gaveWay).toBeGreaterThan(0);
  });

  test("reports which session held it up: pid, user, since when, on what", async () => {
    await db.connected(async (holder) => {
      await holder.exec("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE");
      const [me] = await holder.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
      const { steps, ports } = db.work('-- sluice: step "a"\nALTER TABLE t ADD COLUMN y int;', {
        lockTimeoutMs: 600,
      });
      await db.until("SELECT FROM sluice.step WHERE gave_way > 0");
      await holder.exec("COMMIT");
      const [step] = (await steps) ?? [];
      expect(step?.waits[0]).toMatchObject({
        relation: "t",
        mode: "AccessExclusiveLock",
        blockers: [{ pid: me?.pid, user: "postgres", queryStart: expect.any(String) }],
      });
      expect(ports.lines.join("\n")).toMatch(
        new RegExp(`held up by pid ${me?.pid} of postgres \\(idle in transaction`, "i"),
      );
    });
  });

  test("never waits without a limit, also not at its last try, and names who held it up", async () => {
    await db.connected(async (holder) => {
      await holder.exec("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE");
      await expect(
        db.apply('-- sluice: step "a"\nALTER TABLE t ADD COLUMN y int;', {
          lockTries: 2,
          lockTimeoutMs: 600,
        }),
      ).rejects.toMatchObject({
        name: "LockTimeout",
        message: expect.stringMatching(
          /m\.sql:1: step "a" gave way 2 times: .*Held up by pid \d+ of postgres/,
        ),
      });
      await holder.exec("ROLLBACK");
    });
  });

  test("does not give way again to what is no lock", async () => {
    await expect(db.apply('-- sluice: step "a"\nINSERT INTO t VALUES (1, 1);')).rejects.toMatchObject({
      name: "StepFailed",
      message: expect.stringContaining("23505"),
    });
    expect(await db.query("SELECT gave_way FROM sluice.step")).toEqual([{ gave_way: 0 }]);
  });

  test("is the victim of a deadlock once, and then done", async () => {
    await db.query("CREATE TABLE u ()");
    await db.connected(async (other) => {
      await other.exec("SET deadlock_timeout = '10s'; BEGIN; LOCK TABLE u IN ACCESS EXCLUSIVE MODE");
      const applied = db.apply(
        '-- sluice: step "a"\nSET LOCAL deadlock_timeout = 50;\nLOCK TABLE t IN ACCESS EXCLUSIVE MODE;\nLOCK TABLE u IN ACCESS EXCLUSIVE MODE;',
        { lockTimeoutMs: 5_000 },
      );
      await db.until("SELECT FROM pg_locks WHERE NOT granted AND relation = 'u'::regclass");
      await other.exec("LOCK TABLE t IN ACCESS SHARE MODE; COMMIT");
      expect((await applied)?.[0]).toMatchObject({ gaveWay: 1 });
    });
  });

  test("that takes longer than its run may take is ended by the server", async () => {
    await expect(db.apply(SLEEPER, { limitMinutes: 0.005 })).rejects.toMatchObject({
      name: "StepFailed",
      message: expect.stringContaining("statement timeout"),
    });
  });

  test("reports what it did: rows, WAL, growth, and the longest lock that others would have waited for", async () => {
    const steps = await db.apply(
      [
        '-- sluice: step "rows"\nUPDATE t SET x = x + 1 WHERE id <= 300;\nDELETE FROM t WHERE id > 900;',
        '-- sluice: step "lock"\nALTER TABLE t ADD COLUMN y int;\nSELECT pg_sleep(0.3);\nLOCK TABLE t;\nCREATE TABLE own ();',
        '-- sluice: step "index"\nCREATE INDEX i ON t (x);',
        '-- sluice: step "any"\nDO $$ BEGIN INSERT INTO t SELECT generate_series(2001, 2005), 1; END $$;',
      ].join("\n"),
    );
    const [rows, lock, index, any] = steps ?? [];
    expect(rows).toMatchObject({ rows: 400, locks: [] });
    expect(rows?.walBytes).toBeGreaterThan(10_000);
    expect(lock?.locks).toEqual([
      { relation: "t", mode: "AccessExclusiveLock", seconds: expect.any(Number) },
    ]);
    expect(lock?.locks[0]?.seconds).toBeGreaterThan(0.3);
    expect(index).toMatchObject({ rows: 0, locks: [{ relation: "t", mode: "ShareLock" }] });
    expect(index?.sizeBytes).toBeGreaterThan(8192);
    expect(any?.rows).toBe(5);
  });

  test("yields rows to nobody, however many its queries have, and still computes them all", async () => {
    await db.apply(
      "-- sluice: step \"a\"\nCREATE SEQUENCE s;\nSELECT nextval('s'), repeat('x', 1000) FROM generate_series(1, 50000);",
    );
    expect(await db.query("SELECT last_value::int AS last FROM s")).toEqual([{ last: 50_000 }]);
  });

  test("takes over what a SET of an earlier step set, also in another session, as psql would", async () => {
    await db.query("CREATE SCHEMA other");
    const sql = '-- sluice: step "a"\nSET search_path TO other;\n-- sluice: step "b"\nCREATE TABLE made ();';
    const began = db.work(sql, { livesMs: 5_050 });
    await began.steps;
    await db.apply(sql);
    expect(await db.query("SELECT to_regclass('other.made')::text AS made")).toEqual([
      { made: "other.made" },
    ]);
  });

  test("may take on a role for itself, which has no right to the ledger", async () => {
    const role = `role_${db.name}`;
    await db.query(`CREATE ROLE ${role}`);
    await db.query(`GRANT CREATE ON SCHEMA public TO ${role}`);
    try {
      await db.apply(
        `-- sluice: step "a"\nSET LOCAL ROLE ${role};\nCREATE TABLE made ();\nCREATE TABLE made2 ();`,
      );
      expect(await db.query("SELECT tableowner AS owner FROM pg_tables WHERE tablename = 'made'")).toEqual([
        { owner: role },
      ]);
      expect(await db.done()).toEqual(["a"]);
    } finally {
      await db.connected((s) => s.exec(`DROP OWNED BY ${role}; DROP ROLE ${role}`));
    }
  });
});

describe("a former worker", () => {
  test("whose statement still runs is watched, and nothing runs beside it", async () => {
    const sql = '-- sluice: step "a"\nSELECT pg_sleep(2);\nCREATE TABLE a ();';
    const first = db.apply(sql);
    await db.until(SLEEPING);
    const second = db.work(sql);
    expect(await second.steps).toHaveLength(1);
    expect(await first).toHaveLength(1);
    expect(second.ports.lines).toContainEqual(
      expect.stringContaining("A former worker's statement still runs"),
    );
  });

  test("of the migration that is being rolled back is ended, and its work undone", async () => {
    const first = db.apply(SLEEPER).catch((error: unknown) => error);
    await db.until(SLEEPING);
    await db.apply("DROP TABLE IF EXISTS a;", { key: { direction: "rollback" } });
    expect(await first).toMatchObject({ name: "ConnectionLost" });
    expect(await db.query("SELECT to_regclass('a')::text AS a")).toEqual([{ a: null }]);
  });

  test("whose work could be committed after a look into the ledger is ended before the look", async () => {
    const first = db.apply(SLEEPER.replace("30", "1")).catch((error: unknown) => error);
    await db.until(SLEEPING);
    expect(await db.connected((s) => endFormerWorkers(s, memoryPorts(), KEY.run))).toBe(true);
    expect(await first).toMatchObject({ name: "ConnectionLost" });
    expect(await db.query("SELECT to_regclass('a')::text AS a")).toEqual([{ a: null }]);
  });

  test("that has ended leaves the lock free, and so does one that failed", async () => {
    await db.connected(async (s) => {
      const free = () =>
        s.query(
          "SELECT FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        );
      await db.apply("SELECT 1;");
      await expect(db.apply("SELECT 1 / 0;", { key: { version: "002" } })).rejects.toMatchObject({
        name: "StepFailed",
      });
      expect(await free()).toEqual([]);
    });
  });

  test("of another run is left alone, and the newcomer refused by name", async () => {
    const first = db.apply(SLEEPER.replace("30", "2"));
    await db.until(SLEEPING);
    await expect(db.apply(SLEEPER, { key: { run: "another" } })).rejects.toMatchObject({
      name: "RunLocked",
      message: expect.stringMatching(/pid \d+ \(sluice migrate 001 /),
    });
    expect(await first).toHaveLength(1);
  });
});

test("a schema named as the ledger that is somebody else's is refused and not touched", async () => {
  await db.query("CREATE SCHEMA sluice");
  await expect(db.apply("SELECT 1;")).rejects.toThrow(/not the ledger of this version of Sluice/);
});
