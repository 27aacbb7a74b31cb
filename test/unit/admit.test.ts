import { describe, expect, test } from "vitest";
import { releaseLease, takeLease } from "../../lambdas/admit/lease.ts";
import { admit, admitTask } from "../../lambdas/admit/task.ts";
import { inspectDeployment } from "../../lambdas/preflight/inspect-deployment.ts";
import { Doc } from "../../lambdas/shared/documents.ts";
import { evidenceOf } from "../../lambdas/shared/evidence.ts";
import type { CompiledPlan } from "../../lambdas/shared/plan.ts";
import { bound, documentOf, StoredPlans, storePlan } from "../../lambdas/shared/plan-document.ts";
import type { Findings, Instance, Tags } from "../../lambdas/shared/ports.ts";
import { notePublication } from "../../lambdas/shared/publications.ts";
import type { RunSettings } from "../../lambdas/shared/settings.ts";
import { invoke } from "../../lambdas/shared/task.ts";
import { personOf } from "../../lib/settings.ts";
import { type MemoryPorts, memoryPorts } from "../support/ports.ts";

const holder = (run: string) => ({ run, execution: `arn:${run}`, since: "2026-11-03T02:00:00Z" });
const running = (...runs: string[]) => ({
  isRunning: async (execution: string) => runs.some((run) => execution === `arn:${run}`),
});

const DB = "orders-prod";

describe("one run per database", () => {
  test("a run at work keeps its database, and the refusal names it", async () => {
    const ports = { ...memoryPorts(), executions: running("one") };
    await takeLease(ports, DB, holder("one"));
    await expect(takeLease(ports, DB, holder("two"))).rejects.toMatchObject({
      name: "RunLocked",
      message: expect.stringContaining("run one"),
    });
  });

  test("a run that has ended loses its claim, however recent the claim is", async () => {
    const ports = { ...memoryPorts(), executions: running("two") };
    await takeLease(ports, DB, holder("one"));
    await takeLease(ports, DB, holder("two"));
    expect((await ports.evidence.readLease(ports.settings.instance))?.holder?.run).toBe("two");
  });

  test("a task that is called again still holds the claim", async () => {
    const ports = { ...memoryPorts(), executions: running("one") };
    await takeLease(ports, DB, holder("one"));
    await expect(takeLease(ports, DB, holder("one"))).resolves.toBeUndefined();
  });

  test("of many runs that start at once, one gets the claim", async () => {
    const runs = Array.from({ length: 20 }, (_, n) => `run${n}`);
    const ports = { ...memoryPorts(), executions: running(...runs) };
    const taken = await Promise.allSettled(runs.map((run) => takeLease(ports, DB, holder(run))));
    expect(taken.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  test("only the holder gives the claim back", async () => {
    const ports = { ...memoryPorts(), executions: running("one") };
    await takeLease(ports, DB, holder("one"));
    await releaseLease(ports, DB, "two");
    expect((await ports.evidence.readLease(ports.settings.instance))?.holder?.run).toBe("one");
    await releaseLease(ports, DB, "one");
    await releaseLease(ports, DB, "one");
    expect((await ports.evidence.readLease(ports.settings.instance))?.holder).toBeNull();
  });
});

const SUNDAYS = { days: ["sun" as const], from: "01:00", hours: 6, timeZone: "Europe/Berlin" };

/** Ports with the given instance; without one, the instance does not exist. */
function portsWith(instance?: Partial<Instance>, settings: Partial<RunSettings> = {}): MemoryPorts {
  const ports = memoryPorts({ settings });
  ports.instances = {
    ...ports.instances,
    describe: async (id) =>
      instance && {
        id,
        identity: "db-1",
        status: "available",
        statusText: "available",
        endpoint: { host: "h", port: 1 },
        engineVersion: "17",
        settings: {},
        ...instance,
      },
  };
  return ports;
}

describe("a run is not admitted", () => {
  const admitted = (input: unknown, instance?: Partial<Instance>) => {
    const ports = portsWith(instance);
    return admit(input, { execution: "arn:one" }, ports, evidenceOf(ports.evidence, "one"));
  };

  test.each([
    [{ colour: "blue" }],
    ["text"],
    [[]],
    [null],
    [{ startedBy: 7 }],
    [{ reason: "r".repeat(2_001) }],
    [{ startedBy: "" }],
    [{ startedBy: "..." }],
    [{ startedBy: "Sluice" }],
    [{ startedBy: "Ada\nLovelace" }],
    [{ startedBy: "Ada\u202eLovelace" }],
    [{ startedBy: "Adа" }],
    [{ startedBy: "A".repeat(201) }],
    [{ reason: "so \u202esaid" }],
    [{ reason: "a bell \u0007" }],
    [{ outsideWindow: "  " }],
    [{ outsideWindow: true }],
    [{ plan: "" }],
    [{ plan: "0123456789a" }],
    [{ plan: "0123456789AB" }],
    [{ plan: "a".repeat(65) }],
    [{ plan: "../../runs/x" }],
    [{ plan: 123456789012 }],
  ])("with the input %j", async (input) => {
    await expect(admitted(input, {})).rejects.toMatchObject({ name: "RequestInvalid" });
  });

  test("where the instance does not exist or is not available", async () => {
    await expect(admitted({})).rejects.toMatchObject({
      name: "FleetFailed",
      message: expect.stringContaining("There is no instance"),
    });
    await expect(admitted({}, { status: "pending", statusText: "modifying" })).rejects.toThrow(
      "is modifying",
    );
  });

  test("but is admitted with {} and with everything that an operator may give", async () => {
    await expect(admitted({}, {})).resolves.toBeUndefined();
    await expect(admitted({ startedBy: "A", reason: "because" }, {})).resolves.toBeUndefined();
    const startedBy = "arn:aws:sts::123456789012:assumed-role/Operators/ada.lovelace@example.com";
    await expect(admitted({ startedBy, reason: "one line\nand another" }, {})).resolves.toBeUndefined();
  });
});

describe("a run's plan", () => {
  const environment = async () => {
    const ports = portsWith({});
    const plans = ["Deployed", "Published"].map((title) => {
      const { checksum: _, ...plan } = ports.plan;
      return bound({ ...plan, title });
    });
    const [deployed, published] = plans as [CompiledPlan, CompiledPlan];
    for (const plan of plans) await storePlan(ports.evidence, documentOf(plan), plan.checksum);
    const standard = { checksum: deployed.checksum };
    ports.plans = new StoredPlans(ports.evidence, () => standard.checksum);
    const evidence = evidenceOf(ports.evidence, "one");
    const start = (input: unknown) =>
      invoke(
        admitTask,
        {
          run: "one",
          execution: "arn:one",
          planChecksum: "",
          state: "Admit the run",
          action: "admit",
          input,
        },
        ports,
      );
    return { ports, deployed, published, standard, evidence, start };
  };

  test("is the deployed one if the input names none, and the machine receives its checksum", async () => {
    const { deployed, evidence, start } = await environment();
    expect(await start({})).toEqual({ status: "done", checksum: deployed.checksum });
    expect((await evidence.require(Doc.request)).plan).toMatchObject({ title: "Deployed" });
  });

  test("is the one that the input names, by its full checksum or its first twelve letters", async () => {
    for (const letters of [64, 12]) {
      const { published, evidence, start } = await environment();
      const plan = published.checksum.slice(0, letters);
      expect(await start({ plan })).toEqual({ status: "done", checksum: published.checksum });
      expect(await evidence.require(Doc.plan)).toMatchObject({ title: "Published" });
    }
  });

  test("refuses the run if nobody published it, and only the reason is kept", async () => {
    const { evidence, start } = await environment();
    await expect(start({ plan: "0123456789ab" })).rejects.toMatchObject({
      name: "RequestInvalid",
      message: expect.stringContaining("No published plan has a checksum that begins with 0123456789ab"),
    });
    expect(await evidence.read(Doc.request)).toBeUndefined();
  });

  test("is shown with its publisher: by name if the settings list the address, otherwise by the AWS identity", async () => {
    const { ports, published, evidence, start } = await environment();
    ports.pagesOnly = true;
    const ada = personOf({ name: "Ada Lovelace", email: "Ada@example.com" });
    ports.settings = { ...ports.settings, people: { approvers: [ada], escalation: [ada] } };
    for (const id of ["AROA1:ada@example.com", "AROA1:build-7"])
      await notePublication(ports.evidence, published.checksum, { id, arn: `arn:${id}` }, new Date(0));
    await start({ plan: published.checksum });
    expect((await evidence.require(Doc.request)).published).toMatchObject({
      deployed: false,
      by: [{ by: "Ada Lovelace", arn: "arn:AROA1:ada@example.com" }, { by: "build-7" }],
    });
  });

  test("stays the same if a worker is killed and another plan is deployed before the next call", async () => {
    const { deployed, published, standard, start } = await environment();
    await start({});
    standard.checksum = published.checksum;
    expect(await start({})).toMatchObject({ checksum: deployed.checksum });
  });
});

describe("what the instance findings show about production", () => {
  const FOUND: Findings = {
    refusals: [],
    checks: [{ name: "RDS Proxy", passed: null, expected: "none", seen: "orders-proxy", mend: "Bear it." }],
    forGates: ["RDS Proxy orders-proxy is in front."],
    leavesOut: [],
    afterRestore: [],
  };
  const inspecting = (found: Findings, settings: Partial<RunSettings> = {}) => {
    const ports = portsWith({}, settings);
    const asked: Tags[] = [];
    ports.instances.inspect = async (_instance, tags) => {
      asked.push(tags);
      return found;
    };
    return { ports, asked, evidence: evidenceOf(ports.evidence, "one") };
  };
  const start = ({ ports, evidence }: ReturnType<typeof inspecting>) =>
    admit({}, { execution: "arn:one" }, ports, evidence);

  test("refuses by name what no run supports, and names the section that helps", async () => {
    const given = inspecting({ ...FOUND, refusals: ["orders-prod is a read replica of primary."] });
    await expect(start(given)).rejects.toMatchObject({
      name: "FleetFailed",
      message: expect.stringMatching(/a read replica of primary.*Instances that no run works on/),
    });
    expect(await given.evidence.read(Doc.production)).toBeUndefined();
  });

  test("is kept for preflight, which cannot query RDS, and for the gates", async () => {
    const given = inspecting(FOUND);
    await start(given);
    const production = await given.evidence.require(Doc.production);
    expect(production.findings).toEqual(FOUND);
    expect(await inspectDeployment(given.ports, production)).toEqual(expect.arrayContaining(FOUND.checks));
  });

  test("counts the tags that a run adds, including the organization's", async () => {
    const given = inspecting(FOUND, { tags: { "cost-center": "4711" } });
    await start(given);
    expect(Object.keys(given.asked[0] ?? {}).sort()).toEqual([
      "cost-center",
      "sluice:keep-until",
      "sluice:purpose",
      "sluice:run",
    ]);
  });
});

describe("a maintenance window", () => {
  // The clock stands at 2 o'clock on a Tuesday.
  const start = (ports: MemoryPorts, input: unknown = {}) =>
    admit(input, { execution: "arn:one" }, ports, evidenceOf(ports.evidence, "one"));
  const requestOf = (ports: MemoryPorts) => evidenceOf(ports.evidence, "one").require(Doc.request);

  test("keeps a run from starting outside it, and shows when it opens and what to do", async () => {
    const ports = portsWith({}, { maintenanceWindow: SUNDAYS });
    await expect(start(ports, { startedBy: "Ada" })).rejects.toMatchObject({
      name: "WindowClosed",
      message: expect.stringMatching(
        /sun from 01:00, 6 h, Europe\/Berlin.* opens next at 2026-11-08 00:00:00 UTC.* outsideWindow/,
      ),
    });
    expect(await ports.evidence.readLease(ports.settings.instance)).toBeUndefined();
    // The evidence records who tried and when, and a report can be made from it.
    expect(await requestOf(ports)).toMatchObject({ startedBy: "Ada", window: { override: null } });
    expect(await evidenceOf(ports.evidence, "one").read(Doc.plan)).toBeDefined();
  });

  test("still refuses the run if the worker is called again after the window has opened", async () => {
    const ports = portsWith({}, { maintenanceWindow: SUNDAYS });
    await expect(start(ports)).rejects.toMatchObject({ name: "WindowClosed" });
    ports.clock.pass(5 * 24 * 3_600_000);
    await expect(start(ports)).rejects.toMatchObject({ name: "WindowClosed" });
  });

  test("keeps an admitted run in if the worker is called again after the window's end", async () => {
    const ports = portsWith({}, { maintenanceWindow: { ...SUNDAYS, days: ["tue"] } });
    await start(ports);
    ports.clock.pass(24 * 3_600_000);
    await expect(start(ports)).resolves.toBeUndefined();
    expect((await requestOf(ports)).window).toEqual({
      begins: "2026-11-03T00:00:00.000Z",
      ends: "2026-11-03T06:00:00.000Z",
      override: null,
    });
  });

  test("lets a run start outside it for a reason, which is recorded", async () => {
    const ports = portsWith({}, { maintenanceWindow: SUNDAYS });
    await start(ports, { startedBy: "Ada", outsideWindow: " the rehearsal may run by day " });
    expect((await requestOf(ports)).window).toEqual({
      begins: "2026-11-08T00:00:00.000Z",
      ends: "2026-11-08T06:00:00.000Z",
      override: "the rehearsal may run by day",
    });
  });

  test("limits nothing if it is not set", async () => {
    const ports = portsWith({});
    await start(ports, { outsideWindow: "whatever" });
    expect(await requestOf(ports)).not.toHaveProperty("window");
  });
});
