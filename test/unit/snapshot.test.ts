import { describe, expect, test } from "vitest";
import { Doc } from "../../lambdas/shared/documents.ts";
import { evidenceOf } from "../../lambdas/shared/evidence.ts";
import { snapshotName } from "../../lambdas/shared/names.ts";
import type { ArchivedSnapshot, Instances, Snapshot, Tags } from "../../lambdas/shared/ports.ts";
import { invoke } from "../../lambdas/shared/task.ts";
import { snapshotTask } from "../../lambdas/snapshot/task.ts";
import { memoryPorts } from "../support/ports.ts";

const RUN = "2026-11-03-first";
const TAKE = { action: "take" };
const BACK_UP = { action: "backUp" };

/** Instances that show a snapshot in these statuses, one after the other, after the request. */
function environment(statuses: readonly Snapshot["status"][], copies: ArchivedSnapshot[] = []) {
  const asked: { id: string; tags: Tags }[] = [];
  const archived: { id: string; tags: Tags }[] = [];
  const left = [...statuses];
  const ports = memoryPorts({ settings: { retentionDays: 30 } });
  ports.instances = {
    describeSnapshot: async (id) => {
      const status = asked.length > 0 ? (left.length > 1 ? left.shift() : left[0]) : undefined;
      return (
        status && {
          id,
          instance: "orders-prod",
          status,
          statusText: status,
          createdAt: "2026-11-03T02:00:00.000Z",
          sizeBytes: 42,
          engineVersion: "17.4",
          encrypted: true,
          kmsKey: "arn:key",
        }
      );
    },
    startSnapshot: async (id, _instance, tags) => void asked.push({ id, tags }),
  } satisfies Partial<Instances> as Instances;
  ports.archive = {
    start: async (id, tags) => {
      archived.push({ id, tags });
      return copies;
    },
  };
  const call = (event: object) =>
    invoke(
      snapshotTask,
      { run: RUN, execution: "e", planChecksum: "x".repeat(64), state: "s", ...event },
      ports,
    );
  return { asked, archived, call, ports, evidence: evidenceOf(ports.evidence, RUN) };
}

describe("a snapshot", () => {
  test("is requested once, awaited, and noted with all its facts", async () => {
    const { asked, call, evidence } = environment(["pending", "available"]);
    expect(await call(BACK_UP)).toMatchObject({ status: "running" });
    expect(await call(BACK_UP)).toEqual({ status: "done" });
    expect(asked).toHaveLength(1);
    expect(await evidence.require(Doc.snapshot("final"))).toEqual({
      at: "2026-11-03T02:00:00.000Z",
      beganAt: "2026-11-03T02:00:00.000Z",
      id: snapshotName(RUN, "final"),
      instance: "orders-prod",
      createdAt: "2026-11-03T02:00:00.000Z",
      sizeBytes: 42,
      engineVersion: "17.4",
      encrypted: true,
      kmsKey: "arn:key",
      keepUntil: "2026-12-03",
    });
  });

  test("carries the run, its purpose and, if it is the way back, its expiry", async () => {
    const { asked, call } = environment(["available"]);
    await call(BACK_UP);
    expect(asked[0]?.tags).toEqual({
      "sluice:run": RUN,
      "sluice:purpose": "final",
      "sluice:keep-until": "2026-12-03",
    });
    const rehearsal = environment(["available"]);
    await rehearsal.call({ ...TAKE, purpose: "rehearsal" });
    expect(rehearsal.asked[0]?.tags).toEqual({ "sluice:run": RUN, "sluice:purpose": "rehearsal" });
  });

  test("has the organization's tags, if there are any, and so do its copies", async () => {
    const { asked, archived, call, ports } = environment(["available"], []);
    ports.settings = { ...ports.settings, tags: { "cost-center": "4711" } };
    await call(BACK_UP);
    await call({ action: "archive" });
    for (const { tags } of [...asked, ...archived])
      expect(tags).toMatchObject({ "cost-center": "4711", "sluice:run": RUN });
  });

  test("is final if it failed: nothing can be restored from it", async () => {
    const { call } = environment(["failed"]);
    await expect(call(BACK_UP)).rejects.toMatchObject({ name: "FleetFailed" });
  });
});

describe("sending the final snapshot away", () => {
  const copy = (status: ArchivedSnapshot["status"]): ArchivedSnapshot => ({
    kind: "copy",
    where: "Region eu-west-1",
    id: "arn:copy",
    status,
    statusText: status,
  });

  test("is begun and noted, and not waited for", async () => {
    const { archived, call, evidence } = environment([], [copy("pending")]);
    expect(await call({ action: "archive" })).toEqual({ status: "done" });
    expect(archived).toEqual([
      {
        id: snapshotName(RUN, "final"),
        tags: expect.objectContaining({ "sluice:keep-until": "2026-12-03" }),
      },
    ]);
    expect(await evidence.require(Doc.archived)).toMatchObject({ copies: [copy("pending")] });
  });

  test("ends the run before anything is migrated if it fails at once", async () => {
    const { call } = environment([], [copy("failed")]);
    await expect(call({ action: "archive" })).rejects.toMatchObject({
      name: "FleetFailed",
      message: expect.stringContaining("to Region eu-west-1 is failed"),
    });
  });
});
