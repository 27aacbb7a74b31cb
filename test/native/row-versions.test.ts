import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { tableTexts } from "../../lambdas/proof/changes-in-words.ts";
import { type Moment, observe } from "../../lambdas/proof/changes-observed.ts";
import { compareContents } from "../../lambdas/proof/compare-contents.ts";
import { requireMarkedRecord } from "../../lambdas/proof/stored-record.ts";
import type { Scope, Wish } from "../../lambdas/proof/subjects.ts";
import { takeRecord } from "../../lambdas/proof/take-record.ts";
import { Doc, docName, type RecordName, type TableContentDoc } from "../../lambdas/shared/documents.ts";
import { evidenceOf, type RunEvidence } from "../../lambdas/shared/evidence.ts";
import { withPgSession } from "../../lambdas/shared/pg-session.ts";
import type { Ports } from "../../lambdas/shared/ports.ts";
import type { Session } from "../../lambdas/shared/session.ts";
import { NATIVE_URL, onServer, urlOf } from "../support/native.ts";
import { memoryPorts } from "../support/ports.ts";

const database = `sluice_versions_${randomBytes(4).toString("hex")}`;
beforeAll(() => onServer((session) => session.exec(`CREATE DATABASE ${database}`)));
afterAll(() => onServer((session) => session.exec(`DROP DATABASE ${database} WITH (FORCE)`)));

const SET_UP = `
  DROP SCHEMA public CASCADE; CREATE SCHEMA public;
  CREATE TABLE t (id int PRIMARY KEY, name varchar(10), at timestamp, n int);
  INSERT INTO t SELECT i, 'n' || i, '2026-01-01', i FROM generate_series(1, 100) i;
  CREATE TABLE other (id int PRIMARY KEY);
  INSERT INTO other SELECT generate_series(1, 10);`;

const inDatabase = <T>(work: (session: Session) => Promise<T>): Promise<T> =>
  withPgSession({ connectionString: urlOf(database) }, work);

/** One run's records of the database: the first counts or reads rows; the second compares row versions. */
class Recorder {
  private readonly ports: Ports;
  private readonly evidence: RunEvidence;
  before: readonly TableContentDoc[] = [];

  constructor() {
    const databases = {
      single: false,
      withSession: <T>(_endpoint: unknown, work: (session: Session) => Promise<T>) => inDatabase(work),
    };
    this.ports = memoryPorts({ databases });
    this.evidence = evidenceOf(this.ports.evidence, "run-1");
  }

  async begin(read: () => Wish | undefined = () => undefined): Promise<void> {
    await this.evidence.createOnce(docName(Doc.production), { endpoint: { host: database, port: 5432 } });
    const record = await inDatabase((session) =>
      takeRecord(this.ports, this.evidence, {
        name: "before",
        target: "production",
        session,
        scope: { of: "all", read },
        since: undefined,
      }),
    );
    this.before = record?.tables ?? [];
  }

  /** Returns the differences, and the changes that made them, a line each. */
  async end(): Promise<{ differences: string[]; changes: string[] }> {
    const again = (name: RecordName, scope: Scope) =>
      inDatabase((session) =>
        takeRecord(this.ports, this.evidence, {
          name,
          target: "production",
          session,
          scope,
          since: "before",
        }),
      );
    const is = await again("after-production-data", { of: "since" });
    const record = await again("loss", { of: "expected", tables: this.before });
    const was = await requireMarkedRecord(this.evidence, "before");
    return {
      differences: compareContents(this.before, record?.tables ?? []).map(({ table }) => table),
      changes: observe(was, is as Moment).flatMap(tableTexts),
    };
  }
}

const BY_COLUMN = (): Wish => ({ mode: "full", byColumn: true });

async function told(change: string | (() => Promise<void>), read?: () => Wish | undefined) {
  const recorder = new Recorder();
  await recorder.begin(read);
  if (typeof change === "string") await inDatabase((session) => session.exec(change));
  else await change();
  return await recorder.end();
}

beforeEach(() => inDatabase((session) => session.exec(SET_UP)));

describe("a table stays proven, though none of its values was read, after", () => {
  test.each([
    ["nothing", "SELECT 1"],
    ["VACUUM FULL", "VACUUM FULL t"],
    ["CLUSTER", "CLUSTER t USING t_pkey"],
    ["VACUUM FREEZE", "VACUUM FREEZE t"],
    ["REINDEX and ANALYZE", "REINDEX TABLE t; ANALYZE t"],
    ["an UPDATE that was rolled back", "BEGIN; UPDATE t SET n = 0; DELETE FROM other; ROLLBACK"],
    ["rows that were locked", "BEGIN; SELECT FROM t FOR UPDATE; COMMIT"],
    ["a column that was added", "ALTER TABLE t ADD COLUMN x int DEFAULT 7"],
    ["an index that was built", "CREATE INDEX ON t (n)"],
  ])("%s", async (_what, change) => {
    expect(await told(change)).toEqual({ differences: [], changes: [] });
  });
});

describe("row versions show", () => {
  test.each([
    ["rows added", "INSERT INTO t (id) VALUES (101), (102)", "adds 2 rows to t"],
    ["rows removed", "DELETE FROM t WHERE id <= 3", "removes 3 of 100 rows from t"],
    ["TRUNCATE", "TRUNCATE t", "removes 100 of 100 rows from t"],
    [
      "a row written in a savepoint",
      "BEGIN; SAVEPOINT s; INSERT INTO t (id) VALUES (101); RELEASE s; COMMIT",
      "adds 1 row to t",
    ],
    [
      "a row written in an EXCEPTION block",
      "DO $$ BEGIN BEGIN INSERT INTO t (id) VALUES (101); EXCEPTION WHEN OTHERS THEN NULL; END; END $$",
      "adds 1 row to t",
    ],
    [
      "rows that were frozen as they were copied in",
      "BEGIN; TRUNCATE t; COPY t (id) FROM PROGRAM 'echo 7' (FREEZE); COMMIT",
      "replaces 100 of 100 rows of t by 1",
    ],
    ["a table that is gone", "DROP TABLE t", "drops t with 100 rows"],
    [
      "a table that was made again with the same rows",
      "ALTER TABLE t RENAME TO kept; CREATE TABLE t (LIKE kept INCLUDING ALL); INSERT INTO t SELECT * FROM kept; DROP TABLE kept",
      "drops t with 100 rows and makes another of that name",
    ],
    [
      "a column that was made again",
      "ALTER TABLE t DROP COLUMN n; ALTER TABLE t ADD COLUMN n int",
      "drops t.n",
    ],
    [
      "a type that is written alike, and is another",
      "CREATE DOMAIN d AS int; ALTER TABLE t ALTER n TYPE d",
      "changes the type of t.n from integer to public.d",
    ],
    [
      "a longer varchar",
      "ALTER TABLE t ALTER name TYPE varchar(20)",
      "changes the type of t.name from character varying(10) to character varying(20)",
    ],
    [
      "a timestamp that became one with a zone, without a rewrite",
      "SET TimeZone = 'UTC'; ALTER TABLE t ALTER at TYPE timestamptz",
      "changes the type of t.at from timestamp without time zone to timestamp with time zone",
    ],
  ])("%s", async (_what, change, text) => {
    const { differences, changes } = await told(change);
    expect(changes).toEqual([text]);
    expect(differences).toEqual(["public.t"]);
  });

  test("that a type changed with a rewrite, though the values of the others are the same", async () => {
    const change = "SET TimeZone = 'Europe/Berlin'; ALTER TABLE t ALTER at TYPE timestamptz";
    expect((await told(change, BY_COLUMN)).changes).toEqual([
      "changes the type of t.at from timestamp without time zone to timestamp with time zone",
    ]);
  });

  test("that rows were written again with the same values", async () => {
    const change = "ALTER TABLE t ADD COLUMN x uuid DEFAULT gen_random_uuid()";
    expect((await told(change, BY_COLUMN)).changes).toEqual([]);
    expect((await told(`${change.replace("x uuid", "y uuid")}`)).differences).toEqual(["public.t"]);
  });

  test.each([
    ["the columns that changed", "UPDATE t SET n = n + 1 WHERE id <= 7", "changes t.n in 7 of 100 rows"],
    [
      "values that changed places",
      "UPDATE t SET n = 3 - n WHERE id IN (1, 2)",
      "changes t.n in 2 of 100 rows",
    ],
    [
      "other rows instead of those",
      "UPDATE t SET id = id + 1000 WHERE id <= 2",
      "changes or replaces 2 of 100 rows of t",
    ],
    [
      "a column under its new name",
      "ALTER TABLE t RENAME n TO m; UPDATE t SET m = 0 WHERE id = 1",
      "changes t.n in 1 of 100 rows",
    ],
    ["a table under its new name", "ALTER TABLE t RENAME TO u", "renames t to u"],
  ])("%s", async (_what, change, text) => {
    expect((await told(change, BY_COLUMN)).changes).toContain(text);
  });
});

describe("what was under way at the mark counts as written after it", () => {
  test("in a transaction that began before the record and commits after it", async () => {
    const recorder = new Recorder();
    await inDatabase(async (late) => {
      await late.exec(
        "BEGIN; SAVEPOINT s; UPDATE t SET n = 0 WHERE id = 1; RELEASE s; INSERT INTO other VALUES (11)",
      );
      await recorder.begin();
      await late.exec("COMMIT");
    });
    expect((await recorder.end()).differences).toEqual(["public.other", "public.t"]);
  });

  test("in a prepared transaction, its savepoints too", async () => {
    const recorder = new Recorder();
    await inDatabase(async (session) => {
      await session.exec(
        "BEGIN; SAVEPOINT s; UPDATE t SET n = 0 WHERE id = 1; RELEASE s; PREPARE TRANSACTION 'late'",
      );
      await recorder.begin();
      await session.exec("COMMIT PREPARED 'late'");
    });
    expect((await recorder.end()).differences).toEqual(["public.t"]);
  });

  test("while another database's transactions raise no alarm", async () => {
    await withPgSession({ connectionString: NATIVE_URL }, async (elsewhere) => {
      await elsewhere.exec("BEGIN; SELECT pg_current_xact_id()");
      await inDatabase((session) => session.exec("UPDATE t SET n = n"));
      expect(await told("SELECT 1")).toEqual({ differences: [], changes: [] });
      await elsewhere.exec("ROLLBACK");
    });
  });

  test("and what was committed beside it before the record raises no alarm: its values are read", async () => {
    await inDatabase(async (slow) => {
      await slow.exec("BEGIN; SELECT pg_current_xact_id()");
      await inDatabase((session) => session.exec("UPDATE t SET n = n"));
      const recorder = new Recorder();
      await recorder.begin();
      expect(recorder.before.find(({ table }) => table === "public.t")?.checksum).not.toBeNull();
      await slow.exec("COMMIT");
      expect(await recorder.end()).toEqual({ differences: [], changes: [] });
    });
  });
});

describe("rows are reported with the table that holds them", () => {
  test("when they move from partition to partition", async () => {
    await inDatabase((session) =>
      session.exec(`CREATE TABLE p (id int, part int) PARTITION BY LIST (part);
        CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2);
        INSERT INTO p SELECT i, 1 FROM generate_series(1, 10) i`),
    );
    expect((await told("UPDATE p SET part = 2 WHERE id = 1")).changes).toEqual([
      "removes 1 of 10 rows from p1",
      "adds 1 row to p2",
    ]);
  });

  test("and not by one that others inherit from", async () => {
    await inDatabase((session) =>
      session.exec("CREATE TABLE child () INHERITS (other); INSERT INTO child VALUES (1)"),
    );
    expect((await told("INSERT INTO child VALUES (2)")).changes).toEqual(["adds 1 row to child"]);
  });

  test("and stay where they are when it becomes a partition", async () => {
    const change = `ALTER TABLE other RENAME TO other_first; CREATE TABLE other (id int PRIMARY KEY) PARTITION BY RANGE (id);
      ALTER TABLE other ATTACH PARTITION other_first FOR VALUES FROM (MINVALUE) TO (MAXVALUE)`;
    expect((await told(change)).changes).toEqual([
      "renames other to other_first and makes it a partition of other",
    ]);
  });
});
