import { randomBytes } from "node:crypto";
import { loadModule } from "libpg-query";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { takeFingerprint } from "../../../lambdas/proof/catalog.ts";
import { listTables, takeTableContent } from "../../../lambdas/proof/checksums.ts";
import { withPgSession } from "../../../lambdas/shared/pg-session.ts";
import { parseSqlFile } from "../../../lib/plan/sql-file.ts";
import type { Kill } from "../../support/deadly-session.ts";
import { onServer, urlOf } from "../../support/native.ts";
import { planOf } from "../../support/plans.ts";
import { type WorkerProcess, workerProcess } from "../../support/worker-process.ts";
import type { Order } from "./worker.ts";

// Every kind of step, each long enough to be killed in. A step done twice shows: it adds to numbers, and sets none.
const MIGRATE = `
-- sluice: step "count"
INSERT INTO applied VALUES ('count');
SELECT pg_sleep(0.25);
UPDATE t SET n = n + 1;

-- sluice: step "only queries"
SELECT note('only queries'), pg_sleep(0.2);

-- sluice: step "index" outside transaction
CREATE INDEX CONCURRENTLY i ON t (slow(id));

-- sluice: step "batches" in batches
UPDATE t SET n = n + 10, m = slow(m) WHERE id <> 7;

-- sluice: step "vectors" outside transaction
CREATE INDEX CONCURRENTLY vectors_v ON vectors USING hnsw (v vector_l2_ops) WITH (m = 4, ef_construction = 16);

-- sluice: step "rebuild" outside transaction
REINDEX INDEX CONCURRENTLY i;

-- sluice: step "alter"
ALTER TABLE t ADD COLUMN added int NOT NULL DEFAULT 5;
SELECT pg_sleep(0.2);
CREATE INDEX a ON t (added);
INSERT INTO applied VALUES ('alter');
`;

// The first step's text does not show what it does, so the second step looks again.
const MIGRATE_MORE = `
-- sluice: step "opaque"
DO $$ BEGIN UPDATE t SET n = n + 100; INSERT INTO applied VALUES ('opaque'); END $$;

-- sluice: step "more"
INSERT INTO applied VALUES ('more');
SELECT pg_sleep(0.2);
UPDATE t SET n = n + 1000;
`;

const ROLLBACK_MORE = `
UPDATE t SET n = n - 1100;
DELETE FROM applied WHERE step IN ('opaque', 'more');
SELECT pg_sleep(0.2);
`;

const ROLLBACK = `
-- sluice: step "drop the indexes"
DROP INDEX IF EXISTS i, vectors_v;
SELECT pg_sleep(0.2);

-- sluice: step "count down" in batches
UPDATE t SET n = n - 10, m = slow(m) WHERE id <> 7;

-- sluice: step "the rest"
ALTER TABLE t DROP COLUMN IF EXISTS added;
UPDATE t SET n = n - 1;
DELETE FROM applied;
SELECT pg_sleep(0.2);
`;

const SET_UP = `
CREATE EXTENSION vector;
CREATE TABLE applied (step text);
CREATE TABLE version (version text PRIMARY KEY);
CREATE TABLE noted (what text, version text);
CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql
  AS $$ BEGIN INSERT INTO noted VALUES (TG_OP, coalesce(NEW.version, OLD.version)); RETURN NULL; END $$;
CREATE TRIGGER noted AFTER INSERT OR DELETE ON version FOR EACH ROW EXECUTE FUNCTION noted();
CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL, m int NOT NULL);
INSERT INTO t SELECT id, 0, id FROM generate_series(1, 2500) AS id;
CREATE TABLE vectors (id int PRIMARY KEY, v vector(3));
INSERT INTO vectors SELECT id, ARRAY[id % 7, id % 11, id % 13]::vector FROM generate_series(1, 10000) AS id;
CREATE FUNCTION slow(x int) RETURNS int LANGUAGE plpgsql IMMUTABLE
  AS $$ BEGIN IF x % 250 = 0 THEN PERFORM pg_sleep(0.03); END IF; RETURN x; END $$;
CREATE FUNCTION note(step text) RETURNS void LANGUAGE sql AS 'INSERT INTO applied VALUES (step)';
ANALYZE`;

const PLAN = { ...planOf(2, 1), schema: { table: "version", expectedVersion: "000" } };
const DURING_MS = 60;
/** Runs at a time: they mostly sleep. */
const AT_A_TIME = 6;

const template = `sluice_kills_${randomBytes(4).toString("hex")}`;
let files: Record<Direction, Order["files"]>;
let worker: WorkerProcess;

beforeAll(async () => {
  await loadModule();
  const of = (version: string, sql: string) => ({ version, file: parseSqlFile(`${version}.sql`, sql) });
  files = {
    migrate: [of("001", MIGRATE), of("002", MIGRATE_MORE)],
    rollback: [of("002", ROLLBACK_MORE), of("001", ROLLBACK)],
  };
  worker = await workerProcess(new URL("worker.ts", import.meta.url));
  await onServer((s) => s.exec(`CREATE DATABASE ${template}`));
  await withPgSession({ connectionString: urlOf(template) }, (s) => s.exec(SET_UP));
});
afterAll(async () => {
  await onServer((s) => s.exec(`DROP DATABASE IF EXISTS ${template} WITH (FORCE)`));
  await worker.remove();
});

type Direction = "migrate" | "rollback";

/** Runs one worker. Resolves to the number of its calls, or to undefined if it was killed. */
function work(database: string, direction: Direction, kill: Kill | undefined): Promise<number | undefined> {
  const order: Order = {
    url: urlOf(database),
    plan: PLAN,
    direction,
    files: files[direction],
    kill,
    duringMs: DURING_MS,
  };
  return worker.run(order);
}

interface Ran {
  /** Of the last worker. */
  calls: number;
  kills: number;
  state: unknown;
}

/** Runs workers one after the other, the first ones killed, until one ends. Returns the database's state then. */
async function run(direction: Direction, kills: readonly Kill[]): Promise<Ran> {
  const database = `${template}_${randomBytes(4).toString("hex")}`;
  await onServer((s) => s.exec(`CREATE DATABASE ${database} TEMPLATE ${template}`));
  try {
    if (direction === "rollback") await work(database, "migrate", undefined);
    let killed = 0;
    for (const kill of [...kills, undefined]) {
      const calls = await work(database, direction, kill);
      if (calls !== undefined) return { calls, kills: killed, state: await stateOf(database) };
      killed++;
    }
    throw new Error("The last worker was killed though nobody killed it");
  } finally {
    await onServer((s) => s.exec(`DROP DATABASE ${database} WITH (FORCE)`));
  }
}

async function stateOf(database: string): Promise<unknown> {
  return await withPgSession({ connectionString: urlOf(database) }, async (session) => {
    const contents = [];
    for (const { table, columns } of await listTables(session))
      contents.push(await takeTableContent(session, table, columns, "full"));
    return {
      fingerprint: (await takeFingerprint(session)).hash,
      contents,
      steps: await session.query(
        "SELECT version, direction, ordinal, name, checksum, outcome, rows, put_back FROM sluice.step ORDER BY version, direction, ordinal",
      ),
      migration: await session.query(
        "SELECT run, version, done_at IS NOT NULL AS done, rolled_back_at IS NOT NULL AS back FROM sluice.migration ORDER BY version",
      ),
      applied: await session.query("SELECT step, count(*)::int AS times FROM applied GROUP BY 1 ORDER BY 1"),
      sessions: await session.query(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND application_name LIKE 'sluice %'",
      ),
    };
  });
}

/** Runs that many at a time. */
async function inTurns<T>(items: readonly T[], each: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const turn = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await each(item);
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, turn));
}

describe.each(["migrate", "rollback"] as const)("%s: whenever a worker is killed", (direction) => {
  let undisturbed: Ran;
  beforeAll(async () => {
    undisturbed = await run(direction, []);
  });

  /** Returns two kills for each call of a worker: just before it is sent, and while the server runs it. */
  const everyKill = (): Kill[] =>
    Array.from({ length: undisturbed.calls }, (_, index) => index + 1).flatMap((call): Kill[] => [
      { call, when: "before" },
      { call, when: "during" },
    ]);

  const disturbed = async (runs: Kill[][]): Promise<number> => {
    let kills = 0;
    await inTurns(runs, async (kill) => {
      const ran = await run(direction, kill);
      expect(ran.state, `after ${JSON.stringify(kill)}`).toEqual(undisturbed.state);
      kills += ran.kills;
    });
    return kills;
  };

  test("the undisturbed run did each step once", () => {
    const { steps } = undisturbed.state as { steps: { direction: string; outcome: string }[] };
    const mine = steps.filter((step) => step.direction === direction);
    expect(mine.map(({ outcome }) => outcome)).toEqual(
      files[direction].flatMap(({ file }) => file.steps.map(() => "done")),
    );
  });

  test("once, the next one ends with the same catalog, contents and ledger", async () => {
    const kills = everyKill();
    expect(await disturbed(kills.map((kill) => [kill]))).toBe(kills.length);
    console.error(`${direction}: ${kills.length} runs with one kill each`);
  }, 900_000);

  test("and the next one too, the third one does", async () => {
    const kills = everyKill();
    // The second kill hits each place, too, in another order.
    const pairs = kills
      .filter((_, index) => index % 2 === 0)
      .map((kill, index) => [kill, kills[(index * 7 + 3) % kills.length] as Kill]);
    const done = await disturbed(pairs);
    expect(done).toBeGreaterThan(pairs.length);
    console.error(`${direction}: ${pairs.length} runs with ${done} kills, up to two each`);
  }, 900_000);
});
