import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import type { CloudFormationCustomResourceEvent } from "aws-lambda";
import { mockClient } from "aws-sdk-client-mock";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Envar, PLAN_FILE } from "../../../lambdas/shared/deployment.ts";
import { bound, documentOf, planKey } from "../../../lambdas/shared/plan-document.ts";
import { handler } from "../../../lambdas/store-plan/handler.ts";
import { awsError } from "../../support/aws-error.ts";
import { planOf } from "../../support/plans.ts";

const { checksum: _, ...unbound } = planOf(1);
const plan = bound(unbound);
const s3 = mockClient(S3Client);
const answers: Record<string, unknown>[] = [];

const asked = (RequestType: "Create" | "Update" | "Delete", Plan = plan.checksum) =>
  handler({
    RequestType,
    StackId: "stack",
    RequestId: "request",
    LogicalResourceId: "Plan",
    ResponseURL: "https://cloudformation.example/answer",
    PhysicalResourceId: "plan-before",
    ResourceProperties: { ServiceToken: "arn", Plan },
  } as unknown as CloudFormationCustomResourceEvent);

beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-store-"));
  writeFileSync(join(folder, PLAN_FILE), documentOf(plan));
  vi.stubEnv("LAMBDA_TASK_ROOT", folder);
  vi.stubEnv("AWS_REGION", "eu-central-1");
  vi.stubEnv(Envar.bucket, "evidence");
  answers.length = 0;
  vi.stubGlobal("fetch", async (_url: string, { body }: { body: string }) => {
    answers.push(JSON.parse(body));
    return { ok: true };
  });
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  s3.reset();
  s3.on(PutObjectCommand).resolves({});
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

test("a deployment stores its plan where there is none, and CloudFormation gets the answer", async () => {
  await asked("Create");
  const [put] = s3.commandCalls(PutObjectCommand);
  expect(put?.args[0].input).toMatchObject({ Key: planKey(plan.checksum), IfNoneMatch: "*" });
  expect(answers).toMatchObject([{ Status: "SUCCESS", PhysicalResourceId: `plan-${plan.checksum}` }]);
});

test("a plan that cannot be stored fails the deployment at once, with the reason", async () => {
  s3.on(PutObjectCommand).rejects(awsError("AccessDenied", { message: "no PutObject for you" }));
  await asked("Update");
  expect(answers).toMatchObject([{ Status: "FAILED", Reason: "no PutObject for you" }]);
  await asked("Update", "f".repeat(64));
  expect(answers[1]).toMatchObject({ Status: "FAILED", Reason: expect.stringContaining("cannot be used") });
});

test("the plan stays when the stack is deleted or deploys another plan: past runs used it", async () => {
  await asked("Delete");
  expect(s3.calls()).toEqual([]);
  expect(answers).toMatchObject([{ Status: "SUCCESS", PhysicalResourceId: "plan-before" }]);
});
