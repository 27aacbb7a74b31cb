import { describe, expect, test } from "vitest";
import { warningsFor } from "../../lambdas/gate/warnings.ts";
import { Doc, docName } from "../../lambdas/shared/documents.ts";
import { evidenceOf } from "../../lambdas/shared/evidence.ts";
import { quietName, snapshotName, stagingName } from "../../lambdas/shared/names.ts";
import type { Instance, Instances, RestoreBegun, StorageWork, Tags } from "../../lambdas/shared/ports.ts";
import { invoke } from "../../lambdas/shared/task.ts";
import { stagingTask } from "../../lambdas/staging/task.ts";
import { memoryPorts } from "../support/ports.ts";

const RUN = "2026-11-03-first";
const REHEARSAL = snapshotName(RUN, "rehearsal");
const FINAL = snapshotName(RUN, "final");

/** Instances whose deletions become visible after so many requests. */
function environment({ instances = [stagingName(RUN)], snapshots = [REHEARSAL, FINAL], asks = 1 } = {}) {
  const left = new Map([...instances, ...snapshots].map((id) => [id, asks]));
  const ask = async (id: string) => {
    const more = (left.get(id) ?? 0) - 1;
    if (more > 0) left.set(id, more);
    else left.delete(id);
  };
  const there = { identity: "db-1", status: "available", statusText: "available" } as const;
  const ports = memoryPorts();
  ports.instances = {
    ...ports.instances,
    describe: async (id) => (left.has(id) ? { id, ...there, engineVersion: "17", settings: {} } : undefined),
    describeSnapshot: async (id) => (left.has(id) ? { id, ...there, instance: "orders-prod" } : undefined),
    startDelete: ask,
    deleteSnapshot: ask,
  } satisfies Partial<Instances> as Instances;
  const run = async (action: "letGo" | "delete") =>
    (
      await invoke(
        stagingTask,
        { run: RUN, execution: "e", planChecksum: "x".repeat(64), state: "Delete staging", action },
        ports,
      )
    ).status;
  return { run, ports, left: () => [...left.keys()] };
}

describe("when the run closes", () => {
  test("staging and the rehearsal's snapshot are deleted, the final one is kept", async () => {
    const { run, left } = environment();
    expect(await run("delete")).toBe("done");
    expect(left()).toEqual([FINAL]);
    expect(await run("delete")).toBe("done");
  });

  test("the copy for the rehearsed restore is deleted too, and waited for", async () => {
    const { run, left } = environment({ instances: [stagingName(RUN), stagingName(RUN, true)], asks: 2 });
    expect(await run("delete")).toBe("running");
    expect(left()).toContain(REHEARSAL);
    for (let call = 0; call < 3; call++) await run("delete");
    expect(left()).toEqual([FINAL]);
  });

  test("it waits until both are gone, staging first", async () => {
    const { run, left } = environment({ asks: 2 });
    expect(await run("delete")).toBe("running");
    expect(left()).toContain(REHEARSAL);
    expect(await run("delete")).toBe("running");
    expect(await run("delete")).toBe("done");
    expect(left()).toEqual([FINAL]);
  });

  test("its parameter group goes last, and is waited for", async () => {
    const { run, ports } = environment();
    let asked = 0;
    ports.instances.deleteQuiet = async (group) => {
      expect(group).toBe(quietName(RUN));
      asked += 1;
      return asked > 1;
    };
    await evidenceOf(ports.evidence, RUN).createOnce(docName(Doc.quiet), { group: quietName(RUN) });
    expect(await run("delete")).toBe("running");
    expect(await run("delete")).toBe("done");
  });

  test("a group that the instance moved aside still uses is no reason to wait", async () => {
    const { run, ports } = environment();
    ports.instances.deleteQuiet = async () => false;
    const evidence = evidenceOf(ports.evidence, RUN);
    await evidence.createOnce(docName(Doc.quiet), { group: quietName(RUN) });
    await evidence.createOnce(docName(Doc.restore), { aside: "orders-prod-before-1" });
    expect(await run("delete")).toBe("done");
  });

  test("both may be missing", async () => {
    const { run, left } = environment({ instances: [], snapshots: [FINAL] });
    expect(await run("delete")).toBe("done");
    expect(left()).toEqual([FINAL]);
  });

  test("the snapshot's facts stay in the evidence", async () => {
    const { run, ports } = environment();
    const evidence = evidenceOf(ports.evidence, RUN);
    await evidence.createOnce(docName(Doc.snapshot("rehearsal")), { id: REHEARSAL });
    await run("delete");
    expect(await evidence.read(Doc.snapshot("rehearsal"))).toEqual({ id: REHEARSAL });
  });
});

test("releasing staging after the rehearsal touches no snapshot and waits for nothing", async () => {
  const { run, left } = environment({ asks: 2 });
  expect(await run("letGo")).toBe("done");
  expect(left()).toContain(REHEARSAL);
});

describe("restoring staging", () => {
  const ID = stagingName(RUN);
  async function restoring(begun?: RestoreBegun) {
    const ports = memoryPorts({ settings: { tags: { "cost-center": "4711" } } });
    const asked: { tags: Tags; anywhere: boolean | undefined }[] = [];
    let found: Instance | undefined;
    ports.instances = {
      describe: async () => found,
      startRestore: async (_from, _to, _like, _purpose, tags, anywhere) => {
        asked.push({ tags, anywhere });
        return begun;
      },
      finishRestore: async () => ({
        changing: false,
        refused: ["storage autoscaling: refused"],
        underWay: [],
      }),
    } satisfies Partial<Instances> as unknown as Instances;
    const evidence = evidenceOf(ports.evidence, RUN);
    await evidence.createOnce(docName(Doc.production), { settings: {} });
    const call = async () =>
      (
        await invoke(
          stagingTask,
          {
            run: RUN,
            execution: "e",
            planChecksum: "x".repeat(64),
            state: "Restore staging",
            action: "restore",
            snapshot: "rehearsal",
            limitMinutes: 360,
          },
          ports,
        )
      ).status;
    const comeUp = (storage?: StorageWork, more: Partial<Instance> = {}) => {
      found = {
        id: ID,
        identity: "db-2",
        status: "available",
        statusText: "available",
        endpoint: { host: "h", port: 1 },
        engineVersion: "17",
        settings: {},
        storage,
        ...more,
      };
    };
    return { ports, asked, evidence, call, comeUp };
  }

  test("gives it the organization's tags beside those of the run", async () => {
    const { asked, call } = await restoring();
    await call();
    expect(asked[0]?.tags).toEqual({
      "cost-center": "4711",
      "sluice:run": RUN,
      "sluice:purpose": "staging",
    });
  });

  test("waits for room until the state's own limit, and then reports the reason", async () => {
    const { asked, call, ports } = await restoring({ waits: { why: "no capacity" }, without: [] });
    expect(await call()).toBe("running");
    ports.clock.pass(16 * 60_000);
    expect(await call()).toBe("running");
    expect(asked.map(({ anywhere }) => anywhere)).toEqual([false, true]);
    ports.clock.pass(342 * 60_000);
    await expect(call()).rejects.toMatchObject({
      name: "FleetFailed",
      message: expect.stringContaining("no capacity"),
    });
  });

  test("creates it again if AWS accepted the request but then had no room", async () => {
    const { call, comeUp, ports } = await restoring();
    const deleted: string[] = [];
    ports.instances.startDelete = async (id) => void deleted.push(id);
    comeUp(undefined, { status: "failed", statusText: "insufficient-capacity", noRoom: true });
    expect(await call()).toBe("running");
    expect(deleted).toEqual([ID]);
  });

  test("continues without refused settings, and the gate shows what production would lack", async () => {
    const { call, comeUp, evidence, ports } = await restoring({ without: ["the option group: refused"] });
    await call();
    comeUp({ doing: "Initializing", percent: 12 });
    expect(await call()).toBe("done");
    comeUp({ doing: "Initializing", percent: 71 });
    ports.instances.startDelete = async () => undefined;
    await invoke(
      stagingTask,
      { run: RUN, execution: "e", planChecksum: "x".repeat(64), state: "Let staging go", action: "letGo" },
      ports,
    );
    expect(await warningsFor("rehearsal", evidence)).toEqual([
      "Staging lacks a setting of production, and a restored production would too: the option group: refused",
      "Staging lacks a setting of production, and a restored production would too: storage autoscaling: refused",
      "Staging's storage was at work while it was measured (Initializing, 12 % when it was first used, Initializing, 71 % at the end): its figures are on the slow side.",
    ]);
  });
});
