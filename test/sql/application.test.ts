import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { LocalPlan } from "../../lib/plan/compile.ts";
import { startApplication } from "../../local/application.ts";
import { EmbeddedInstance } from "../../local/embedded-instance.ts";

type Plan = NonNullable<LocalPlan["application"]>;
type Test = Plan["tests"][number];

const BASELINE = `CREATE ROLE app; GRANT app TO CURRENT_USER; CREATE TABLE note (body text); INSERT INTO note VALUES ('first');
  GRANT SELECT, INSERT ON note TO app;`;

const route = (given: Pick<Plan["routes"][number], "method" | "path"> & Partial<Plan["routes"][number]>) => ({
  settings: {},
  params: [],
  ...given,
});
const ROUTES: Plan["routes"] = [
  route({ method: "POST", path: "/stop", does: "stop" }),
  route({ method: "POST", path: "/test", does: "test" }),
  route({ method: "GET", path: "/notes", sql: "SELECT body, current_user AS who FROM note" }),
  route({
    method: "POST",
    path: "/notes/{body}",
    sql: "INSERT INTO note VALUES ($1) RETURNING body",
    params: ["{body}"],
  }),
];
const asking = (title: string, method: Test["method"], url: string, expects: Test["expect"]): Test => ({
  title,
  method,
  url,
  headers: {},
  expect: expects,
});

describe("the integration tests of the application that stands in", () => {
  let instance: EmbeddedInstance;
  const closing: (() => Promise<void>)[] = [];
  beforeEach(async () => {
    instance = await EmbeddedInstance.fromBaseline("owner", [{ path: "baseline.sql", sql: BASELINE }], []);
  });
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
    await instance.close();
  });

  async function started(
    tests: Test[],
  ): Promise<(path: string) => Promise<{ status: number; body: unknown }>> {
    const { url, close } = await startApplication(
      { role: "app", routes: ROUTES, tests },
      (role, work) => instance.withApplicationSession(role, work),
      (role, work) => instance.withRole(role, work),
    );
    closing.push(close);
    return async (path) => {
      const response = await fetch(`${url}${path}`, { method: "POST" });
      return { status: response.status, body: await response.json() };
    };
  }

  test("run with the application's rights while it is stopped and the fence keeps it out", async () => {
    const post = await started([
      asking("reads", "GET", "/notes", { status: 200, contains: '"who":"app"' }),
      asking("finds nothing", "GET", "/elsewhere", { status: 404 }),
    ]);
    await post("/stop");
    await instance.withSession((session) => session.exec("REVOKE CONNECT ON DATABASE postgres FROM PUBLIC"));
    await expect(instance.withApplicationSession("app", async () => undefined)).rejects.toThrow(
      /may not connect/,
    );
    expect(await post("/test")).toEqual({ status: 200, body: { failed: 0, passed: 2, failures: [] } });
  });

  test("leave nothing of what they write", async () => {
    const post = await started([
      asking("writes", "POST", "/notes/second", { status: 200, contains: "second" }),
    ]);
    expect(await post("/test")).toMatchObject({ status: 200, body: { passed: 1 } });
    const rows = await instance.withSession((session) => session.query("SELECT body FROM note"));
    expect(rows).toEqual([{ body: "first" }]);
  });

  test("fail where one answers otherwise than expected, or the database refuses it, and name each", async () => {
    const post = await started([
      asking("another status", "GET", "/notes", { status: 404 }),
      asking("other words", "GET", "/notes", { status: 200, contains: "second" }),
      asking("passes", "GET", "/notes", { status: 200 }),
    ]);
    expect(await post("/test")).toMatchObject({
      status: 500,
      body: { failed: 2, passed: 1, failures: [{ title: "another status" }, { title: "other words" }] },
    });
    await instance.withSession((session) => session.exec("REVOKE SELECT ON note FROM app"));
    expect(await post("/test")).toMatchObject({ status: 500, body: { failed: 3 } });
  });
});
