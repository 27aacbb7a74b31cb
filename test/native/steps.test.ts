import { randomBytes } from "node:crypto";
import { loadModule } from "libpg-query";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { LedgerKey } from "../../lambdas/migrate/ledger.ts";
import { runSteps } from "../../lambdas/migrate/run-steps.ts";
import { withPgSession } from "../../lambdas/shared/pg-session.ts";
import type { Session } from "../../lambdas/shared/session.ts";
import { parseSqlFile } from "../../lib/plan/sql-file.ts";
import { onServer, urlOf } from "../support/native.ts";
import { memoryPorts } from "../support/ports.ts";

const name = `sluice_steps_${randomBytes(4).toString("hex")}`;
const KEY: LedgerKey = { run: "r", version: "001", round: 1, direction: "migrate" };

beforeAll(() => loadModule());
beforeEach(async () => {
  await onServer((s) => s.exec(`CREATE DATABASE ${name}`));
  await connected((s) =>
    s.exec(
      "CREATE TABLE t (id int PRIMARY KEY, x int); INSERT INTO t SELECT n, n FROM generate_series(1, 1000) n",
    ),
  );
});
afterEach(() => onServer((s) => s.exec(`DROP DATABASE ${name} WITH (FORCE)`)));

const connected = <T>(work: (session: Session) => Promise<T>) =>
  withPgSession({ connectionString: urlOf(name) }, work);

function apply(sql: string, settings: { lockTimeoutMs?: number; lockTries?: number } = {}) {
  const ports = memoryPorts();
  ports.settings = { ...ports.settings, lockTimeoutMs: 100, lockTries: 20, ...settings };
  return connected((session) =>
    runSteps(session, ports, {
      key: KEY,
      file: parseSqlFile("m.sql", sql),
      checksum: "c",
      failure: "StepFailed",
      limitMinutes: undefined,
      beside: connected,
      atEnd: async () => [],
    }),
  );
}

const ledger = () =>
  connected((s) =>
    s
      .query<{ name: string }>("SELECT name FROM sluice.step ORDER BY ordinal")
      .then((rows) => rows.map((r) => r.name)),
  );

describe("a step", () => {
  test("that fails leaves nothing of itself, and those before it stay done", async () => {
    const sql =
      '-- sluice: step "a"\nCREATE TABLE a ();\n-- sluice: step "b"\nCREATE TABLE b ();\nSELECT 1 / 0;';
    await expect(apply(sql)).rejects.toMatchObject({
      name: "StepFailed",
      message: expect.stringContaining("m.sql:5"),
    });
    expect(await ledger()).toEqual(["a"]);
    expect(
      await connected((s) => s.query("SELECT to_regclass('a')::text AS a, to_regclass('b')::text AS b")),
    ).toEqual([{ a: "a", b: null }]);
    await apply(sql.replace("1 / 0", "1"));
    expect(await ledger()).toEqual(["a", "b"]);
  });

  test("whose session is ended half-way is done again, once", async () => {
    const sql = '-- sluice: step "a"\nCREATE TABLE a ();\nSELECT pg_sleep(30);';
    const first = apply(sql).catch((error: unknown) => error);
    await onServer(async (s) => {
      for (;;) {
        const rows = await s.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}' AND query LIKE 'SELECT pg_sleep%'`,
        );
        if (rows.length > 0) return;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    });
    expect(await first).toMatchObject({ name: "ConnectionLost" });
    await apply(sql.replace("30", "0"));
    expect(await ledger()).toEqual(["a"]);
  });

  test("gives way to a lock, lets readers through between its tries, and then succeeds", async () => {
    let applied: ReturnType<typeof apply> | undefined;
    await connected(async (holder) => {
      await holder.exec("BEGIN; LOCK TABLE t IN ACCESS SHARE MODE");
      applied = apply('-- sluice: step "a"\nALTER TABLE t ADD COLUMN y int;');
      const waits: number[] = [];
      await connected(async (reader) => {
        for (let n = 0; n < 20; n++) {
          const began = performance.now();
          await reader.query("SELECT count(*) FROM t");
          waits.push(performance.now() - began);
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      });
      await holder.exec("COMMIT");
      // A reader waits behind the step's own wait at most, which ends with its lock timeout.
      expect(Math.max(...waits)).toBeLessThan(1_000);
    });
    const [step] = (await applied) ?? [];
    expect(step?.gaveWay).toBeGreaterThan(0);
  });

  test("never waits without a limit, also not at its last try", async () => {
    await connected(async (holder) => {
      await holder.exec("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE");
      await expect(
        apply('-- sluice: step "a"\nALTER TABLE t ADD COLUMN y int;', { lockTries: 2 }),
      ).rejects.toMatchObject({ name: "LockTimeout" });
      await holder.exec("ROLLBACK");
    });
  });

  test("waits for the statement of a former worker instead of running beside it", async () => {
    const sql = '-- sluice: step "a"\nSELECT pg_sleep(1);\nCREATE TABLE a ();';
    const first = apply(sql);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await apply(sql)).toBeUndefined();
    expect(await first).toHaveLength(1);
    expect(await apply(sql)).toHaveLength(1);
  });
});

describe("an index that is built concurrently", () => {
  const SQL = '-- sluice: step "i" outside transaction\nCREATE INDEX CONCURRENTLY i ON t (x);';

  test("and was left invalid by a crash is dropped and built again", async () => {
    await connected((s) =>
      s.exec(
        "CREATE INDEX i ON t (x); UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'i'::regclass",
      ),
    );
    await apply(SQL);
    expect(
      await connected((s) =>
        s.query("SELECT indisvalid AS valid FROM pg_index WHERE indexrelid = 'i'::regclass"),
      ),
    ).toEqual([{ valid: true }]);
  });

  test("and is there already, valid, but not in the ledger, is done", async () => {
    await connected((s) => s.exec("CREATE INDEX i ON t (x)"));
    const [before] = await connected((s) => s.query("SELECT 'i'::regclass::oid AS oid"));
    await apply(SQL);
    expect(await connected((s) => s.query("SELECT 'i'::regclass::oid AS oid"))).toEqual([before]);
    expect(await ledger()).toEqual(["i"]);
  });
});
