import { loadModule } from "libpg-query";
import { beforeAll, describe, expect, test } from "vitest";
import type { LedgerKey } from "../../lambdas/ledger/ledger.ts";
import {
  beginMigration,
  beginStep,
  finishMigration,
  finishOutside,
  finishStep,
  markLocks,
  noteOf,
  type StepPlace,
} from "../../lambdas/migrate/ledger-writes.ts";
import { WITHOUT_WORKERS } from "../../lambdas/migrate/resources.ts";
import { runSteps } from "../../lambdas/migrate/run-steps.ts";
import { type Session, StatementFailed } from "../../lambdas/shared/session.ts";
import { parseSqlFile } from "../../lib/plan/sql-file.ts";
import { memoryPorts } from "../support/ports.ts";

beforeAll(() => loadModule());

const KEY: LedgerKey = { run: "r", version: "001", round: 1, direction: "migrate" };

/** What the catalog answers about a table with an index to build, and about its primary key. */
const TABLE = {
  ...{ rows: 5, heapBytes: String(2 ** 30), workersSet: false, type: "int4", dimensions: -1, memoryKb: 1024 },
  ...{ sharedBytes: String(2 ** 30), cacheBytes: String(2 ** 31), workers: 2 },
};
const KEY_COLUMN = { name: "id", type: "integer" };

interface Failing {
  /** Index of the message, and of the statement within it. */
  at: readonly [message: number, statement: number];
  code: string;
  message?: string;
  position?: number;
}

/** A server that keeps each message of the steps, and refuses some of their statements. */
class RecordingServer implements Session {
  readonly messages: string[][] = [];

  constructor(private readonly failing: readonly Failing[]) {}

  async query<Row>(text: string): Promise<Row[]> {
    if (text.includes("effective_cache_size")) return [TABLE] as Row[];
    if (text.includes("indisprimary")) return [KEY_COLUMN] as Row[];
    if (text.includes(" AS sizes")) return [{ sizes: {} }] as Row[];
    return [];
  }

  async exec(): Promise<void> {}

  async together(statements: readonly string[]): Promise<Record<string, unknown>[][]> {
    if (statements[0]?.includes("pg_try_advisory_lock")) return [[{ taken: true, pid: 7 }], [], []];
    if (statements.at(-1)?.includes("pg_advisory_unlock_all")) return [[], []];
    this.messages.push([...statements]);
    const failing = this.failing.find(({ at: [message] }) => message === this.messages.length - 1);
    if (!failing) return statements.map(() => []);
    const { at, code, message = "refused", position } = failing;
    const error = Object.assign(new Error(message), {
      code,
      ...(position && { position: String(position) }),
    });
    throw new StatementFailed(at[1], error);
  }
}

interface Wishes {
  runAs?: string;
  noticesRewrites?: boolean;
  failing?: readonly Failing[];
}

function work(sql: string, { runAs, noticesRewrites, failing = [] }: Wishes = {}) {
  const server = new RecordingServer(failing);
  const ports = memoryPorts({ plan: { schema: undefined, ...(runAs === undefined ? {} : { runAs }) } });
  const steps = runSteps(server, ports, {
    key: KEY,
    file: parseSqlFile("m.sql", sql),
    checksum: "c",
    failure: "StepFailed",
    limitMinutes: undefined,
    beside: undefined,
    noticesRewrites,
  });
  return { server, steps };
}

async function messagesOf(sql: string, wishes?: Wishes): Promise<string[][]> {
  const { server, steps } = work(sql, wishes);
  await steps;
  return server.messages;
}

/** Each statement of a message, with the line of the file that the error names if the server refuses it. */
async function linesOf(sql: string, message: number, wishes?: Wishes): Promise<[number, string][]> {
  const sent = (await messagesOf(sql, wishes))[message] ?? [];
  const lines: [number, string][] = [];
  for (const [index, statement] of sent.entries()) {
    const { steps } = work(sql, { ...wishes, failing: [{ at: [message, index], code: "XX000" }] });
    const error = await steps.catch((thrown: Error) => thrown);
    lines.push([Number(/^m\.sql:(\d+): /.exec((error as Error).message)?.[1]), statement]);
  }
  return lines;
}

function placeIn(sql: string, ordinal: number): StepPlace {
  const step = parseSqlFile("m.sql", sql).steps[ordinal];
  if (!step) throw new Error(`There is no step ${ordinal}`);
  return { key: KEY, ordinal, step, worker: "worker" };
}

describe("a transaction step is one message", () => {
  test("whose parts have an order, and an error names the statement that each part belongs to", async () => {
    const sql = [
      '-- sluice: step "a"',
      "CREATE TABLE t (id int);",
      "SELECT id FROM t;",
      "INSERT INTO t VALUES (1);",
      '-- sluice: step "b */ DROP"',
      "SET statement_timeout = 5;",
      "UPDATE t SET id = 2;",
      '-- sluice: step "c"',
      "DROP TABLE t;",
    ].join("\n");
    const [a, b, c] = [placeIn(sql, 0), placeIn(sql, 1), placeIn(sql, 2)];
    expect(await messagesOf(sql)).toHaveLength(3);
    expect(await linesOf(sql, 0)).toEqual([
      [2, "/* m.sql:1 a */ BEGIN"],
      [2, beginMigration(KEY, "c")],
      [2, beginStep(a, {})],
      [2, "CREATE TABLE t (id int)"],
      [2, markLocks(a)],
      [3, "SELECT count(step) FROM (\nSELECT id FROM t\n) AS step"],
      [3, markLocks(a)],
      [4, "INSERT INTO t VALUES (1)"],
      [4, finishStep(a)],
      [4, "COMMIT"],
    ]);
    expect(await linesOf(sql, 1)).toEqual([
      [6, "/* m.sql:5 b * / DROP */ BEGIN"],
      [6, beginStep(b, {})],
      [6, "SET statement_timeout = 5"],
      [6, markLocks(b)],
      [7, "UPDATE t SET id = 2"],
      [7, finishStep(b)],
      [7, "COMMIT"],
    ]);
    expect(await linesOf(sql, 2)).toEqual([
      [9, "/* m.sql:8 c */ BEGIN"],
      [9, beginStep(c, {})],
      [9, "SET statement_timeout = 5"],
      [9, "DROP TABLE t"],
      [9, finishStep(c)],
      [9, finishMigration(KEY, "c")],
      [9, "COMMIT"],
    ]);
  });

  test("that takes the plan's role only for its statements, and grants a build its resources", async () => {
    const sql = [
      '-- sluice: step "a"',
      "SET work_mem = 5;",
      '-- sluice: step "b"',
      "CREATE TABLE t (id int);",
      "CREATE INDEX i ON t (id);",
      "DROP TABLE u;",
    ].join("\n");
    const place = placeIn(sql, 1);
    const wishes = { runAs: "owner", noticesRewrites: true };
    expect(await linesOf(sql, 1, wishes)).toEqual([
      [4, "/* m.sql:3 b */ BEGIN"],
      [4, beginStep(place, {})],
      [4, expect.stringMatching(/^SELECT count\(set_config\('sluice\.files',/)],
      [4, "SET work_mem = 5"],
      [4, 'SET LOCAL ROLE "owner"'],
      [4, "CREATE TABLE t (id int)"],
      [4, "RESET ROLE"],
      [4, markLocks(place)],
      [5, "SET LOCAL maintenance_work_mem = '1048576kB'"],
      [5, 'SET LOCAL ROLE "owner"'],
      [5, "CREATE INDEX i ON t (id)"],
      [5, "RESET ROLE"],
      [5, markLocks(place)],
      [6, 'SET LOCAL ROLE "owner"'],
      [6, "DROP TABLE u"],
      [6, "RESET ROLE"],
      [6, expect.stringMatching(/^UPDATE sluice\.step SET outcome = 'done'.*, rewrites = \(SELECT /s)],
      [6, finishMigration(KEY, "c")],
      [6, "COMMIT"],
    ]);
  });

  test("that marks no locks while the step has another role, which may not write to the ledger", async () => {
    const sql = "SET LOCAL ROLE other;\nCREATE TABLE t ();\nRESET ROLE;\nDROP TABLE u;";
    expect((await linesOf(sql, 0, { runAs: "owner" })).slice(2)).toEqual([
      [1, 'SET LOCAL ROLE "owner"'],
      [1, "SET LOCAL ROLE other"],
      [2, "CREATE TABLE t ()"],
      [3, "RESET ROLE"],
      [3, 'SET LOCAL ROLE "owner"'],
      [4, "DROP TABLE u"],
      [4, "RESET ROLE"],
      [4, finishStep(placeIn(sql, 0))],
      [4, finishMigration(KEY, "c")],
      [4, "COMMIT"],
    ]);
  });

  test("sent again without workers if a build finds no shared memory for them", async () => {
    const sql = "CREATE INDEX i ON t (id);";
    const place = placeIn(sql, 0);
    const failing = [{ at: [0, 3], code: "53200", message: "could not resize" }] as const;
    const [first, second] = await messagesOf(sql, { failing });
    expect(first?.slice(2)).toEqual([
      "SET LOCAL maintenance_work_mem = '1048576kB'",
      "CREATE INDEX i ON t (id)",
      ...[finishStep(place), finishMigration(KEY, "c"), "COMMIT"],
    ]);
    expect(second?.slice(2)).toEqual([
      noteOf(place, "notes", [WITHOUT_WORKERS]),
      "SET LOCAL maintenance_work_mem = '1048576kB'",
      "SET LOCAL max_parallel_maintenance_workers = 0",
      "CREATE INDEX i ON t (id)",
      ...[finishStep(place), finishMigration(KEY, "c"), "COMMIT"],
    ]);
  });

  test("and an error points into the file's own text, also where that is counted", async () => {
    const sql = "CREATE TABLE t (id int);\nSELECT id,\n  nowhere FROM t;";
    const [sent = []] = await messagesOf(sql);
    const index = sent.findIndex((statement) => statement.includes("nowhere"));
    const position = (sent[index] ?? "").indexOf("nowhere") + 1;
    const { steps } = work(sql, { failing: [{ at: [0, index], code: "42703", position }] });
    await expect(steps).rejects.toThrow(
      ['m.sql:3: step "all": refused (42703)', "     3 |   nowhere FROM t", "           ^"].join("\n"),
    );
  });
});

describe("a step in batches", () => {
  const sql = '-- sluice: step "a" in batches\nUPDATE t SET x = 1\n  WHERE x = nowhere;';

  test("is a message that begins it, and one for each batch with its checkpoint", async () => {
    const place = placeIn(sql, 0);
    const [first, second, ...others] = await messagesOf(sql);
    expect(others).toEqual([]);
    expect(first).toEqual([
      "/* m.sql:1 a */ BEGIN",
      beginMigration(KEY, "c"),
      beginStep(place, {}),
      "COMMIT",
    ]);
    expect(second).toEqual([
      "/* m.sql:1 a */ BEGIN",
      expect.stringMatching(
        /^WITH batch AS \(UPDATE t SET x = 1\n {2}WHERE\(x = nowhere\n\) AND true RETURNING 1\)\n {4}UPDATE sluice\.step SET rows = rows \+ \(SELECT count\(\*\) FROM batch\), checkpoint = '\{"after":null,"batches":1,"size":1000,"taken":1000\}'::jsonb\n {5}WHERE run = 'r'/,
      ),
      finishStep(place),
      finishMigration(KEY, "c"),
      "COMMIT",
    ]);
  });

  test("and an error of a batch points into the file's own text", async () => {
    const [, batch = []] = await messagesOf(sql);
    const position = (batch[1] ?? "").indexOf("nowhere") + 1;
    const { steps } = work(sql, { failing: [{ at: [1, 1], code: "42703", position }] });
    await expect(steps).rejects.toThrow(
      ['m.sql:3: step "a": refused (42703)', "     3 |   WHERE x = nowhere", "                     ^"].join(
        "\n",
      ),
    );
  });
});

describe("a step outside a transaction", () => {
  const sql = '-- sluice: step "a" outside transaction rewrites\nVACUUM FULL t;';
  const place = () => placeIn(sql, 0);

  test("is a message that begins it, its statement by itself, and a message that notes its end", async () => {
    expect(await messagesOf(sql, { noticesRewrites: true })).toEqual([
      ["/* m.sql:1 a */ BEGIN", beginMigration(KEY, "c"), beginStep(place(), {}), "COMMIT"],
      ["VACUUM FULL t"],
      [
        "/* m.sql:1 a */ BEGIN",
        expect.stringMatching(/^UPDATE sluice\.step SET rewrites = '\["public\.t"\]'::jsonb WHERE /),
        finishOutside(place(), [], {}),
        finishMigration(KEY, "c"),
        "COMMIT",
      ],
    ]);
  });

  test("has tries of their own for its statement and for the note of its end", async () => {
    // Three tries are allowed.
    const refused = [1, 2, 4, 5].map((message): Failing => ({ at: [message, 0], code: "55P03" }));
    const messages = await messagesOf(sql, { failing: refused });
    expect(messages.map((statements) => statements.length)).toEqual([4, 1, 1, 1, 4, 4, 4]);
    const { steps } = work(sql, { failing: [...refused, { at: [6, 0], code: "55P03" }] });
    await expect(steps).rejects.toThrow('m.sql:1: step "a" gave way 3 times: refused.');
  });
});
