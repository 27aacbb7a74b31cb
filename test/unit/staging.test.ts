import { describe, expect, test } from "vitest";
import { Doc } from "../../lambdas/shared/documents.ts";
import { evidenceOf } from "../../lambdas/shared/evidence.ts";
import { snapshotName, stagingName } from "../../lambdas/shared/names.ts";
import type { DatabaseFleet } from "../../lambdas/shared/ports.ts";
import { invoke } from "../../lambdas/shared/task.ts";
import { stagingTask } from "../../lambdas/staging/task.ts";
import { memoryPorts } from "../support/ports.ts";

const RUN = "2026-11-03-first";
const REHEARSAL = snapshotName(RUN, "rehearsal");
const FINAL = snapshotName(RUN, "final");

/** A fleet of which each deletion is seen only when it was asked for so often. */
function world({ instances = [stagingName(RUN)], snapshots = [REHEARSAL, FINAL], asks = 1 } = {}) {
  const left = new Map([...instances, ...snapshots].map((id) => [id, asks]));
  const ask = async (id: string) => {
    const more = (left.get(id) ?? 0) - 1;
    if (more > 0) left.set(id, more);
    else left.delete(id);
  };
  const there = { identity: "db-1", status: "available", statusText: "available" } as const;
  const ports = memoryPorts();
  ports.fleet = {
    ...ports.fleet,
    describe: async (id) => (left.has(id) ? { id, ...there, engineVersion: "17", settings: {} } : undefined),
    describeSnapshot: async (id) => (left.has(id) ? { id, ...there, instance: "orders-prod" } : undefined),
    startDelete: ask,
    deleteSnapshot: ask,
  } satisfies Partial<DatabaseFleet> as DatabaseFleet;
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
    const { run, left } = world();
    expect(await run("delete")).toBe("done");
    expect(left()).toEqual([FINAL]);
    expect(await run("delete")).toBe("done");
  });

  test("it waits until both are gone, staging first", async () => {
    const { run, left } = world({ asks: 2 });
    expect(await run("delete")).toBe("running");
    expect(left()).toContain(REHEARSAL);
    expect(await run("delete")).toBe("running");
    expect(await run("delete")).toBe("done");
    expect(left()).toEqual([FINAL]);
  });

  test("there may be neither", async () => {
    const { run, left } = world({ instances: [], snapshots: [FINAL] });
    expect(await run("delete")).toBe("done");
    expect(left()).toEqual([FINAL]);
  });

  test("what is known of the snapshot stays in the evidence", async () => {
    const { run, ports } = world();
    const evidence = evidenceOf(ports.evidence, RUN);
    await evidence.keep(Doc.snapshot("rehearsal"), { id: REHEARSAL });
    await run("delete");
    expect(await evidence.read(Doc.snapshot("rehearsal"))).toEqual({ id: REHEARSAL });
  });
});

test("letting staging go after the rehearsal touches no snapshot and waits for nothing", async () => {
  const { run, left } = world({ asks: 2 });
  expect(await run("letGo")).toBe("done");
  expect(left()).toContain(REHEARSAL);
});
