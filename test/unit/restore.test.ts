import { describe, expect, test } from "vitest";
import { restoreTask } from "../../lambdas/restore/task.ts";
import { Doc, docName } from "../../lambdas/shared/documents.ts";
import { ErrorName, SluiceError } from "../../lambdas/shared/errors.ts";
import { evidenceOf } from "../../lambdas/shared/evidence.ts";
import { asideName, quietName, snapshotName } from "../../lambdas/shared/names.ts";
import { endpointOf } from "../../lambdas/shared/places.ts";
import type { Instance, Instances, MomentState, SettingsGiven } from "../../lambdas/shared/ports.ts";
import { invoke } from "../../lambdas/shared/task.ts";
import { memoryPorts } from "../support/ports.ts";

const RUN = "2026-11-03-first";
const PRODUCTION = "orders-prod";
const ASIDE = asideName(PRODUCTION, RUN);
const FINAL = snapshotName(RUN, "final");
const LIKE = { instanceClass: "db.r7g.large" };

const instance = (identity: string, more: Partial<Instance> = {}): Instance => ({
  id: "",
  identity,
  status: "available",
  statusText: "available",
  endpoint: { host: identity, port: 5432 },
  engineVersion: "17",
  settings: {},
  ...more,
});

/** Instances that do each request by the next look; every call is noted. */
async function environment({
  snapshot = "available" as "available" | "failed" | "none",
  afterRestore = [] as string[],
} = {}) {
  const calls: string[] = [];
  const instances = new Map<string, Instance>([[PRODUCTION, instance("db-1")]]);
  let given: SettingsGiven = { changing: true, refused: [], underWay: [] };
  const ports = memoryPorts();
  ports.instances = {
    ...ports.instances,
    describe: async (id) => instances.get(id),
    describeSnapshot: async (id) =>
      snapshot === "none" || id !== FINAL
        ? undefined
        : { id, instance: PRODUCTION, status: snapshot, statusText: snapshot },
    startRename: async (from, to) => {
      calls.push(`rename ${from} to ${to}`);
      const found = instances.get(from);
      if (found) instances.set(to, found);
      instances.delete(from);
    },
    startRestore: async (from, to, like) => {
      calls.push(`restore ${from} as ${to}`);
      expect(like).toEqual(LIKE);
      instances.set(to, instance("db-2", { status: "pending", statusText: "creating", endpoint: undefined }));
      return undefined;
    },
    finishRestore: async () => given,
    handOver: async () => ["Make new replicas."],
  } satisfies Partial<Instances> as Instances;
  const evidence = evidenceOf(ports.evidence, RUN);
  await evidence.createOnce(docName(Doc.production), {
    identity: "db-1",
    endpoint: { host: "db-1", port: 5432 },
    settings: LIKE,
    findings: {
      refusals: [],
      checks: [],
      forGates: [],
      leavesOut: [],
      afterRestore,
    },
  });
  const call = (action: "await" | "aside" | "restore" | "settings", limitMinutes?: number) =>
    invoke(
      restoreTask,
      { run: RUN, execution: "e", planChecksum: "x".repeat(64), state: "s", action, limitMinutes },
      ports,
    ).then(({ status }) => status);
  return {
    calls,
    call,
    instances,
    evidence,
    ports,
    give: (now: Partial<SettingsGiven>) => {
      given = { changing: false, refused: [], underWay: [], ...now };
    },
  };
}

describe("moving production aside", () => {
  test.each(["failed", "none"] as const)("does not begin while the snapshot is %s", async (snapshot) => {
    const { call, calls } = await environment({ snapshot });
    await expect(call("aside")).rejects.toThrow(/production stays where it is/);
    expect(calls).toEqual([]);
  });

  test("renames it once, however often it is called, and waits until it answers under its new name", async () => {
    const { call, calls, instances } = await environment();
    expect(await call("aside")).toBe("running");
    instances.set(ASIDE, instance("db-1", { status: "pending", statusText: "renaming" }));
    expect(await call("aside")).toBe("running");
    instances.set(ASIDE, instance("db-1"));
    expect(await call("aside")).toBe("done");
    expect(await call("aside")).toBe("done");
    expect(calls).toEqual([`rename ${PRODUCTION} to ${ASIDE}`]);
  });

  test("makes the former production the address of production's database, until the restored instance replaces it", async () => {
    const { call, evidence } = await environment();
    await call("aside");
    await call("aside");
    expect(await evidence.require(Doc.movedAside)).toMatchObject({ endpoint: { host: "db-1" } });
    expect(await endpointOf(evidence, "production")).toEqual({ host: "db-1", port: 5432 });
  });

  test("refuses an instance of that name that is not the former production", async () => {
    const { call, instances } = await environment();
    instances.set(ASIDE, instance("db-9"));
    await expect(call("aside")).rejects.toMatchObject({
      name: "FleetFailed",
      message: expect.stringContaining("a different instance from the former production"),
    });
  });

  test("does not block the restore if the former production is broken under its new name: its old name is free", async () => {
    const { call, instances, evidence } = await environment();
    await call("aside");
    instances.set(
      ASIDE,
      instance("db-1", { status: "failed", statusText: "storage-full", endpoint: undefined }),
    );
    expect(await call("aside")).toBe("done");
    expect(await endpointOf(evidence, "production")).toEqual({ host: "db-1", port: 5432 });
  });

  test("never renames an instance that now has production's name and is not production", async () => {
    const { call, calls, instances } = await environment();
    instances.set(PRODUCTION, instance("db-7"));
    await expect(call("aside")).rejects.toMatchObject({
      name: "FleetFailed",
      message: expect.stringContaining("nothing is renamed"),
    });
    expect(calls).toEqual([]);
  });

  test("waits while it is visible under neither name", async () => {
    const { call, calls, instances } = await environment();
    instances.delete(PRODUCTION);
    expect(await call("aside")).toBe("running");
    expect(calls).toEqual([]);
  });

  test("is reported after the time of a rename, not after hours, if the instance is broken and not renamed", async () => {
    const { call, instances, ports } = await environment();
    ports.instances = { ...ports.instances, renameSeconds: 600, startRename: async () => undefined };
    instances.set(PRODUCTION, instance("db-1", { status: "failed", statusText: "storage-full" }));
    expect(await call("aside")).toBe("running");
    ports.clock.pass(601_000);
    await expect(call("aside")).rejects.toThrow(/is storage-full and has not been renamed/);
  });
});

describe("restoring production", () => {
  async function movedAside() {
    const given = await environment();
    await given.call("aside");
    await given.call("aside");
    given.calls.length = 0;
    return given;
  }

  test("takes production's settings, begins once, and continues where a worker left it", async () => {
    const { call, calls, instances, evidence } = await movedAside();
    expect(await call("restore")).toBe("running");
    expect(await call("restore")).toBe("running");
    instances.set(PRODUCTION, instance("db-2"));
    expect(await call("restore")).toBe("done");
    expect(await call("restore")).toBe("done");
    expect(calls).toEqual([`restore ${FINAL} as ${PRODUCTION}`]);
    expect(await evidence.require(Doc.restored)).toMatchObject({ endpoint: { host: "db-2" } });
    expect(await endpointOf(evidence, "production")).toEqual({ host: "db-2", port: 5432 });
  });

  test("ends as soon as it answers, before it has all its settings, so that it is proven first", async () => {
    const { call, instances } = await movedAside();
    await call("restore");
    instances.set(
      PRODUCTION,
      instance("db-2", { status: "pending", statusText: "backing-up", answers: true }),
    );
    expect(await call("restore")).toBe("done");
  });

  test("never takes the former production for the restored one, even while it is visible under that name", async () => {
    const { call, calls, instances, ports } = await movedAside();
    instances.set(PRODUCTION, instance("db-1"));
    expect(await call("restore")).toBe("running");
    expect(ports.lines).toContain(`${PRODUCTION} still has its former name`);
    expect(calls).toEqual([]);
  });

  test("an instance that does not come up is final", async () => {
    const { call, instances } = await movedAside();
    await call("restore");
    instances.set(PRODUCTION, instance("db-2", { status: "failed", statusText: "incompatible-restore" }));
    await expect(call("restore")).rejects.toThrow("incompatible-restore");
  });

  test("waits if there is no room, requests its zone for a quarter of an hour, then any zone", async () => {
    const { call, ports } = await movedAside();
    const asked: boolean[] = [];
    ports.instances = {
      ...ports.instances,
      startRestore: async (_from, _to, _like, _purpose, _tags, anywhere = false) => {
        asked.push(anywhere);
        return { waits: { why: "InsufficientDBInstanceCapacity: none left." }, without: [] };
      },
    };
    for (let minutes = 0; minutes < 30; minutes += 10) {
      expect(await call("restore")).toBe("running");
      ports.clock.pass(600_000);
    }
    expect(asked).toEqual([false, false, true]);
    expect(ports.lines.at(-1)).toContain("none left");
  });

  test("reports why it waited before the state machine's timeout, which could not", async () => {
    const { call, ports } = await movedAside();
    ports.instances = {
      ...ports.instances,
      startRestore: async () => ({
        waits: { why: "InstanceQuotaExceeded: 40 of 40.", minutes: 30 },
        without: [],
      }),
    };
    expect(await call("restore")).toBe("running");
    ports.clock.pass(31 * 60_000);
    await expect(call("restore")).rejects.toMatchObject({
      name: "FleetFailed",
      message: expect.stringMatching(/40 of 40.*No room for an instance/),
    });
  });
});

describe("giving production its settings, once it is proven", () => {
  async function restored(afterRestore: string[] = []) {
    const given = await environment({ afterRestore });
    await given.call("aside");
    await given.call("aside");
    await given.call("restore");
    given.instances.set(PRODUCTION, instance("db-2"));
    await given.call("restore");
    const handOver = async () => (await given.evidence.require(Doc.handedOver)).handOver;
    return { ...given, handOver };
  }

  test("ends once all are applied, and reports the work that remains", async () => {
    const { call, give, handOver } = await restored();
    expect(await call("settings")).toBe("running");
    give({ underWay: ["orders-prod is being converted to Multi-AZ."] });
    expect(await call("settings")).toBe("done");
    expect(await handOver()).toEqual(["orders-prod is being converted to Multi-AZ.", "Make new replicas."]);
  });

  test("requests refused settings again, then reports them: no setting fails a restore", async () => {
    const { call, give, handOver, ports } = await restored();
    give({ refused: ["storage autoscaling: refused"] });
    expect(await call("settings")).toBe("running");
    ports.clock.pass(4 * 60_000);
    expect(await call("settings")).toBe("running");
    ports.clock.pass(2 * 60_000);
    expect(await call("settings")).toBe("done");
    expect(await handOver()).toContain("Apply to orders-prod what was refused: storage autoscaling: refused");
  });

  test("keeps the application out for half an hour at most, whatever is still being changed", async () => {
    const { call, handOver, ports } = await restored();
    expect(await call("settings")).toBe("running");
    ports.clock.pass(31 * 60_000);
    expect(await call("settings")).toBe("done");
    expect((await handOver())[0]).toContain("still changing after 30 minutes");
  });

  test("also ends if the instance has failed: it is proven, and the failure is reported", async () => {
    const { call, handOver, ports } = await restored();
    ports.instances = {
      ...ports.instances,
      finishRestore: async () => {
        throw new SluiceError(ErrorName.FleetFailed, "Instance orders-prod is incompatible-parameters.");
      },
    };
    await call("settings");
    ports.clock.pass(6 * 60_000);
    expect(await call("settings")).toBe("done");
    expect((await handOver())[0]).toContain("incompatible-parameters");
  });

  test("also ends if the settings left behind are unknown, and reports preflight's findings", async () => {
    const { call, give, handOver, ports } = await restored(["Register it with the proxy."]);
    ports.instances = {
      ...ports.instances,
      handOver: async () => {
        throw new Error("throttled");
      },
    };
    give({});
    expect(await call("settings")).toBe("done");
    expect(await handOver()).toEqual([expect.stringContaining("throttled"), "Register it with the proxy."]);
  });
});

describe("the instance that is moved aside", () => {
  /** Instances that are kept still after so many requests; `refused`: never. */
  const quieting = async (asks: number, refused?: string) => {
    const made = await environment();
    const { ports, calls } = made;
    ports.instances.quiet = async (group, like) => {
      calls.push(`make ${group}`);
      return like;
    };
    ports.instances.quieten = async (id, group) => {
      calls.push(`quieten ${id} by ${group}`);
      if (refused !== undefined) throw new SluiceError(ErrorName.FleetFailed, refused);
      return calls.filter((call) => call.startsWith("quieten")).length >= asks;
    };
    return made;
  };

  test("is quiet before a second instance with its subscriptions and jobs is requested", async () => {
    const { call, calls } = await quieting(2);
    expect(await call("aside")).toBe("running");
    expect(await call("aside")).toBe("running");
    expect(await call("aside")).toBe("done");
    await call("restore");
    expect(calls).toEqual([
      `rename ${PRODUCTION} to ${ASIDE}`,
      `make ${quietName(RUN)}`,
      `quieten ${ASIDE} by ${quietName(RUN)}`,
      `make ${quietName(RUN)}`,
      `quieten ${ASIDE} by ${quietName(RUN)}`,
      `restore ${FINAL} as ${PRODUCTION}`,
    ]);
  });

  test.each([
    ["is refused", "RDS refused to give it", 0],
    ["takes too long", undefined, 16 * 60_000],
  ])("and if that %s, production is still restored, and people are notified", async (_, refused, ms) => {
    const { call, evidence, ports } = await quieting(Number.POSITIVE_INFINITY, refused);
    expect(await call("aside")).toBe("running");
    if (ms > 0) expect(await call("aside")).toBe("running");
    ports.clock.pass(ms);
    expect(await call("aside")).toBe("done");
    expect(await evidence.require(Doc.notQuiet)).toMatchObject({
      instance: ASIDE,
      why: refused ?? "it took longer than 15 minutes",
    });
    expect(await call("restore")).toBe("running");
  });
});

describe("a restore to a moment", () => {
  const AT = "2026-11-03T02:10:07.000Z";

  /** Instances with the given archive; production as it was noted at the moment. */
  async function noted(first: MomentState["status"]) {
    const given = await environment({ snapshot: "none" });
    let status = first;
    const restored: string[] = [];
    given.ports.instances = {
      ...given.ports.instances,
      moments: {
        by: "archive",
        baseAt: async () => undefined,
        hold: async () => true,
        describe: async () => ({
          status,
          statusText: "It reaches 02:05.",
          until: "2026-11-03T02:05:00.000Z",
        }),
        startRestore: async ({ identity, moment }, to) => {
          restored.push(`${identity} at ${moment.at} as ${to}`);
          given.instances.set(to, instance("db-2"));
          return undefined;
        },
        release: async () => undefined,
      },
    };
    await given.evidence.createOnce(Doc.moment("final"), {
      name: "m",
      instance: PRODUCTION,
      aside: ASIDE,
      identity: "db-1",
      moment: { at: AT, lsn: "0/1", timeline: 1 },
      notedAt: AT,
      transaction: "1",
      underWay: "2:2:",
    });
    return {
      ...given,
      restored,
      reaches: (now: MomentState["status"]) => {
        status = now;
      },
    };
  }

  test("waits until the archive has reached it, and production stays in place meanwhile", async () => {
    const { call, calls, reaches, evidence } = await noted("pending");
    expect(await call("await")).toBe("running");
    expect(await call("aside")).toBe("running");
    expect(calls).toEqual([]);
    reaches("available");
    expect(await call("await")).toBe("done");
    expect(await call("aside")).toBe("running");
    expect(calls).toEqual([`rename ${PRODUCTION} to ${ASIDE}`]);
    expect(await evidence.read(Doc.restore)).toMatchObject({ moment: AT });
  });

  test("that is never reached ends in time, and reports how far the archive is", async () => {
    const { call, calls, ports, evidence } = await noted("pending");
    expect(await call("await", 90)).toBe("running");
    ports.clock.pass(89 * 60_000);
    await expect(call("await", 90)).rejects.toMatchObject({
      name: "FleetFailed",
      message: expect.stringMatching(/after waiting since .*It reaches 02:05\. Production stays where it is/),
    });
    expect(calls).toEqual([]);
    expect(await evidence.list("moments/seen-")).toHaveLength(1);
  });

  test("that can never be reached is refused before anything is renamed", async () => {
    const { call, calls } = await noted("failed");
    await expect(call("await")).rejects.toThrow(
      /cannot be restored to 2026-11-03 02:10:07 UTC: It reaches 02:05/,
    );
    await expect(call("aside")).rejects.toThrow(/Production stays where it is/);
    expect(calls).toEqual([]);
  });

  test("belongs to the former production, whatever its name is now", async () => {
    const { call, instances, restored, reaches } = await noted("available");
    await call("aside");
    await call("aside");
    // Checked again after the rename, an archive that is briefly invisible stops nothing.
    reaches("pending");
    expect(await call("await")).toBe("done");
    expect(await call("restore")).toBe("done");
    expect(restored).toEqual([`db-1 at ${AT} as ${PRODUCTION}`]);
    expect(instances.get(ASIDE)?.identity).toBe("db-1");
  });

  test("is not tried by a deployment without moments", async () => {
    const { call, ports, calls } = await noted("available");
    ports.instances = { ...ports.instances, moments: undefined };
    await expect(call("await")).rejects.toMatchObject({ name: "FleetFailed" });
    expect(calls).toEqual([]);
  });
});
