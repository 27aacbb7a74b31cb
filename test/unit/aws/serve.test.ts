import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import type { Context } from "aws-lambda";
import { mockClient } from "aws-sdk-client-mock";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import * as z from "zod";
import { awsPorts, serve } from "../../../lambdas/shared/aws/serve.ts";
import { Envar } from "../../../lambdas/shared/deployment.ts";
import { ErrorName, SluiceError } from "../../../lambdas/shared/errors.ts";
import type { Ports } from "../../../lambdas/shared/ports.ts";
import { ofItsDatabase } from "../../../lambdas/shared/settings.ts";
import { DONE, runFields, type Task } from "../../../lambdas/shared/task.ts";
import { parseSettings, toDeployed } from "../../../lib/settings.ts";
import { exampleSettings } from "../../support/settings.ts";

const checksum = "a".repeat(64);
const context = { awsRequestId: "request-1", getRemainingTimeInMillis: () => 5_000 } as Context;
const event = {
  run: "run-1",
  execution: "arn:execution",
  planChecksum: checksum,
  state: "Do it",
  token: "tok-3n",
};
const s3 = mockClient(S3Client);
const lines: string[] = [];

function taskThat(run: (ports: Ports) => Promise<void>): Task<unknown> {
  return {
    name: "example",
    event: z.strictObject({ ...runFields, token: z.string() }),
    async run(_event, ports) {
      await run(ports);
      return DONE;
    },
  };
}

beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-serve-"));
  writeFileSync(join(folder, "plan.json"), JSON.stringify({ checksum }));
  vi.stubEnv("LAMBDA_TASK_ROOT", folder);
  vi.stubEnv(Envar.bucket, "evidence");
  vi.stubEnv("AWS_REGION", "eu-central-1");
  lines.length = 0;
  vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    lines.push(String(chunk));
    return true;
  });
  s3.reset();
  s3.on(PutObjectCommand).resolves({});
  s3.on(ListObjectsV2Command).resolves({});
  s3.on(GetObjectCommand).rejects(Object.assign(new Error("no"), { name: "NoSuchKey" }));
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

test("a failure reaches the machine by its name, and the log with its stack", async () => {
  const failing = taskThat(async () => {
    throw new SluiceError(ErrorName.CheckFailed, `006: a check failed ${"x".repeat(5_000)}`);
  });
  await expect(serve(failing)(event, context)).rejects.toMatchObject({ name: "CheckFailed" });
  const logged = JSON.parse(lines.at(-1) ?? "");
  expect(logged).toMatchObject({ outcome: "failed", error: "CheckFailed", run: "run-1", state: "Do it" });
  expect(logged.stack).toContain("serve.test.ts");
});

test("an event of the wrong shape is refused before anything is touched", async () => {
  await expect(serve(taskThat(async () => undefined))({ run: "r" }, context)).rejects.toMatchObject({
    name: "RequestInvalid",
  });
  expect(s3.calls()).toEqual([]);
});

test("an answer is logged in one line without a token", async () => {
  expect(await serve(taskThat(async () => undefined))(event, context)).toEqual(DONE);
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({
    task: "example",
    run: "run-1",
    state: "Do it",
    request: "request-1",
    outcome: "answered",
    answer: DONE,
    seconds: expect.any(Number),
  });
  expect(lines.join("")).not.toContain("tok-3n");
});

test("a task that needs only evidence runs where nothing else is set", async () => {
  vi.stubEnv(Envar.gateUrl, "");
  const task = taskThat(
    async (ports) => void (await ports.evidence.create("runs/r/a", "{}", "application/json")),
  );
  expect(await serve(task)(event, context)).toEqual(DONE);
  const keys = s3.commandCalls(PutObjectCommand).map((call) => call.args[0].input.Key);
  expect(keys).toContain("runs/r/a");
});

test("a setting that is missing at deployment is named when it is needed", () => {
  vi.stubEnv(Envar.approversTopic, "");
  expect(() => awsPorts(context).notifier).toThrow(/deployed without SLUICE_APPROVERS_TOPIC/);
});

test("a deployment's databases are listed, and no port has a database before one is chosen", () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-shipped-"));
  const { database, ...rest } = exampleSettings;
  const databases = [database, { instance: "stock", name: "warehouse", iamUser: "migrator" }];
  const shipped = toDeployed(parseSettings({ ...rest, databases }));
  writeFileSync(join(folder, "settings.json"), JSON.stringify(shipped));
  vi.stubEnv("LAMBDA_TASK_ROOT", folder);
  vi.stubEnv(Envar.gateUrl, "https://gates.example.com");
  const ports = awsPorts(context);
  expect(ports.settings.gateUrl).toBe("https://gates.example.com");
  expect(() => ports.settings.instance).toThrow(/does not have this run's database/);
  expect(() => ports.databases.withSession({ host: "h", port: 1 }, async () => 1)).toThrow(/bound to none/);
  const of = ports.choice?.list[1];
  expect(of).toMatchObject({ instance: "stock", database: "warehouse", iamUser: "migrator" });
  expect(ofItsDatabase(ports, of).settings).toMatchObject({
    instance: "stock",
    gateUrl: "https://gates.example.com",
  });
});

test("the clock shows how much time this invocation has left", () => {
  expect(awsPorts(context).clock.remaining()).toBe(5_000);
});
