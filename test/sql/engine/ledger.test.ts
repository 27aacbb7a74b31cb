import { loadModule } from "libpg-query";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  ensureLedger,
  hasLedger,
  type LedgerKey,
  releaseClaim,
  takeClaim,
} from "../../../lambdas/ledger/ledger.ts";
import { noteGaveWay } from "../../../lambdas/migrate/ledger-writes.ts";
import { runFiles, runSteps, type StepsRun } from "../../../lambdas/migrate/run-steps.ts";
import { inspectLedger } from "../../../lambdas/preflight/inspect-ledger.ts";
import type { CompiledPlan } from "../../../lambdas/shared/plan.ts";
import { parseSqlFile } from "../../../lib/plan/sql-file.ts";
import { useEmbedded } from "../../support/embedded.ts";
import { memoryPorts, tinyMigration } from "../../support/ports.ts";

const session = useEmbedded();
beforeAll(() => loadModule());
beforeEach(() =>
  session.exec(`DROP SCHEMA IF EXISTS sluice CASCADE; DROP TABLE IF EXISTS a, b, schema_migrations;
    CREATE TABLE schema_migrations (version text PRIMARY KEY)`),
);

const ours = (run: string) => `arn:aws:states:eu-central-1:123456789012:execution:Ours:${run}`;
const theirs = (run: string) => `arn:aws:states:eu-central-1:123456789012:execution:Theirs:${run}`;

describe("the claim of a database", () => {
  test("keeps a run of another deployment out, and names its owner and how to end it", async () => {
    await takeClaim(session, "one", ours("one"));
    await expect(takeClaim(session, "two", theirs("two"))).rejects.toMatchObject({
      name: "RunLocked",
      message: expect.stringMatching(
        /Run one of another deployment \(arn:.*:Ours:one\).*DELETE FROM sluice\.claim/,
      ),
    });
    expect(await session.query("SELECT run FROM sluice.claim")).toEqual([{ run: "one" }]);
  });

  test("may be taken twice by its run, and is taken over from a dead run of the same deployment", async () => {
    await takeClaim(session, "one", ours("one"));
    await takeClaim(session, "one", ours("one"));
    await takeClaim(session, "two", ours("two"));
    expect(await session.query("SELECT run FROM sluice.claim")).toEqual([{ run: "two" }]);
  });

  test("is one of a local run from any process", async () => {
    await takeClaim(session, "one", "local:1:one");
    await takeClaim(session, "two", "local:22:two");
    await expect(takeClaim(session, "three", ours("three"))).rejects.toMatchObject({ name: "RunLocked" });
  });

  test("counts for nothing in a copy of the database", async () => {
    await takeClaim(session, "one", ours("one"));
    await session.exec("UPDATE sluice.claim SET database = 1");
    await takeClaim(session, "two", theirs("two"));
    expect(await session.query("SELECT run FROM sluice.claim")).toEqual([{ run: "two" }]);
  });

  test("leaves nothing behind where nothing was migrated, and the ledger where something was", async () => {
    await takeClaim(session, "one", ours("one"));
    await releaseClaim(session, "one");
    expect(await hasLedger(session)).toBe(false);
    await takeClaim(session, "one", ours("one"));
    await session.exec(
      "INSERT INTO sluice.migration (run, version, round, checksum) VALUES ('one', '002', 1, 'c')",
    );
    await releaseClaim(session, "one");
    expect(await session.query("SELECT run FROM sluice.migration")).toEqual([{ run: "one" }]);
    expect(await session.query("SELECT run FROM sluice.claim")).toEqual([]);
  });

  test("is not given back by another run", async () => {
    await takeClaim(session, "one", ours("one"));
    await releaseClaim(session, "two");
    expect(await session.query("SELECT run FROM sluice.claim")).toEqual([{ run: "one" }]);
  });
});

test("how often a step gave way never becomes less, as each of its messages counts for itself", async () => {
  await ensureLedger(session);
  const step = parseSqlFile("002_two/migrate.sql", "SELECT 1").steps[0];
  if (!step) throw new Error("The file has no step");
  const key = { run: "one", version: "002", round: 1, direction: "migrate" } as const;
  for (const gaveWay of [3, 1])
    await session.exec(noteGaveWay({ key, ordinal: 0, step, worker: "w" }, gaveWay, []));
  expect(await session.query("SELECT gave_way FROM sluice.step")).toEqual([{ gave_way: 3 }]);
});

describe("preflight looks into the ledger", () => {
  const plan = { migrations: [tinyMigration("002", "Two")] } as unknown as CompiledPlan;
  const look = async (run = "new") => {
    const checks = await inspectLedger(session, plan, { run, execution: ours(run) });
    return Object.fromEntries(checks.map(({ name, passed, seen }) => [name, { passed, seen }]));
  };
  const row = (values: string) =>
    session.exec(
      `INSERT INTO sluice.migration (run, version, round, checksum, done_at, rolled_back_at) VALUES ('old', '002', 1, ${values})`,
    );
  const CHECKSUM = `'${"d".repeat(64)}'`;

  test("and finds nothing where there is none", async () => {
    expect(await look()).toEqual({
      "other runs": { passed: true, seen: "none" },
      ledger: { passed: true, seen: "as expected" },
    });
  });

  test.each([
    ["one that was applied", `${CHECKSUM}, '2026-01-02', NULL`, /^002 was applied by run old at 2026-01-02/],
    [
      "one that was applied and whose file was edited since",
      "'edited', '2026-01-02', NULL",
      /applied by run old .*, and 002_tiny\/migrate\.sql has changed since/,
    ],
    [
      "one that is half applied",
      `${CHECKSUM}, NULL, NULL`,
      /run old began 002 at .* neither finished it nor rolled it back/,
    ],
  ])("and refuses %s", async (_what, values, seen) => {
    await ensureLedger(session);
    await row(values);
    expect((await look()).ledger).toEqual({ passed: false, seen: expect.stringMatching(seen) });
    expect((await look("old")).ledger).toMatchObject({ passed: true });
  });

  test("and has the statement that notes exactly a rollback by hand", async () => {
    await ensureLedger(session);
    await row(`${CHECKSUM}, NULL, NULL`);
    await session.exec(
      "INSERT INTO sluice.migration (run, version, round, checksum, done_at) VALUES ('old', '001', 1, 'x', now())",
    );
    const checks = await inspectLedger(session, plan, { run: "new", execution: ours("new") });
    const mend = checks.find(({ name }) => name === "ledger")?.mend ?? "";
    expect(mend).toContain('docs/operator-runbook.md describes under "NeedsOperator"');
    await session.exec(/UPDATE .*?(?=\. )/.exec(mend)?.[0] ?? "");
    expect((await look()).ledger).toMatchObject({ passed: true });
    expect(
      await session.query("SELECT version FROM sluice.migration WHERE rolled_back_at IS NOT NULL"),
    ).toEqual([{ version: "002" }]);
  });

  test("and ignores one that was rolled back, or that is another plan's", async () => {
    await ensureLedger(session);
    await row(`${CHECKSUM}, '2026-01-02', '2026-01-03'`);
    await session.exec(
      "INSERT INTO sluice.migration (run, version, round, checksum, done_at) VALUES ('older', '001', 1, 'x', now())",
    );
    expect((await look()).ledger).toMatchObject({ passed: true });
  });

  test("and reports another deployment's run", async () => {
    await takeClaim(session, "one", theirs("one"));
    expect((await look())["other runs"]).toMatchObject({
      passed: false,
      seen: expect.stringContaining("Theirs:one"),
    });
  });

  test("and reports a foreign schema of the ledger's name", async () => {
    await session.exec("CREATE SCHEMA sluice");
    expect((await look()).ledger).toEqual({
      passed: false,
      seen: expect.stringContaining("not the ledger of this version"),
    });
  });
});

describe("the steps of a file, where there is one session only", () => {
  const runOf = (sql: string, key: Partial<LedgerKey> = {}): StepsRun => ({
    key: { run: "r", version: "002", round: 1, direction: "migrate", ...key },
    file: parseSqlFile("m.sql", sql),
    checksum: "c",
    failure: "StepFailed",
    limitMinutes: undefined,
    beside: undefined,
  });
  const run = (sql: string, direction: LedgerKey["direction"] = "migrate") =>
    runSteps(session, memoryPorts(), runOf(sql, { direction }));
  const noted = () => session.query("SELECT * FROM schema_migrations ORDER BY version");
  const SQL = [
    '-- sluice: step "tables"\nCREATE TABLE a (id int PRIMARY KEY, x int);\nINSERT INTO a SELECT n, n FROM generate_series(1, 1500) n;',
    '-- sluice: step "fill" in batches\nUPDATE a SET x = -x;',
    '-- sluice: step "index" outside transaction\nCREATE INDEX CONCURRENTLY i ON a (x);',
  ].join("\n");

  test("are done once, whatever their kind, and what they did is noted", async () => {
    expect(await run(SQL)).toMatchObject([
      { name: "tables", rows: 1500, at: "m.sql:1" },
      { name: "fill", rows: 1500, at: "m.sql:4" },
      { name: "index", rows: null, at: "m.sql:6" },
    ]);
    expect(await run(SQL)).toHaveLength(3);
    expect(await noted()).toEqual([{ version: "002" }]);
    expect(await session.query("SELECT count(*)::int AS n FROM a WHERE x < 0")).toEqual([{ n: 1500 }]);
    expect(await session.query("SELECT done_at IS NOT NULL AS done FROM sluice.migration")).toEqual([
      { done: true },
    ]);
  });

  test("that fail leave those before them done, and no migration where nothing was done", async () => {
    await expect(run("CREATE TABLE b ();\nSELECT 1 / 0;")).rejects.toMatchObject({ name: "StepFailed" });
    expect(await session.query("SELECT FROM sluice.migration")).toEqual([]);
    await session.exec("DELETE FROM sluice.step");
    await expect(run(`${SQL}\n-- sluice: step "fails"\nSELECT 1 / 0;`)).rejects.toThrow(
      /m\.sql:9: step "fails"/,
    );
    expect(await session.query("SELECT name, outcome FROM sluice.step ORDER BY ordinal")).toEqual([
      { name: "tables", outcome: "done" },
      { name: "fill", outcome: "done" },
      { name: "index", outcome: "done" },
      { name: "fails", outcome: "failed" },
    ]);
    expect(await session.query("SELECT done_at AS done FROM sluice.migration")).toEqual([{ done: null }]);
    expect(await noted()).toEqual([]);
    await run("DROP TABLE a;", "rollback");
    expect(await session.query("SELECT rolled_back_at IS NOT NULL AS back FROM sluice.migration")).toEqual([
      { back: true },
    ]);
  });

  test.each([
    ["by its name", "ALTER TABLE schema_migrations ADD name text NOT NULL;"],
    [
      "where its text does not show it",
      "DO $$ BEGIN ALTER TABLE schema_migrations ADD name text NOT NULL; END $$;",
    ],
  ])("note the version in its table as a step before left it, changed %s", async (_how, sql) => {
    await run(`-- sluice: step "its table"\n${sql}\n-- sluice: step "last"\nCREATE TABLE a ();`);
    expect(await noted()).toEqual([{ version: "002", name: "add a table" }]);
  });

  test("in part note no version, and take back none that is missing", async () => {
    await runSteps(session, memoryPorts(), { ...runOf("CREATE TABLE a ();"), isPart: true });
    expect(await noted()).toEqual([]);
    await run("DROP TABLE a;", "rollback");
    expect(await noted()).toEqual([]);
  });

  test("of several files are done in their order, each file's as one migration, up to the one that fails", async () => {
    const files = (second: string) =>
      runFiles(session, memoryPorts(), [
        runOf("CREATE TABLE a (id int);", { version: "002" }),
        runOf(`-- sluice: step "one"\nINSERT INTO a VALUES (1);\n-- sluice: step "two"\n${second}`, {
          version: "003",
        }),
      ]);
    await expect(files("SELECT 1 / 0;")).rejects.toMatchObject({ name: "StepFailed" });
    expect(await noted()).toEqual([{ version: "002" }]);
    expect(await files("CREATE TABLE b ();")).toMatchObject([
      [{ name: "all" }],
      [{ name: "one", rows: 1 }, { name: "two" }],
    ]);
    expect(await noted()).toEqual([{ version: "002" }, { version: "003" }]);
    expect(await session.query("SELECT id FROM a")).toEqual([{ id: 1 }]);
  });

  const [makes, frees, adds] = [
    "CREATE TABLE a (id int);",
    "SELECT pg_advisory_unlock_all();",
    "INSERT INTO a VALUES (1);",
  ];
  test.each([
    ["asks for that alone", [makes, frees, adds]],
    [
      "does so on the way",
      [makes, "CREATE TABLE b AS SELECT pg_advisory_unlock_all()::text AS freed;", adds],
    ],
    ["is followed by two others", [frees, makes, adds]],
  ])(
    "are each done once, when one gives the lock back and %s and another worker has the lock in between",
    async (_, [one, two, three]) => {
      const run = runOf(
        `-- sluice: step "one"\n${one}\n-- sluice: step "two"\n${two}\n-- sluice: step "three"\n${three}`,
      );
      await ensureLedger(session);
      let asked = 0;
      const steps = await runFiles(
        {
          ...session,
          together: async (statements) => {
            const asks = statements[0]?.includes("pg_try_advisory_lock");
            if (asks && ++asked === 2) await runFiles(session, memoryPorts(), [run]);
            return await session.together(statements);
          },
        },
        memoryPorts(),
        [run],
      );
      expect(asked).toBeGreaterThan(1);
      expect(steps?.[0]?.map(({ name }) => name)).toEqual(["one", "two", "three"]);
      expect(await session.query("SELECT id FROM a")).toEqual([{ id: 1 }]);
    },
  );
});
