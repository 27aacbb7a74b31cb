import { beforeEach, describe, expect, test } from "vitest";
import { admitTask } from "../../lambdas/admit/task.ts";
import { alarmsTask } from "../../lambdas/alarms/task.ts";
import { cleanUpTask } from "../../lambdas/clean-up/task.ts";
import { fenceTask } from "../../lambdas/fence/task.ts";
import { answer } from "../../lambdas/gate-page/answer.ts";
import { reportTask } from "../../lambdas/report/task.ts";
import { Doc, type RequestDoc } from "../../lambdas/shared/documents.ts";
import { evidenceOf } from "../../lambdas/shared/evidence.ts";
import type { Choice, Environment } from "../../lambdas/shared/ports.ts";
import type { Deployed, RunDatabase } from "../../lambdas/shared/settings.ts";
import { chosen, ofItsDatabase, settingsOf, settingsOfNone } from "../../lambdas/shared/settings.ts";
import { invoke } from "../../lambdas/shared/task.ts";
import { stagingTask } from "../../lambdas/staging/task.ts";
import { type MemoryPorts, memoryPorts } from "../support/ports.ts";

const of = (instance: string, database: string, more: Partial<RunDatabase> = {}): RunDatabase => ({
  label: instance,
  instance,
  database,
  secretArn: `arn:aws:secretsmanager:eu-central-1:123456789012:secret:${instance}`,
  applicationRoles: [],
  alarms: [`${instance}-latency`],
  ...more,
});
const ORDERS = of("orders", "shop");
const BILLING = of("billing", "shop");
const STOCK = of("stock", "warehouse");

describe("the database that an input names", () => {
  test("is the only one if the input names none", () => {
    expect(chosen([ORDERS], undefined)).toBe(ORDERS);
    expect(() => chosen([ORDERS, STOCK], undefined)).toThrow(/2 databases.*orders\/shop, stock\/warehouse/);
  });

  test.each([
    ["the instance", "stock"],
    ["the database", "warehouse"],
    ["both", "stock/warehouse"],
  ])("is found by %s", (_, name) => {
    expect(chosen([ORDERS, STOCK], name)).toBe(STOCK);
    expect(chosen([STOCK], name)).toBe(STOCK);
  });

  test.each([
    ["that several have", "shop", /"shop" may be orders\/shop or billing\/shop/],
    ["that none has", "shops", /no database "shops".*orders\/shop, billing\/shop, stock\/warehouse/],
    ["in other letters", "Orders", /no database "Orders"/],
    ["that is half of one", "orders/", /no database/],
    ["that is empty", "", /no database ""/],
  ])("is not found by a name %s", (_, name, message) => {
    expect(() => chosen([ORDERS, BILLING, STOCK], name)).toThrow(message);
  });

  test("is never guessed if one database's instance is another one's database", () => {
    const swapped = [of("orders", "billing"), of("billing", "orders")];
    expect(() => chosen(swapped, "orders")).toThrow(/"orders" may be orders\/billing or billing\/orders/);
    expect(chosen(swapped, "billing/orders")).toBe(swapped[1]);
  });

  test("is always found by its full name, whatever the other databases are called", () => {
    const odd = of("stock", "orders/shop");
    expect(chosen([ORDERS, odd], "orders/shop")).toBe(ORDERS);
    expect(chosen([ORDERS, odd], "stock/orders/shop")).toBe(odd);
  });
});

/** A deployment with several databases, as a function finds it; each database's sessions show which it is. */
class Deployment {
  readonly ports: MemoryPorts = {
    ...memoryPorts(),
    pagesOnly: true,
    executions: { isRunning: async () => true },
    instances: {
      describe: async (id: string) => ({
        id,
        identity: `db-${id}`,
        status: "available" as const,
        statusText: "available",
        endpoint: { host: `${id}.example`, port: 5432 },
        engineVersion: "17.4",
        settings: {},
      }),
      startDelete: async () => undefined,
    } as never,
    alarms: {
      known: async (names) => [...names],
      enabled: async (names) => [...names],
      disable: async (names) => void this.silenced.push(...names),
      enable: async () => undefined,
    },
  };
  readonly silenced: string[] = [];

  environment(databases: [RunDatabase, ...RunDatabase[]]): Environment {
    const {
      label: _,
      instance: __,
      database: ___,
      applicationRoles: ____,
      alarms: _____,
      ...common
    } = this.ports.settings;
    const deployed: Deployed = { ...common, databases };
    const choice: Choice<Pick<Environment, "settings" | "databases" | "metrics">> = {
      list: databases,
      settingsOf: (database) => settingsOf(deployed, database),
      of: (settings) => ({
        settings,
        databases: this.ports.databases,
        metrics: this.ports.metrics,
      }),
    };
    return { ...this.ports, settings: settingsOfNone(deployed), choice };
  }

  admit(run: string, input: unknown, databases: [RunDatabase, ...RunDatabase[]]) {
    return invoke(
      admitTask,
      { ...eventOf(run), planChecksum: "", action: "admit", input, state: "Admit the run" },
      this.environment(databases),
    );
  }

  request(run: string): Promise<RequestDoc> {
    return evidenceOf(this.ports.evidence, run).require(Doc.request);
  }

  async holder(instance: string): Promise<string | undefined> {
    return (await this.ports.evidence.readLease(instance))?.holder?.run;
  }
}

const eventOf = (run: string) => ({
  run,
  execution: `arn:of:${run}`,
  planChecksum: "a".repeat(64),
  state: "A state",
});

let deployment: Deployment;
beforeEach(() => {
  deployment = new Deployment();
});

describe("a run on a deployment of several databases", () => {
  test("is refused with their names if it names none, and holds nothing", async () => {
    await expect(deployment.admit("one", {}, [ORDERS, STOCK])).rejects.toMatchObject({
      name: "RequestInvalid",
      message: expect.stringMatching(/orders\/shop, stock\/warehouse/),
    });
    expect([await deployment.holder("orders"), await deployment.holder("stock")]).toEqual([
      undefined,
      undefined,
    ]);
  });

  test("that was refused for this closes without mentioning what it does not hold", async () => {
    await deployment.admit("one", {}, [ORDERS, STOCK]).catch(() => undefined);
    const environment = deployment.environment([ORDERS, STOCK]);
    const event = { ...eventOf("one"), planChecksum: "" };
    await invoke(fenceTask, { ...event, action: "leave" }, environment);
    await invoke(alarmsTask, { ...event, action: "on" }, environment);
    await invoke(admitTask, { ...event, action: "release" }, environment);
    const failure = { Error: "RequestInvalid", Cause: "{}" };
    const ended = { ...event, action: "write", end: "Refused", failure, unfinished: {} };
    await invoke(reportTask, ended, environment);
    await invoke(reportTask, { ...event, action: "tell" }, environment);
    expect(deployment.ports.notices[0]?.text).toContain("https://gates.example");
  });

  test("is bound to the database that it names, with all of its own settings", async () => {
    await deployment.admit("one", { database: "stock" }, [ORDERS, STOCK]);
    expect(await deployment.request("one")).toMatchObject({
      instance: "stock",
      database: "warehouse",
      settings: STOCK,
    });
    await invoke(
      alarmsTask,
      { ...eventOf("one"), action: "silence" },
      deployment.environment([ORDERS, STOCK]),
    );
    expect(deployment.silenced).toEqual(["stock-latency"]);
  });

  test("may be under way on each of them, and only once on each", async () => {
    await deployment.admit("one", { database: "orders" }, [ORDERS, STOCK]);
    await deployment.admit("two", { database: "stock" }, [ORDERS, STOCK]);
    await expect(deployment.admit("three", { database: "stock" }, [ORDERS, STOCK])).rejects.toMatchObject({
      name: "RunLocked",
      message: expect.stringMatching(/run two .* stock/),
    });
    await invoke(
      admitTask,
      { ...eventOf("one"), action: "release" },
      deployment.environment([ORDERS, STOCK]),
    );
    expect([await deployment.holder("orders"), await deployment.holder("stock")]).toEqual([undefined, "two"]);
  });

  test("holds the lease of the whole instance, since a restore takes all of it back", async () => {
    const list = [
      of("orders", "a", { label: "orders/a" }),
      of("orders", "b", { label: "orders/b" }),
    ] as const;
    await deployment.admit("one", { database: "a" }, [...list]);
    await expect(deployment.admit("two", { database: "b" }, [...list])).rejects.toMatchObject({
      name: "RunLocked",
    });
  });

  test("keeps its own database if the settings later name others, and so does its clean-up", async () => {
    await deployment.admit("one", {}, [ORDERS]);
    const before = (await deployment.request("one")).settings;
    deployment.ports.settings = { ...deployment.ports.settings, separateApprover: true, contacts: [] };
    const other = { ...ORDERS, secretArn: "arn:of:another", alarms: ["another"] };
    for (const list of [[STOCK], [other, STOCK]] as [RunDatabase, ...RunDatabase[]][]) {
      const { settings } = ofItsDatabase(deployment.environment(list), await deployment.request("one"));
      expect(settings).toEqual(before);
      expect(settings).toMatchObject({ ...ORDERS, separateApprover: false });
    }
    const event = { ...eventOf("one"), cleanUp: "arn:of:clean-up", action: "begin", status: "ABORTED" };
    await invoke(cleanUpTask, event, deployment.environment([STOCK]));
    expect((await deployment.ports.evidence.readLease("orders"))?.holder?.execution).toBe("arn:of:clean-up");
    expect(deployment.ports.notices[0]?.subject).toContain("orders");
  });

  test("with older evidence has only the names, and is found by both", async () => {
    const older = { instance: "stock", database: "warehouse" };
    const bound = ofItsDatabase(deployment.environment([ORDERS, STOCK]), older);
    expect(bound.settings).toMatchObject(STOCK);
    const gone = ofItsDatabase(deployment.environment([ORDERS]), older);
    expect(() => gone.settings.alarms).toThrow(
      /deployment does not have this run.s database\. It has orders\/shop/,
    );
    expect(gone.settings.gateUrl).toBe("https://gates.example");
  });

  test("deletes its own staging even if its database has left the settings", async () => {
    await deployment.ports.evidence.create(
      "runs/old/request.json",
      JSON.stringify({ run: "old", execution: "arn:of:old", instance: "gone", database: "gone" }),
    );
    deployment.ports.instances = {
      describe: async () => undefined,
      describeSnapshot: async () => undefined,
    } as never;
    const event = { ...eventOf("old"), action: "delete" };
    expect(await invoke(stagingTask, event, deployment.environment([ORDERS]))).toEqual({ status: "done" });
  });
});

test("a wrong link to a gate is answered, whichever databases exist", async () => {
  const request = {
    method: "GET",
    path: "/gates/nobody/open/1",
    query: "key=x",
    headers: {},
    body: "",
    from: "",
    origin: "https://gates.example",
  };
  const { status } = await answer(request, deployment.environment([ORDERS, STOCK]));
  expect(status).toBe(404);
});
