import { readdirSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { beforeAll, expect, test, vi } from "vitest";
import { readAuthorities, readPlanDocument, readSettings } from "../../lambdas/shared/aws/shipped.ts";
import { Envar } from "../../lambdas/shared/deployment.ts";
import { planIn } from "../../lambdas/shared/plan-document.ts";
import { GATE_PAGE_NAME, ROLLOUT_NAME, STORE_PLAN_NAME } from "../../lib/functions/specs.ts";
import { MACHINE_CAPABILITIES } from "../../lib/machine/capabilities.ts";
import { compilePlan } from "../../lib/plan/compile.ts";
import { makeApp } from "../support/stack.ts";

// The tests' own folder: a bundle's import of the AWS SDK resolves there, as it does in Lambda's.
const OUT = join(import.meta.dirname, "../../node_modules/.cache/sluice-bundles");
const MOST_BYTES = 560_000;
const names = [...MACHINE_CAPABILITIES, GATE_PAGE_NAME, ROLLOUT_NAME];
const told = (name: string) => (name === STORE_PLAN_NAME ? ["plan.json"] : ["ca.pem", "settings.json"]);
let bundles = "";
const folder = (name: string) => join(bundles, name);

beforeAll(async () => {
  const { stack } = await makeApp({ bundle: true, outdir: OUT });
  const functions = stack.node.findChild("Default").node.findChild("Functions");
  bundles = join(OUT, "bundles", functions.node.addr);
});

test.each([...names, STORE_PLAN_NAME])(
  "%s: its bundle is small, loads by itself, and lies beside the files that it reads",
  (name) => {
    expect(readdirSync(folder(name)).sort()).toEqual([...told(name), "index.js"].sort());
    expect(statSync(join(folder(name), "index.js")).size).toBeLessThan(MOST_BYTES);
    const loaded = createRequire(import.meta.url)(join(folder(name), "index.js")) as { handler: unknown };
    expect(loaded.handler).toBeTypeOf("function");
  },
);

test("only clients of the AWS SDK are left to the runtime, which promises no other package", () => {
  for (const name of names) {
    const text = readFileSync(join(folder(name), "index.js"), "utf8");
    // Not after a bracket: that is a message of the SDK that recommends another package.
    const left = [...text.matchAll(/(?<!\[)(?:require|import)\("(@(?:aws-sdk|smithy)\/[^"]+)"\)/g)].map(
      ([, id]) => id,
    );
    expect(left).not.toEqual([]);
    for (const id of left) expect(id).toMatch(/^@aws-sdk\/(client-[a-z0-9-]+|nested-clients\/[a-z-]+)$/);
  }
});

test("who may be asked by anybody holds no way to a database or an instance", () => {
  const text = readFileSync(join(folder(GATE_PAGE_NAME), "index.js"), "utf8");
  const clients = [...text.matchAll(/require\("@aws-sdk\/client-([^"]+)"\)/g)].map(([, client]) => client);
  expect([...new Set(clients)].sort()).toEqual(["s3", "sfn"]);
  // Texts of node-postgres, RDS and its tokens that no minifier changes.
  for (const telltale of ["pg-native", "rds-db:connect", "RDSClient", "ModifyDBInstance"])
    expect(text).not.toContain(telltale);
});

test("the settings that are shipped are read as they were given, with the gates' address from the environment", () => {
  vi.stubEnv("LAMBDA_TASK_ROOT", folder("migrate"));
  vi.stubEnv(Envar.gateUrl, "https://gates.example.com");
  expect(readSettings()).toMatchObject({
    databases: [{ instance: "orders-production", alarms: ["orders-latency"] }],
    gateUrl: "https://gates.example.com",
  });
  expect(readAuthorities()).toContain("BEGIN CERTIFICATE");
  vi.unstubAllEnvs();
});

test("the plan that is deployed is beside the one function that stores it, as its document", async () => {
  vi.stubEnv("LAMBDA_TASK_ROOT", folder(STORE_PLAN_NAME));
  const { checksum } = await compilePlan("test/plans/tiny");
  expect(planIn(readPlanDocument(), checksum)).toMatchObject({ name: "tiny" });
  vi.unstubAllEnvs();
});
