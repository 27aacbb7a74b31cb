import { describe, expect, test } from "vitest";
import { holdMoment, lastSeen, lookAtMoment, momentLine } from "../../lambdas/moments/look.ts";
import { replayedBytes } from "../../lambdas/moments/restore-cost.ts";
import { Doc, docName, type MomentDoc } from "../../lambdas/shared/documents.ts";
import { evidenceOf } from "../../lambdas/shared/evidence.ts";
import type { Instances, MomentState, Moments } from "../../lambdas/shared/ports.ts";
import { memoryPorts } from "../support/ports.ts";

const AT = "2026-11-03T02:10:07.000Z";
const MOMENT: MomentDoc = {
  name: "sluice-moment-final-1",
  instance: "orders-prod",
  aside: "orders-prod-before-1",
  identity: "db-1",
  moment: { at: AT, lsn: "0/1", timeline: 1 },
  notedAt: AT,
  transaction: "1",
  underWay: "2:2:",
};

async function environment({
  by = "archive",
  identity = "db-1",
}: {
  by?: Moments["by"];
  identity?: string | undefined;
} = {}) {
  const ports = memoryPorts();
  const evidence = evidenceOf(ports.evidence, "run-1");
  let state: MomentState = {
    status: "pending",
    statusText: "It reaches 02:05.",
    until: "2026-11-03T02:05:00.000Z",
  };
  let held = true;
  ports.instances = {
    describe: async (id: string) => (identity === "" ? undefined : { id, identity }),
    moments: { by, hold: async () => held, describe: async () => state },
  } as unknown as Instances;
  await evidence.createOnce(docName(Doc.production), { identity: "db-1", moments: { by, baseAt: null } });
  await evidence.createOnce(Doc.moment("final"), MOMENT);
  return {
    ports,
    evidence,
    is: (now: MomentState) => {
      state = now;
    },
    holds: (now: boolean) => {
      held = now;
    },
    hold: () => holdMoment("final", MOMENT, ports, evidence),
    look: () => lookAtMoment(ports, evidence),
  };
}

const available: MomentState = {
  status: "available",
  statusText: "It can.",
  until: "2026-11-03T02:15:00.000Z",
};
const failed: MomentState = { status: "failed", statusText: "Automated backups are off." };

describe("behind the fence", () => {
  test("backups that have not reached the moment yet are not waited for", async () => {
    const { hold, evidence } = await environment();
    expect(await hold()).toBe(true);
    expect(await evidence.require(Doc.momentHeld("final"))).toMatchObject({
      state: { status: "pending" },
    });
  });

  test("backups that were turned off since preflight end the run before anything is migrated", async () => {
    const { hold, is } = await environment();
    is(failed);
    await expect(hold()).rejects.toMatchObject({
      name: "FleetFailed",
      message: expect.stringMatching(
        /cannot be restored to .* Automated backups are off\. Nothing was migrated/,
      ),
    });
    // This also holds for the next worker, whatever the instances report then.
    is(available);
    await expect(hold()).rejects.toThrow(/are off/);
  });

  test.each([
    ["another instance has the name", "db-2", /another instance than the one that was admitted/],
    ["no instance has it", "", /is gone: its backups/],
  ])("if %s, the backups are not those of the recorded instance", async (_, identity, why) => {
    const { hold } = await environment({ identity });
    await expect(hold()).rejects.toThrow(why);
  });

  test("instances that are still copying are called again", async () => {
    const { hold, holds, evidence } = await environment({ by: "copy" });
    holds(false);
    expect(await hold()).toBe(false);
    expect(await evidence.read(Doc.momentHeld("final"))).toBeUndefined();
    holds(true);
    expect(await hold()).toBe(true);
  });
});

describe("at a gate", () => {
  test("the gate shows whether production can now be restored to the moment", async () => {
    const { hold, look, is, evidence, ports } = await environment();
    await hold();
    expect(await momentLine(evidence)).toMatch(
      /cannot be restored to 2026-11-03 02:10:07 UTC yet: its backups reach 2026-11-03 02:05:00 UTC/,
    );
    ports.clock.pass(60_000);
    is(available);
    await look();
    expect(await momentLine(evidence)).toMatch(
      /^Production can be restored to 2026-11-03 02:10:07 UTC, as of 02:01:00 UTC/,
    );
    ports.clock.pass(60_000);
    is(failed);
    await look();
    expect(await momentLine(evidence)).toMatch(/can NOT be restored .*are off/);
  });

  test("there is nothing to observe if the instance is copied", async () => {
    const { hold, evidence } = await environment({ by: "copy" });
    await hold();
    expect(await momentLine(evidence)).toBeUndefined();
  });

  test("nothing is observed if a snapshot was taken", async () => {
    const ports = memoryPorts();
    const evidence = evidenceOf(ports.evidence, "run-1");
    await lookAtMoment(ports, evidence);
    expect(await lastSeen(evidence)).toBeUndefined();
  });

  test("more than nine readings keep their order", async () => {
    const { look, is, evidence, ports } = await environment();
    for (let n = 0; n < 11; n++) {
      ports.clock.pass(1_000);
      is(n === 10 ? available : { status: "pending", statusText: `look ${n}` });
      await look();
    }
    expect((await lastSeen(evidence))?.seen?.state.status).toBe("available");
  });
});

test.each([
  [{ baseAt: "2026-11-03T00:00:00.000Z", bytesPerHour: 1_000 }, 2_000],
  [{ baseAt: null, bytesPerHour: 1_000 }, 24_000],
  [{ baseAt: "2026-11-03T03:00:00.000Z", bytesPerHour: 1_000 }, 0],
  [{ baseAt: null, bytesPerHour: null }, null],
])("the bytes that a restore replays are predicted from %o", (replay, expected) => {
  expect(replayedBytes(replay, "2026-11-03T02:00:00.000Z")).toBe(expected);
});
