import type { PGlite } from "@electric-sql/pglite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { measure } from "../../../lambdas/benchmark/measure.ts";
import type { Benchmark } from "../../../lambdas/shared/plan.ts";
import { type Session, withRolledBackTransaction } from "../../../lambdas/shared/session.ts";
import { createEmbedded, embeddedSession } from "../../../local/embedded-session.ts";

let db: PGlite;
let session: Session;

beforeAll(async () => {
  db = await createEmbedded();
  session = embeddedSession(db);
  await session.exec(`
    CREATE ROLE app; CREATE TABLE thing (id int PRIMARY KEY, note text);
    INSERT INTO thing SELECT n, 'thing ' || n FROM generate_series(1, 2000) n; ANALYZE thing;
    GRANT SELECT, INSERT ON thing TO app; CREATE TABLE empty ();
    CREATE FUNCTION who() RETURNS text LANGUAGE sql AS
      $$ SELECT current_user || coalesce(' as ' || nullif(current_setting('app.tenant', true), ''), '') $$;`);
});
afterAll(() => db.close());

const benchmark = (wishes: Partial<Benchmark>): Benchmark => ({
  name: "thing",
  title: "A thing",
  query: "SELECT * FROM thing WHERE id = 7",
  settings: {},
  sloMs: 10_000,
  runs: 5,
  ...wishes,
});

describe("a benchmark", () => {
  test("has p50 and p95, the runs that counted, those that warmed up, and the plan that the query had", async () => {
    const result = await measure(session, benchmark({ as: "app", usesIndex: "thing_pkey" }));
    expect(result).toMatchObject({ runs: 5, passed: true, note: null });
    expect(result.p95Ms).toBeGreaterThanOrEqual(result.p50Ms ?? Number.POSITIVE_INFINITY);
    expect(result.warmUp?.runs).toBeGreaterThanOrEqual(3);
    expect(result.plan?.join("\n")).toContain("thing_pkey");
  });

  test("ends with fewer runs where all of them would take too long, and is measured all the same", async () => {
    const result = await measure(
      session,
      benchmark({ runs: 100 }),
      (_, work) => withRolledBackTransaction(session, work),
      0,
    );
    expect(result).toMatchObject({ runs: 5, passed: true });
  });

  test("has not passed when its plan goes without the index it must use, however fast it is", async () => {
    const result = await measure(
      session,
      benchmark({ query: "SELECT * FROM thing WHERE note = 'x'", usesIndex: "thing_pkey" }),
    );
    expect(result).toMatchObject({ passed: false, note: "its plan does not use thing_pkey" });
  });

  test("is not measured without data, which is neither passed nor failed", async () => {
    const result = await measure(session, benchmark({ needs: "SELECT EXISTS (SELECT FROM empty)" }));
    expect(result).toMatchObject({ p50Ms: null, p95Ms: null, runs: 0, passed: null });
    expect(result.note).toContain("no data");
  });

  test("runs with its role and settings, its baseline without, by turns", async () => {
    await session.exec(
      "CREATE TABLE seen (at int GENERATED ALWAYS AS IDENTITY, who text); GRANT ALL ON seen TO app",
    );
    const ran: string[] = [];
    const noting: Session = {
      ...session,
      query: async (text: string, params?: readonly unknown[]) => {
        if (/^SELECT '(query|baseline)'/.test(text)) {
          const [row] = await session.query<{ who: string }>("SELECT who() AS who");
          ran.push(`${text.slice(8, text.indexOf("'", 8))}: ${row?.who}`);
        }
        return session.query(text, params) as never;
      },
    };
    await measure(
      noting,
      benchmark({
        query: "SELECT 'query'",
        baseline: "SELECT 'baseline'",
        as: "app",
        settings: { "app.tenant": "one" },
      }),
    );
    const counted = ran.slice(-10);
    expect(counted).toEqual(
      Array.from({ length: 5 }, () => ["baseline: postgres", "query: app as one"]).flat(),
    );
  });

  test.each<[string, Partial<Benchmark>]>([
    ["needs", { needs: "SELECT empty_thing()" }],
    ["query", { query: "SELECT empty_thing()" }],
    ["baseline", { baseline: "SELECT empty_thing()" }],
    ["needs that ends its read-only transaction's being one", { needs: "SELECT made_to_write()" }],
    ["query that does so", { query: "SELECT made_to_write()" }],
    [
      "query under a setting that does so",
      { query: "SELECT empty_thing()", settings: { transaction_read_only: "off" } },
    ],
    ["query that takes a sequence's value", { query: "SELECT nextval('taken')" }],
  ])("cannot write: its %s is refused, and nothing is lost", async (_, wishes) => {
    await session.exec(`CREATE OR REPLACE FUNCTION empty_thing() RETURNS bool LANGUAGE plpgsql AS
        $$ BEGIN DELETE FROM thing; RETURN true; END $$;
      CREATE OR REPLACE FUNCTION made_to_write() RETURNS bool LANGUAGE plpgsql AS
        $$ BEGIN PERFORM set_config('transaction_read_only', 'off', true); DELETE FROM thing; RETURN true; END $$;
      CREATE SEQUENCE IF NOT EXISTS taken`);
    await expect(measure(session, benchmark(wishes))).rejects.toThrow(/read-only|read-write/);
    expect(
      await session.query("SELECT count(*)::int AS n, (SELECT is_called FROM taken) AS taken FROM thing"),
    ).toEqual([{ n: 2000, taken: false }]);
  });

  test("that tries to write is named, with what to do", async () => {
    await expect(
      measure(session, benchmark({ query: "INSERT INTO thing VALUES (-1)" })),
    ).rejects.toMatchObject({
      name: "BenchmarkFailed",
      message: expect.stringMatching(/^Benchmark thing \(A thing\) tries to write: .* must only read\.$/),
    });
  });

  test("leaves nothing behind: no role, no setting", async () => {
    await measure(session, benchmark({ as: "app", settings: { "app.tenant": "one" } }));
    expect(await session.query("SELECT count(*)::int AS n, who() AS who FROM thing")).toEqual([
      { n: 2000, who: "postgres" },
    ]);
  });

  test("gives a setting back that has no empty value", async () => {
    const settings = { enable_seqscan: "off" };
    await measure(session, benchmark({ baseline: "SELECT 1", settings }));
    expect(await session.query("SHOW enable_seqscan")).toEqual([{ enable_seqscan: "on" }]);
  });
});
