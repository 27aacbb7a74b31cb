import { beforeEach, describe, expect, test } from "vitest";
import { noteMoment, passMoment, proveMoment, readServerClock } from "../../lambdas/moments/moment.ts";
import { Doc, docName, type MomentDoc } from "../../lambdas/shared/documents.ts";
import { evidenceOf } from "../../lambdas/shared/evidence.ts";
import { useEmbedded } from "../support/embedded.ts";
import { memoryPorts } from "../support/ports.ts";

const session = useEmbedded("CREATE TABLE note (id int)");

const environment = async (by: "archive" | "copy" = "archive", clockAheadMs?: number) => {
  const ports = memoryPorts();
  ports.clock.now = () => new Date();
  const evidence = evidenceOf(ports.evidence, "run-1");
  await evidence.createOnce(docName(Doc.production), { identity: "db-1", moments: { by, baseAt: null } });
  if (clockAheadMs !== undefined)
    await evidence.createOnce(docName(Doc.backup), { by: "point-in-time", why: [], clockAheadMs });
  return {
    ports,
    evidence,
    note: () => noteMoment(session, "final", ports, evidence),
    pass: () => passMoment(session, "final", ports, evidence),
  };
};

/** Returns the server's time for a transaction that begins now. */
const serverTime = async () => (await readServerClock(session, { now: () => new Date() })).time;

let before: string;
beforeEach(async () => {
  await session.exec("DROP SCHEMA IF EXISTS sluice CASCADE; INSERT INTO note VALUES (1)");
  before = await serverTime();
});

test("a moment is a whole second that comes after all that has committed, and before what comes next", async () => {
  const { note, pass, evidence } = await environment();
  const { moment, transaction } = await note();
  expect(moment.at).toMatch(/:\d\d\.000Z$/);
  expect(Date.parse(moment.at)).toBeGreaterThan(Date.parse(before));
  expect(moment.lsn).toMatch(/^[0-9A-F]+\/[0-9A-F]+$/);
  expect(moment.timeline).toBe(1);
  await pass();
  expect(Date.parse(await serverTime())).toBeGreaterThan(Date.parse(moment.at));
  const passed = await evidence.require(Doc.momentPassed("final"));
  // So recovery finds a commit after the moment, even if no other session works on the server.
  expect(BigInt(passed.transaction)).toBeGreaterThan(BigInt(transaction));
  const [status] = await session.query("SELECT pg_xact_status($1::text::xid8) AS status", [
    passed.transaction,
  ]);
  expect(status).toEqual({ status: "committed" });
});

test("of instances that are copied it is the current moment, without a wait", async () => {
  const { note, pass } = await environment("copy");
  const { moment } = await note();
  expect(Math.abs(Date.parse(moment.at) - Date.parse(before))).toBeLessThan(1_000);
  await pass();
});

test("a worker that replaces a dead one keeps its moment", async () => {
  const { note, pass, evidence } = await environment();
  const first = await note();
  expect(await note()).toEqual(first);
  await pass();
  const passed = await evidence.require(Doc.momentPassed("final"));
  await pass();
  expect(await evidence.require(Doc.momentPassed("final"))).toEqual(passed);
});

test("where there is no moment nothing is waited for, and nothing written", async () => {
  const { pass, evidence } = await environment();
  await pass();
  expect(await evidence.list("moments/")).toEqual([]);
});

describe("a server's clock that was set back", () => {
  const aheadBy = async (ms: number) =>
    (await readServerClock(session, { now: () => new Date() })).aheadMs + ms;

  test.each([5_000, 900])("by %i ms puts the moment after everything that was dated before", async (ms) => {
    // In the middle of a second: the next one would be too soon for either.
    await session.query("SELECT pg_sleep((1.5 - extract(epoch FROM clock_timestamp())::numeric % 1) % 1)");
    const dated = Date.parse(await serverTime());
    const { note } = await environment("archive", await aheadBy(ms));
    const { moment } = await note();
    expect(Date.parse(moment.at)).toBeGreaterThan(dated + ms);
  });

  test("by more is refused: transactions of before would be missing", async () => {
    const { note, evidence } = await environment("archive", await aheadBy(60_000));
    await expect(note()).rejects.toMatchObject({
      name: "BackupMismatch",
      message: expect.stringMatching(/set back by about \d+ s.*backup: snapshot/),
    });
    expect(await evidence.list("moments/")).toEqual([]);
  });

  test("after the moment was noted is refused: no restore would find it", async () => {
    const { evidence, pass } = await environment();
    await evidence.createOnce(docName(Doc.moment("final")), {
      moment: { at: new Date(Date.now() + 3_600_000).toISOString(), lsn: null, timeline: null },
      notedAt: new Date().toISOString(),
    });
    await expect(pass()).rejects.toMatchObject({
      name: "BackupMismatch",
      message: expect.stringMatching(/clock was set back.*still 3\d\d\d s ahead/),
    });
  });

  test("is no matter where the worker's own clock is off by hours, as long as it keeps going", async () => {
    const { ports, evidence, note } = await environment();
    ports.clock.now = () => new Date(Date.now() - 5 * 3_600_000);
    const { aheadMs } = await readServerClock(session, ports.clock);
    await evidence.createOnce(docName(Doc.backup), { by: "point-in-time", why: [], clockAheadMs: aheadMs });
    const { moment } = await note();
    expect(Date.parse(moment.at) - Date.parse(before)).toBeLessThan(2_000);
  });
});

describe("a database that was restored to the moment", () => {
  const noted = async (): Promise<MomentDoc> => (await environment()).note();

  test("holds the last transaction before it, and no migration of the run", async () => {
    const doc = await noted();
    expect(await proveMoment(session, doc, "run-1")).toMatchObject({
      differences: [],
      proven: [expect.stringContaining(doc.transaction)],
    });
  });

  test("is recognized if it is at an earlier moment", async () => {
    const doc = await noted();
    const later = { ...doc, transaction: String(BigInt(doc.transaction) + 1_000n) };
    expect((await proveMoment(session, later, "run-1")).differences).toEqual([
      expect.stringMatching(/restored to an earlier moment .* is not there$/),
    ]);
  });
});
