import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, test } from "vitest";
import { planKey, StoredPlans } from "../../../lambdas/shared/plan-document.ts";
import { publicationKey, publicationsOf } from "../../../lambdas/shared/publications.ts";
import { compilePlan } from "../../../lib/plan/compile.ts";
import { findDeployment } from "../../../local/deployment.ts";
import { type Deployment, publish } from "../../../local/publish.ts";
import { awsError } from "../../support/aws-error.ts";
import { MemoryEvidence } from "../../support/ports.ts";
import { TINY_PLAN } from "../../support/rehearsal.ts";

const plan = await compilePlan(TINY_PLAN);
const ADA = {
  id: "AROA0123456789:ada@example.com",
  arn: "arn:aws:sts::123456789012:assumed-role/Publishers/ada@example.com",
};
const MACHINE = "arn:aws:states:eu-central-1:123456789012:stateMachine:sluice";

function deployment(): Deployment & { store: MemoryEvidence; started: string[] } {
  const started: string[] = [];
  return {
    stack: "Sluice-orders",
    bucket: "evidence",
    machine: MACHINE,
    databases: ["orders/app"],
    store: new MemoryEvidence(),
    identity: ADA,
    started,
    async start(input) {
      started.push(input);
      return `${MACHINE.replace("stateMachine", "execution")}:1`;
    },
  };
}
const wishes = { dryRun: false, start: false };

describe("publishing a plan", () => {
  test("stores its document, notes the publisher, and prints the input of a run, which finds it", async () => {
    const d = deployment();
    const lines = await publish(plan, d, wishes);
    const input = JSON.parse(lines.find((line) => line.startsWith("  {")) ?? "");
    expect(input).toEqual({ plan: plan.checksum.slice(0, 12), startedBy: "your name", reason: "why" });
    const plans = new StoredPlans(d.store, () => "");
    expect(await plans.read(await plans.find(input.plan))).toEqual(plan);
    expect(await plans.publications(plan.checksum)).toEqual([
      { by: "ada@example.com", ...ADA, at: expect.stringMatching(/^20/) },
    ]);
    expect(d.started).toEqual([]);
  });

  test("repeated with the same plan changes nothing, and another publisher is noted beside the first", async () => {
    const d = deployment();
    await publish(plan, d, wishes);
    const before = new Map(d.store.files);
    expect((await publish(plan, d, wishes)).join("\n")).toContain("It was already published");
    expect(d.store.files).toEqual(before);
    const grace = { id: "AIDA1", arn: "arn:aws:iam::123456789012:user/team/grace" };
    await publish(plan, { ...d, identity: grace }, wishes);
    const names = (await publicationsOf(d.store, plan.checksum)).map(({ by }) => by);
    expect(names).toEqual(["grace", "ada@example.com"]);
  });

  test("as a dry run shows what would be done and does nothing, also with --start", async () => {
    const d = deployment();
    const text = (await publish(plan, d, { dryRun: true, start: true })).join("\n");
    expect(text).toMatch(/It would be stored, \d+ KB, as s3:\/\/evidence\/plans\/[0-9a-f]{64}\.json/);
    expect(text).toContain("ada@example.com (arn:aws:sts::");
    expect(text).toContain(`An execution of ${MACHINE} would be started`);
    expect([d.store.files.size, d.started]).toEqual([0, []]);
  });

  test("with --start starts a run of it, by default in the name of the AWS identity", async () => {
    const d = deployment();
    const text = (await publish(plan, d, { ...wishes, start: true })).join("\n");
    expect(text).toContain("execution:sluice:1");
    await publish(plan, d, { ...wishes, start: true, startedBy: "Ada Lovelace", reason: "it's time" });
    const name = plan.checksum.slice(0, 12);
    expect(d.started.map((input) => JSON.parse(input))).toEqual([
      { plan: name, startedBy: "ada@example.com" },
      { plan: name, startedBy: "Ada Lovelace", reason: "it's time" },
    ]);
  });

  describe("for a deployment of several databases", () => {
    const several = () => ({ ...deployment(), databases: ["orders/app", "stock/app", "stock/archive"] });

    test("starts a run on the named one, with its full name, and no run without a name", async () => {
      const d = several();
      await publish(plan, d, { ...wishes, start: true, database: "orders" });
      await publish(plan, d, { ...wishes, start: true, database: "archive" });
      expect(d.started.map((input) => JSON.parse(input).database)).toEqual(["orders/app", "stock/archive"]);
      const fresh = several();
      for (const database of [undefined, "app", "nothing"])
        await expect(publish(plan, fresh, { ...wishes, start: true, database })).rejects.toThrow(
          /--database: .*orders\/app, stock\/app, stock\/archive/,
        );
      expect([fresh.started, fresh.store.files.size]).toEqual([[], 0]);
    });

    test("prints an input that fits none before a name is filled in", async () => {
      const text = (await publish(plan, several(), wishes)).join("\n");
      expect(text).toContain("with one of these for DATABASE: orders/app, stock/app, stock/archive");
      expect(text).toContain('"database":"DATABASE"');
    });
  });

  test("refuses a reason that a run would refuse, before anything is stored", async () => {
    const d = deployment();
    await expect(publish(plan, d, { ...wishes, start: true, reason: "x".repeat(2_001) })).rejects.toThrow(
      /A run would refuse its input/,
    );
    expect([d.started, d.store.files.size]).toEqual([[], 0]);
  });

  test("is refused if another document has the plan's name, and nothing starts", async () => {
    const d = deployment();
    await d.store.create(planKey(plan.checksum), '{"name":"x","plan":{"format":1}}');
    await expect(publish(plan, d, { ...wishes, start: true })).rejects.toMatchObject({
      name: "PlanUnusable",
    });
    expect(d.started).toEqual([]);
    // A dry run does not report success.
    await expect(publish(plan, d, { ...wishes, dryRun: true })).rejects.toMatchObject({
      name: "PlanUnusable",
    });
  });
});

describe("a note of the publisher", () => {
  test.each([
    ["nothing", "", { by: "grace@example.com", arn: "", at: "" }],
    ["no JSON", "{", { by: "grace@example.com", arn: "", at: "" }],
    ["another's name", '{"arn":"arn:aws:iam::1:user/ada","at":"never"}', { by: "grace@example.com", at: "" }],
  ])("that holds %s still shows which identity AWS let write it", async (_what, body, noted) => {
    const store = new MemoryEvidence();
    await store.create(publicationKey(plan.checksum, { id: "AROA1:grace@example.com" }), body);
    expect(await publicationsOf(store, plan.checksum)).toMatchObject([noted]);
  });
});

describe("the deployment", () => {
  const cloudFormation = mockClient(CloudFormationClient);
  const sts = mockClient(STSClient);
  const s3 = mockClient(S3Client);
  const sfn = mockClient(SFNClient);
  const outputs = [
    { OutputKey: "EvidenceBucket", OutputValue: "evidence" },
    { OutputKey: "StateMachineArn", OutputValue: MACHINE },
  ];
  beforeEach(() => {
    for (const client of [cloudFormation, sts, s3, sfn]) client.reset();
    cloudFormation.on(DescribeStacksCommand).resolves({ Stacks: [{ Outputs: outputs } as never] });
    sts.on(GetCallerIdentityCommand).resolves({ UserId: ADA.id, Arn: ADA.arn });
    s3.on(PutObjectCommand).resolves({});
    sfn.on(StartExecutionCommand).resolves({ executionArn: "arn:of:it" });
  });

  test("is found by its stack's outputs, and is written to only where nothing exists yet", async () => {
    const found = await findDeployment("Sluice-orders", "eu-central-1");
    expect(found).toMatchObject({ bucket: "evidence", machine: MACHINE, identity: ADA });
    await publish(plan, found, { ...wishes, start: true });
    const puts = s3.commandCalls(PutObjectCommand).map(({ args }) => args[0].input);
    expect(puts.map(({ Key }) => Key)).toEqual([publicationKey(plan.checksum, ADA), planKey(plan.checksum)]);
    for (const put of puts) expect(put).toMatchObject({ Bucket: "evidence", IfNoneMatch: "*" });
    expect(sfn.commandCalls(StartExecutionCommand)).toHaveLength(1);
  });

  test.each([
    ["ValidationError", "Stack with id Sluice-orders does not exist", "npx cdk deploy"],
    [
      "AccessDenied",
      "User is not authorized to perform: cloudformation:DescribeStacks",
      "PublishersPolicyArn",
    ],
    ["ExpiredToken", "The security token included in the request is expired", "aws sso login"],
    ["CredentialsProviderError", "Could not load credentials from any providers", "AWS_PROFILE"],
    ["Error", "Region is missing", "AWS_REGION"],
    ["TimeoutError", "connect ECONNREFUSED", "Check the network"],
  ])(
    "that AWS does not show (%s) is reported in AWS's words, with what helps",
    async (name, message, helps) => {
      cloudFormation.on(DescribeStacksCommand).rejects(awsError(name, { message }));
      const refused = findDeployment("Sluice-orders", "eu-central-1");
      await expect(refused).rejects.toMatchObject({ name: "UsageError" });
      await expect(refused).rejects.toThrow(message);
      await expect(refused).rejects.toThrow(helps);
    },
  );

  test("of another kind of stack is distinguished from one of Sluice", async () => {
    cloudFormation.on(DescribeStacksCommand).resolves({ Stacks: [{ Outputs: [] } as never] });
    await expect(findDeployment("Other", "eu-central-1")).rejects.toThrow("has no output EvidenceBucket");
  });

  test("whose bucket may not be written to leaves nothing half done", async () => {
    s3.on(PutObjectCommand).rejects(
      awsError("AccessDenied", { message: "not authorized to perform: s3:PutObject" }),
    );
    const found = await findDeployment("Sluice-orders", "eu-central-1");
    await expect(publish(plan, found, { ...wishes, start: true })).rejects.toThrow("PublishersPolicyArn");
    expect(sfn.calls()).toEqual([]);
    expect(s3.commandCalls(GetObjectCommand)).toEqual([]);
  });
});
