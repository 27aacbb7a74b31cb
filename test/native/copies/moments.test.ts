import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type BackupDoc, docName, type MomentDoc, type ProofDoc } from "../../../lambdas/shared/documents.ts";
import type { PointInTime } from "../../../lambdas/shared/ports.ts";
import { requireRow, type Session } from "../../../lambdas/shared/session.ts";
import { PhysicalInstances } from "../../../local/copies/physical-instances.ts";
import { addressIn } from "../../../local/server/address.ts";
import { type NativeDatabase, tinyDatabase } from "../../support/native.ts";
import { type RunOptions, runPlan } from "../../support/rehearsal.ts";
import { type SourceServer, startSource, until } from "../../support/source-server.ts";
import { waysBackPlan } from "../../support/ways-back.ts";

let database: NativeDatabase;
let source: SourceServer;
let instances: PhysicalInstances;

beforeAll(async () => {
  database = await tinyDatabase();
  source = await startSource();
  await source.session("postgres", (s) =>
    s.exec("ALTER ROLE notes_owner REPLICATION; GRANT pg_read_all_settings TO notes_owner"),
  );
  await source.session(database.name, (s) =>
    s.exec("CREATE TABLE written (id int PRIMARY KEY); ALTER TABLE written OWNER TO notes_owner"),
  );
  instances = await copied(1);
});
afterAll(async () => {
  await instances?.close();
  await source?.close();
  await database?.drop();
});
beforeEach(() => on("production", (s) => s.exec("TRUNCATE written")));

async function copied(walEverySeconds: number): Promise<PhysicalInstances> {
  const made = await PhysicalInstances.at(
    addressIn(source.urlOf(database.name, "notes_owner")),
    walEverySeconds,
  );
  await made.copy("production");
  return made;
}

async function on<T>(instance: string, work: (session: Session) => Promise<T>): Promise<T> {
  const found = await instances.describe(instance);
  if (!found?.endpoint) throw new Error(`There is no ${instance}`);
  return await instances.withSession(found.endpoint, work);
}
const write = (id: number, instance = "production") =>
  on(instance, (s) => s.exec(`INSERT INTO written VALUES (${id})`));
const written = (instance: string) =>
  on(instance, async (s) =>
    (await s.query<{ id: number }>("SELECT id FROM written ORDER BY id")).map((row) => row.id),
  );
const now = () =>
  on("production", async (s) => (await requireRow<{ now: Date }>(s, "SELECT clock_timestamp() AS now")).now);

/** Returns the next whole second, once it has passed: earlier commits are before it, later ones after it. */
async function passedSecond(): Promise<string> {
  const second = Math.floor((await now()).getTime() / 1000 + 1) * 1000;
  await until(async () => (await now()).getTime() > second);
  return new Date(second).toISOString();
}

async function pointAt(at: string): Promise<PointInTime> {
  const identity = (await instances.describe("production"))?.identity ?? "";
  const moment = { at, lsn: null, timeline: null };
  return { name: "moment", instance: "production", aside: "aside", identity, moment };
}
/** Restores it as an instance of its own. @returns the instance's name */
async function restored(point: PointInTime): Promise<string> {
  made += 1;
  const instance = `restored-${made}`;
  await until(async () => (await instances.moments.startRestore(point, instance)) === undefined);
  return instance;
}
let made = 0;

describe("a physical copy is restored to a moment", () => {
  test("with everything that had committed before it, and nothing later", async () => {
    await write(1);
    const point = await pointAt(await passedSecond());
    await write(2);
    const instance = await restored(point);
    expect(await written(instance)).toEqual([1]);
    expect(await written("production")).toEqual([1, 2]);
    // It is a server of its own, in use like any other, and the same one by its number.
    await write(3, instance);
    expect(await written(instance)).toEqual([1, 3]);
    const system = (name: string) =>
      on(name, (s) => s.query("SELECT system_identifier FROM pg_control_system()"));
    expect(await system(instance)).toEqual(await system("production"));
  });

  test("at which nobody wrote, nor since", async () => {
    const point = await pointAt(await passedSecond());
    expect(await written(await restored(point))).toEqual([]);
  });

  test("also when it was moved aside since", async () => {
    await write(1);
    const point = await pointAt(await passedSecond());
    await write(2);
    await instances.startRename("production", "aside");
    await until(async () => (await instances.moments.startRestore(point, "production")) === undefined);
    expect(await written("production")).toEqual([1]);
    expect(await written("aside")).toEqual([1, 2]);
    expect((await instances.describe("production"))?.identity).not.toBe(point.identity);
    await instances.startDelete("production");
    await instances.startRename("aside", "production");
  });

  test("in the midst of writes: exactly those that had committed by that second are there", async () => {
    const writes: { id: number; before: number; after: number }[] = [];
    await on("production", async (s) => {
      const end = Date.now() + 2_500;
      for (let id = 1; Date.now() < end; id += 1) {
        const before = Date.now();
        await s.exec(`INSERT INTO written VALUES (${id})`);
        writes.push({ id, before, after: Date.now() });
      }
    });
    const second = Math.ceil((writes[0]?.after ?? 0) / 1000) * 1000;
    const surely = writes.filter(({ after }) => after < second).map(({ id }) => id);
    const maybe = writes.filter(({ before }) => before <= second).map(({ id }) => id);
    expect(surely.length).toBeGreaterThan(0);
    expect(maybe.length).toBeLessThan(writes.length);
    const there = await written(await restored(await pointAt(new Date(second).toISOString())));
    expect(there).toEqual(maybe.slice(0, there.length));
    expect(there.length).toBeGreaterThanOrEqual(surely.length);
  });

  test("with transactions that were prepared and not decided then", async () => {
    await on("production", (s) =>
      s.exec("BEGIN; INSERT INTO written VALUES (1); PREPARE TRANSACTION 'undecided'"),
    );
    const point = await pointAt(await passedSecond());
    await on("production", (s) => s.exec("COMMIT PREPARED 'undecided'"));
    const instance = await restored(point);
    expect(await written(instance)).toEqual([]);
    await on(instance, (s) => s.exec("COMMIT PREPARED 'undecided'"));
    expect(await written(instance)).toEqual([1]);
  });

  test("once, however often it is requested; and again under another name", async () => {
    await write(1);
    const point = await pointAt(await passedSecond());
    const instance = await restored(point);
    await write(2, instance);
    expect(await instances.moments.startRestore(point, instance)).toBeUndefined();
    expect(await written(instance)).toEqual([1, 2]);
    expect(await written(await restored(point))).toEqual([1]);
  });

  test("over many segments of the WAL", async () => {
    await on("production", (s) =>
      s.exec(
        "CREATE TABLE large AS SELECT i, repeat(md5(i::text), 30) AS t FROM generate_series(1, 60000) i",
      ),
    );
    const point = await pointAt(await passedSecond());
    await on("production", (s) => s.exec("DROP TABLE large"));
    expect(await on(await restored(point), (s) => s.query("SELECT count(*)::int AS n FROM large"))).toEqual([
      { n: 60000 },
    ]);
  });
});

/** Returns a moment requested before the WAL was sent that far. If it was sent in the same second, tries again. */
async function tooEarly(): Promise<PointInTime> {
  const point = await pointAt(await passedSecond());
  const begun = await instances.moments.startRestore(point, "early");
  if (!begun) {
    await instances.startDelete("early");
    return await tooEarly();
  }
  expect(begun).toEqual({
    waits: { why: expect.stringContaining(`not to ${point.moment.at}`) },
    without: [],
  });
  expect(await instances.describe("early")).toBeUndefined();
  return point;
}

describe("a moment that cannot be restored", () => {
  test("yet, as the WAL is sent away every so often, is waited for; then it can be", async () => {
    const often = instances;
    instances = await copied(5);
    try {
      await write(1);
      const point = await tooEarly();
      await write(2);
      await until(async () => (await instances.moments.describe(point)).status === "available");
      expect(await written(await restored(point))).toEqual([1]);
    } finally {
      await instances.close();
      instances = often;
    }
  });

  test("as it was before the base backup never can", async () => {
    const point = await pointAt(
      new Date(Date.parse((await instances.moments.baseAt("production")) ?? "") - 1000).toISOString(),
    );
    expect(await instances.moments.describe(point)).toMatchObject({ status: "failed" });
    await expect(instances.moments.startRestore(point, "never")).rejects.toMatchObject({
      name: "FleetFailed",
    });
  });

  test("as only production is backed up", async () => {
    await instances.startSnapshot("snapshot", "production");
    await instances.startRestore("snapshot", "staging");
    expect(await instances.describe("staging")).toMatchObject({ backups: { days: 0 } });
    expect((await instances.describe("production"))?.backups?.days).toBeGreaterThan(0);
    expect(await instances.moments.baseAt("staging")).toBeUndefined();
    const identity = (await instances.describe("staging"))?.identity ?? "";
    expect(
      await instances.moments.describe({ ...(await pointAt(new Date().toISOString())), identity }),
    ).toMatchObject({
      status: "failed",
    });
  });
});

describe("a whole run with a physical copy", () => {
  const wholeRun = (options: RunOptions) =>
    runPlan({
      ...{ databaseUrl: source.urlOf(database.name, "notes_owner"), copy: "physical", fence: "none" },
      ...options,
    });

  test("whose rollback fails is restored to the moment that was noted, and proven", async () => {
    const { end, evidence, states } = await wholeRun({
      fail: ["Roll back 003"],
      noGo: ["after-003"],
    });
    expect({ end: end.end, cause: end.cause }).toMatchObject({ end: "Restored" });
    expect(await evidence.require(docName<BackupDoc>("backup"))).toMatchObject({ by: "point-in-time" });
    expect(states).toContain("Wait for the backup");
    expect(
      (await evidence.require(docName<ProofDoc>("proofs/production-restored"))).scope?.proven.join(),
    ).toMatch(/the moment .*transactions reach the last one before it/);
    expect(end.leftBehind).toEqual([]);
  }, 600_000);

  test("whose way back is the restore rehearses that to a moment", async () => {
    const plan = await waysBackPlan({ restoreOnly: ["003"] });
    const { end, evidence } = await wholeRun({ plan, noGo: ["after-003"] });
    expect({ end: end.end, cause: end.cause }).toMatchObject({ end: "Restored" });
    const { moment } = await evidence.require(docName<MomentDoc>("moments/rehearsal"));
    expect(
      (await evidence.require(docName<ProofDoc>("proofs/restore-rehearsed"))).scope?.proven.join(),
    ).toContain("transactions reach the last one");
    expect(Date.parse(moment.at)).toBeLessThan(
      Date.parse((await evidence.require(docName<MomentDoc>("moments/final"))).moment.at),
    );
  }, 600_000);
});
