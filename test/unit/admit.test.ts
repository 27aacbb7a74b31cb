import { describe, expect, test } from "vitest";
import { admit } from "../../lambdas/admit/admit.ts";
import { releaseLease, takeLease } from "../../lambdas/admit/lease.ts";
import { evidenceOf } from "../../lambdas/shared/evidence.ts";
import type { Instance } from "../../lambdas/shared/ports.ts";
import { memoryPorts } from "../support/ports.ts";

const holder = (run: string) => ({ run, execution: `arn:${run}`, since: "2026-11-03T02:00:00Z" });
const running = (...runs: string[]) => ({
  isRunning: async (execution: string) => runs.some((run) => execution === `arn:${run}`),
});

describe("one run a database", () => {
  test("a run that is at work keeps its database, and is named", async () => {
    const ports = { ...memoryPorts(), executions: running("one") };
    await takeLease(ports, holder("one"));
    await expect(takeLease(ports, holder("two"))).rejects.toMatchObject({
      name: "RunLocked",
      message: expect.stringContaining("run one"),
    });
  });

  test("a run that is over loses it, however short ago it took it", async () => {
    const ports = { ...memoryPorts(), executions: running("two") };
    await takeLease(ports, holder("one"));
    await takeLease(ports, holder("two"));
    expect((await ports.evidence.readLease(ports.settings.instance))?.holder?.run).toBe("two");
  });

  test("a task that is called again still has it", async () => {
    const ports = { ...memoryPorts(), executions: running("one") };
    await takeLease(ports, holder("one"));
    await expect(takeLease(ports, holder("one"))).resolves.toBeUndefined();
  });

  test("of many runs that start at once one gets it", async () => {
    const runs = Array.from({ length: 20 }, (_, n) => `run${n}`);
    const ports = { ...memoryPorts(), executions: running(...runs) };
    const taken = await Promise.allSettled(runs.map((run) => takeLease(ports, holder(run))));
    expect(taken.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  test("it is given back by its holder alone", async () => {
    const ports = { ...memoryPorts(), executions: running("one") };
    await takeLease(ports, holder("one"));
    await releaseLease(ports, "two");
    expect((await ports.evidence.readLease(ports.settings.instance))?.holder?.run).toBe("one");
    await releaseLease(ports, "one");
    await releaseLease(ports, "one");
    expect((await ports.evidence.readLease(ports.settings.instance))?.holder).toBeNull();
  });
});

describe("a run is not admitted", () => {
  const admitted = (input: unknown, instance?: Partial<Instance>) => {
    const ports = memoryPorts();
    ports.fleet = {
      ...ports.fleet,
      describe: async (id) =>
        instance && {
          id,
          status: "available",
          statusText: "available",
          endpoint: { host: "h", port: 1 },
          engineVersion: "17",
          settings: {},
          ...instance,
        },
    };
    return admit(input, "arn:one", ports, evidenceOf(ports.evidence, "one"));
  };

  test.each([
    [{ colour: "blue" }],
    ["text"],
    [[]],
    [null],
    [{ startedBy: 7 }],
    [{ reason: "r".repeat(2_001) }],
  ])("with the input %j", async (input) => {
    await expect(admitted(input, {})).rejects.toMatchObject({ name: "RequestInvalid" });
  });

  test("where there is no such instance, or it is not available", async () => {
    await expect(admitted({})).rejects.toMatchObject({
      name: "FleetFailed",
      message: expect.stringContaining("There is no instance"),
    });
    await expect(admitted({}, { status: "pending", statusText: "modifying" })).rejects.toThrow(
      "is modifying",
    );
  });

  test("but is with {} and with all that an operator may give", async () => {
    await expect(admitted({}, {})).resolves.toBeUndefined();
    await expect(admitted({ startedBy: "A", reason: "because" }, {})).resolves.toBeUndefined();
  });
});
