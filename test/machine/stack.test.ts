import { Match, Template } from "aws-cdk-lib/assertions";
import { beforeAll, describe, expect, test } from "vitest";
import { CAPABILITY_METADATA } from "../../lib/functions/functions.ts";
import { GATE_PAGE_NAME, ROLLOUT_NAME, STORE_PLAN_NAME } from "../../lib/functions/specs.ts";
import { MACHINE_CAPABILITIES } from "../../lib/machine/capabilities.ts";
import { fullSettings, makeApp } from "../support/stack.ts";

interface Resource {
  Type: string;
  Properties: Record<string, unknown>;
  Metadata?: Record<string, unknown>;
}
interface Statement {
  Effect: "Allow" | "Deny";
  Action: string | string[];
  Resource: unknown;
  Condition?: Record<string, unknown>;
}

let template: Template;

beforeAll(async () => {
  template = Template.fromStack((await makeApp()).stack);
});

const list = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value]);
const text = (value: unknown) => JSON.stringify(value);

/** What each capability's role may do, by all of its policies. */
function statementsOf(capability: string, from = template): Statement[] {
  const resources = from.toJSON().Resources as Record<string, Resource>;
  const made = Object.values(resources).find((r) => r.Metadata?.[CAPABILITY_METADATA] === capability);
  const [, role] = /"Fn::GetAtt":\["(\w+)"/.exec(text(made?.Properties.Role)) ?? [];
  if (role === undefined) throw new Error(`${capability} has no role`);
  return Object.values(resources)
    .filter((r) => r.Type === "AWS::IAM::Policy" && text(r.Properties.Roles).includes(`"${role}"`))
    .flatMap((r) => (r.Properties.PolicyDocument as { Statement: Statement[] }).Statement);
}

function allowed(capability: string, from = template): { action: string; on: string; condition: string }[] {
  return statementsOf(capability, from)
    .filter((statement) => statement.Effect === "Allow")
    .flatMap((statement) =>
      list(statement.Action).flatMap((action) =>
        list(statement.Resource).map((on) => ({
          action,
          on: text(on),
          condition: text(statement.Condition ?? {}),
        })),
      ),
    );
}

const everyone = [...MACHINE_CAPABILITIES, GATE_PAGE_NAME, ROLLOUT_NAME, STORE_PLAN_NAME];

describe("functions", () => {
  test("each capability is one function, which the template names", () => {
    const functions = Object.values(template.findResources("AWS::Lambda::Function")) as Resource[];
    expect(functions.map((made) => made.Metadata?.[CAPABILITY_METADATA]).sort()).toEqual(
      [...everyone].sort(),
    );
  });

  test("all run on a runtime that is supported for years, on arm64, with a log of their own that ends", () => {
    template.allResourcesProperties("AWS::Lambda::Function", {
      Runtime: "nodejs24.x",
      Architectures: ["arm64"],
      LoggingConfig: { LogGroup: Match.anyValue() },
    });
    template.allResourcesProperties("AWS::Logs::LogGroup", { RetentionInDays: 365 });
  });

  test("what talks to the database is in its network; what calls AWS's APIs alone is not", () => {
    const functions = Object.values(template.findResources("AWS::Lambda::Function")) as Resource[];
    const inside = functions
      .filter((made) => made.Properties.VpcConfig)
      .map((made) => made.Metadata?.[CAPABILITY_METADATA]);
    const outside = [
      "admit",
      "snapshot",
      "staging",
      "alarms",
      "restore",
      "report",
      "aftercare",
      GATE_PAGE_NAME,
      ROLLOUT_NAME,
      STORE_PLAN_NAME,
    ];
    expect(inside.sort()).toEqual(everyone.filter((name) => !outside.includes(name)).sort());
  });

  test("functions in the network call only services that have endpoints there", () => {
    // Services themselves use keys, Lambda makes interfaces and logs, and a token of IAM needs no call.
    const without = ["kms", "ec2", "logs", "rds-db"];
    const inside = everyone.filter((name) => allowed(name).some(({ action }) => action.startsWith("ec2:")));
    const called = inside.flatMap((name) => allowed(name).map(({ action }) => action.split(":")[0] ?? ""));
    const endpoints = Object.values(template.findResources("AWS::EC2::VPCEndpoint")) as Resource[];
    const reached = endpoints.map(({ Properties }) => /\.(\w+)"/.exec(text(Properties.ServiceName))?.[1]);
    expect([...new Set(called)].filter((service) => !without.includes(service)).sort()).toEqual(
      reached.sort(),
    );
  });

  test("the way back and the gate's page have reserved workers in a busy account, unless reserveConcurrency is off", async () => {
    const reserved = (from: Template) =>
      Object.values(from.findResources("AWS::Lambda::Function")).flatMap(({ Metadata, Properties }) =>
        Properties.ReservedConcurrentExecutions === undefined
          ? []
          : [`${Metadata[CAPABILITY_METADATA]} ${Properties.ReservedConcurrentExecutions}`],
      );
    expect(reserved(template).sort()).toEqual([
      "application 2",
      "clean-up 2",
      "fence 2",
      "gate-page 5",
      "prove 2",
      "restore 2",
      "rollback 2",
    ]);
    const { database, ...others } = fullSettings;
    const of = (instance: string, name: string) => ({ ...database, instance, name });
    const databases = [of("orders", "a"), of("orders", "b"), of("stock", "a")];
    const several = await makeApp({ settings: { ...others, databases } });
    // As many runs as there are instances may be on their way back.
    expect(reserved(Template.fromStack(several.stack))).toContain("rollback 4");
    const { stack } = await makeApp({ settings: { ...fullSettings, reserveConcurrency: false } });
    expect(reserved(Template.fromStack(stack))).toEqual([]);
  });

  test("whatever the settings, a function's environment stays far below Lambda's 4 KB", async () => {
    const alarms = Array.from({ length: 200 }, (_, n) => `an alarm with quite a long name, number ${n}`);
    const { stack } = await makeApp({ settings: { ...fullSettings, alarms } });
    for (const { Properties } of Object.values(
      Template.fromStack(stack).findResources("AWS::Lambda::Function"),
    ))
      expect(text(Properties.Environment).length).toBeLessThan(1_000);
  });

  test("no environment holds a secret, only where it is", () => {
    for (const made of Object.values(template.findResources("AWS::Lambda::Function")) as Resource[])
      expect(text(made.Properties.Environment)).not.toMatch(/resolve:secretsmanager|password/i);
  });
});

describe("permissions", () => {
  test("only the snapshots' function may copy and export, and only final snapshots, with the keys for it", () => {
    for (const name of everyone) {
      const sends = allowed(name).filter(({ action }) => /rds:(Copy|StartExport)/.test(action));
      if (name !== "snapshot") expect([name, sends]).toEqual([name, []]);
      else
        expect(sends.map(({ action, on }) => [action, /:snapshot:sluice-final-\*/.test(on)])).toEqual([
          ["rds:CopyDBSnapshot", true],
          ["rds:CopyDBSnapshot", true],
          ["rds:StartExportTask", true],
        ]);
    }
    const keys = allowed("snapshot").filter(({ on }) => /key\/(copies|exports)/.test(on));
    expect(keys.map(({ action }) => action).sort()).toEqual([
      "kms:CreateGrant",
      "kms:CreateGrant",
      "kms:DescribeKey",
      "kms:DescribeKey",
    ]);
    for (const { on, condition } of keys)
      expect(condition).toContain(on.includes("copies") ? "rds.eu-west-1.amazonaws.com" : "kms:ViaService");
  });

  test("an export is written by RDS alone, below its own names in the bucket of the settings", () => {
    template.hasResourceProperties("AWS::IAM::Role", {
      AssumeRolePolicyDocument: {
        Statement: [
          Match.objectLike({
            Principal: { Service: "export.rds.amazonaws.com" },
            Condition: { StringEquals: { "aws:SourceAccount": { Ref: "AWS::AccountId" } } },
          }),
        ],
      },
    });
    const policies = Object.values(template.findResources("AWS::IAM::Policy")) as Resource[];
    const [own, ...others] = policies.filter((policy) => text(policy).includes("orders-archive"));
    expect(others).toEqual([]);
    expect(text(own)).toContain("orders-archive/sluice-final-*");
  });

  test("without these settings nothing may be copied or exported, and the machine has no state for it", async () => {
    const { exampleSettings } = await import("../support/settings.ts");
    const plain = Template.fromStack((await makeApp({ settings: exampleSettings })).stack);
    expect(text(plain.toJSON())).not.toMatch(/CopyDBSnapshot|StartExportTask|Send the final snapshot away/);
    expect(text(template.toJSON())).toContain("Send the final snapshot away");
  });

  test("no action or service is allowed as a whole", () => {
    for (const name of everyone)
      for (const { action } of allowed(name)) expect(action).toMatch(/^[a-z0-9]+:[A-Za-z]+$/);
  });

  test("a resource may be * only where the action has no narrower one", () => {
    const unscoped = everyone.flatMap((name) =>
      allowed(name)
        .filter(({ on }) => on === '"*"')
        .map((a) => a.action),
    );
    expect([...new Set(unscoped)].sort()).toEqual([
      "cloudwatch:DescribeAlarms",
      "cloudwatch:GetMetricStatistics",
      "ec2:DescribeNetworkInterfaces",
      "ec2:DescribeSubnets",
      "rds:DescribeAccountAttributes",
      "rds:DescribeDBMajorEngineVersions",
      "rds:DescribeExportTasks",
      "secretsmanager:ListSecrets",
    ]);
  });

  test("only what admits a run looks at what is around production, and changes none of it", () => {
    const around = everyone.flatMap((name) =>
      allowed(name)
        .filter(({ action, on }) =>
          /BlueGreen|Prox|AccountAttributes|MajorEngine|:(deployment|db-proxy|target|target-group):/.test(
            action + on,
          ),
        )
        .map(({ action }) => `${name} ${action}`),
    );
    expect([...new Set(around)].sort()).toEqual([
      "admit rds:DescribeAccountAttributes",
      "admit rds:DescribeBlueGreenDeployments",
      "admit rds:DescribeDBMajorEngineVersions",
      "admit rds:DescribeDBProxies",
      "admit rds:DescribeDBProxyTargets",
    ]);
  });

  test("roles are passed to RDS by the restore, the watch's own to the scheduler, and none to anything else", () => {
    const passes = everyone.flatMap((name) =>
      allowed(name).filter(({ action }) => action === "iam:PassRole"),
    );
    expect(passes.map(({ condition }) => condition).sort()).toEqual([
      '{"StringEquals":{"iam:PassedToService":"export.rds.amazonaws.com"}}',
      '{"StringEquals":{"iam:PassedToService":"scheduler.amazonaws.com"}}',
      '{"StringEquals":{"iam:PassedToService":["monitoring.rds.amazonaws.com","rds.amazonaws.com"]}}',
    ]);
  });

  test("a restored production may get a managed password again, whichever key its secret is encrypted with", async () => {
    const secret = allowed("restore").filter(({ action }) => action.startsWith("secretsmanager:"));
    expect(secret.map(({ action }) => action)).toEqual([
      "secretsmanager:CreateSecret",
      "secretsmanager:TagResource",
    ]);
    // No function makes a secret itself. A condition on aws:CalledVia would never hold, as RDS does not set it.
    for (const { condition } of secret) expect(condition).toBe('{"Bool":{"aws:ViaAWSService":"true"}}');
    const onKeys = (from: Template) =>
      allowed("restore", from).filter(
        ({ action, on }) => action.startsWith("kms:") && !/key\/storage|Storage/.test(on),
      );
    expect(onKeys(template).map(({ action }) => action)).toContain("kms:GenerateDataKey");
    const { secretKmsKeyArn: _, ...database } = fullSettings.database;
    const { stack } = await makeApp({ settings: { ...fullSettings, database } });
    expect(onKeys(Template.fromStack(stack))).toContainEqual(
      expect.objectContaining({
        action: "kms:DescribeKey",
        condition: '{"ForAnyValue:StringEquals":{"kms:ResourceAliases":"alias/aws/secretsmanager"}}',
      }),
    );
  });

  test("a function's own code may not touch the network that Lambda puts it into", () => {
    const inside = everyone.filter((name) => allowed(name).some(({ action }) => action.startsWith("ec2:")));
    expect(inside).toContain("migrate");
    for (const name of inside) {
      const denied = statementsOf(name).find(
        ({ Effect, Action }) => Effect === "Deny" && text(Action).includes("ec2:"),
      );
      expect(list(denied?.Action ?? []).sort()).toEqual(
        [...new Set(allowed(name).map(({ action }) => action))].filter((a) => a.startsWith("ec2:")).sort(),
      );
      expect(denied?.Condition).toEqual({ Null: { "lambda:SourceFunctionArn": "false" } });
    }
  });

  test("a gate's token is read only by the gate, its page and the rollout, and only the last two may answer", () => {
    for (const name of everyone) {
      const denied = statementsOf(name).some(
        ({ Effect, Resource }) => Effect === "Deny" && text(Resource).includes("token.json"),
      );
      expect([name, denied]).toEqual([name, !["gate", GATE_PAGE_NAME, ROLLOUT_NAME].includes(name)]);
      const answers = allowed(name).some(({ action }) => action === "states:SendTaskSuccess");
      expect([name, answers]).toEqual([name, [GATE_PAGE_NAME, ROLLOUT_NAME].includes(name)]);
    }
  });

  test("only the gate and the rollout may put events, on the default bus, and only as Sluice", () => {
    for (const name of everyone) {
      const puts = allowed(name).filter(({ action }) => action.startsWith("events:"));
      if (name !== "gate" && name !== ROLLOUT_NAME) expect([name, puts]).toEqual([name, []]);
      else {
        expect(puts.map(({ action, condition }) => [action, condition])).toEqual([
          ["events:PutEvents", '{"StringEquals":{"events:source":"sluice"}}'],
        ]);
        expect(puts[0]?.on).toContain(':event-bus/default"');
      }
    }
  });

  test("nobody may delete evidence", () => {
    for (const name of everyone)
      for (const { action } of allowed(name))
        expect(action).not.toMatch(/^s3:(Delete|.*Lifecycle|PutBucket)/);
  });
});

describe("evidence, messages and pages", () => {
  test("the bucket is private, encrypted, versioned, and outlives the stack", () => {
    template.hasResource("AWS::S3::Bucket", {
      DeletionPolicy: "Retain",
      Properties: {
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [
            { BucketKeyEnabled: true, ServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms" } },
          ],
        },
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        VersioningConfiguration: { Status: "Enabled" },
      },
    });
  });

  test("the bucket refuses plain HTTP, and evidence that could overwrite other evidence", () => {
    template.hasResourceProperties("AWS::S3::BucketPolicy", {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: "Deny", Condition: { Bool: { "aws:SecureTransport": "false" } } }),
          Match.objectLike({
            Sid: "EvidenceIsWrittenOnce",
            Effect: "Deny",
            Action: "s3:PutObject",
            Condition: { Null: { "s3:if-none-match": "true" } },
          }),
        ]),
      },
    });
  });

  test("both topics are encrypted, and each address hears of its own", () => {
    template.allResourcesProperties("AWS::SNS::Topic", { KmsMasterKeyId: Match.anyValue() });
    for (const Endpoint of ["dba@example.com", "head-of-platform@example.com"])
      template.hasResourceProperties("AWS::SNS::Subscription", { Protocol: "email", Endpoint });
  });

  test("approvers with names let pass what is for all and what is for them, and nobody else's links", async () => {
    const ada = { name: "Ada Lovelace", email: "ada@example.com" };
    const grace = { name: "Grace Hopper", email: "grace@example.com" };
    const { stack } = await makeApp({
      settings: { ...fullSettings, approvers: [ada, grace], escalation: [grace] },
    });
    const named = Template.fromStack(stack);
    const policies = [ada, grace].map(({ email }) => {
      const [found] = Object.values(
        named.findResources("AWS::SNS::Subscription", { Properties: { Endpoint: email } }),
      ) as Resource[];
      return found?.Properties.FilterPolicy as { person: unknown[] };
    });
    for (const policy of policies)
      expect(policy).toEqual({ person: [{ exists: false }, expect.stringMatching(/^[0-9a-f]{16}$/)] });
    expect(policies[0]).not.toEqual(policies[1]);
  });

  test.each([
    ["governance", "GOVERNANCE"],
    ["compliance", "COMPLIANCE"],
  ])("evidence is locked where the settings want it: %s", async (mode, Mode) => {
    const { stack } = await makeApp({ settings: { ...fullSettings, evidenceLock: { mode, days: 90 } } });
    Template.fromStack(stack).hasResourceProperties("AWS::S3::Bucket", {
      ObjectLockEnabled: true,
      ObjectLockConfiguration: { Rule: { DefaultRetention: { Mode, Days: 90 } } },
    });
    template.hasResourceProperties("AWS::S3::Bucket", { ObjectLockEnabled: Match.absent() });
    // No role of Sluice may bypass it.
    expect(/s3:(BypassGovernanceRetention|PutObjectRetention)/.test(text(Template.fromStack(stack)))).toBe(
      false,
    );
  });

  test("the access log holds neither the run's path nor the key", () => {
    const [stage] = Object.values(template.findResources("AWS::ApiGatewayV2::Stage")) as Resource[];
    const settings = text(stage?.Properties.AccessLogSettings);
    expect(settings).toContain("$context.requestId");
    expect(settings).not.toMatch(/\$context\.(path|requestOverride|authorizer)|querystring|\$request/i);
  });

  test("pages are throttled", () => {
    template.hasResourceProperties("AWS::ApiGatewayV2::Stage", {
      DefaultRouteSettings: { ThrottlingRateLimit: 10, ThrottlingBurstLimit: 20 },
    });
  });

  test("the machine's log holds no execution data, since a gate's input holds its token", () => {
    template.hasResourceProperties("AWS::StepFunctions::StateMachine", {
      LoggingConfiguration: { Level: "ALL", IncludeExecutionData: false },
      TracingConfiguration: { Enabled: true },
    });
  });
});

describe("where things are", () => {
  test("nothing is looked up: the template names no account and needs no context", async () => {
    const { app, stack } = await makeApp();
    expect(app.synth().manifest.missing ?? []).toEqual([]);
    expect(stack.account).toContain("Token");
  });

  test("a VPC is looked up only where the settings ask for it, in the account and Region that they name", async () => {
    const { vpcId, securityGroupId } = fullSettings.network;
    const lookUp = { account: "123456789012", region: "eu-central-1", subnets: "isolated" };
    const { app, stack } = await makeApp({
      settings: { ...fullSettings, network: { vpcId, securityGroupId, lookUp } },
    });
    expect(stack.region).toBe("eu-central-1");
    expect(app.synth().manifest.missing).toEqual([
      expect.objectContaining({
        provider: "vpc-provider",
        props: expect.objectContaining({ account: "123456789012" }),
      }),
    ]);
  });

  test("the deployment's outputs show what to do next", () => {
    const outputs = template.toJSON().Outputs as Record<string, { Value: unknown }>;
    expect(Object.keys(outputs)).toEqual(
      expect.arrayContaining([
        "StateMachineArn",
        "EvidenceBucket",
        "Todo1Confirm",
        "Todo3Start",
        "Todo4Input",
      ]),
    );
    expect(() => JSON.parse(String(outputs.Todo4Input?.Value))).not.toThrow();
    expect(text(outputs.Todo3Start?.Value)).toMatch(/states\/home.*"Machine\w+"/);
    const [dashboard] = Object.values(template.findResources("AWS::CloudWatch::Dashboard")) as Resource[];
    expect(text(outputs.Todo7Watch?.Value)).toContain(
      `#dashboards/dashboard/${dashboard?.Properties.DashboardName} `,
    );
  });

  test("a log that outlived its stack is not in the way of the next deployment", () => {
    const named = (Object.values(template.findResources("AWS::Logs::LogGroup")) as Resource[]).filter(
      ({ Properties }) => Properties.LogGroupName !== undefined,
    );
    expect(named).toHaveLength(4);
    for (const { Properties } of named) {
      expect(text(Properties.LogGroupName)).toContain("/aws/vendedlogs/states/");
      expect(text(Properties.LogGroupName)).toContain('{"Ref":"AWS::StackId"}');
    }
  });

  test("endpoints are made only where the settings ask for them", async () => {
    template.resourceCountIs("AWS::EC2::VPCEndpoint", 4);
    const { exampleSettings } = await import("../support/settings.ts");
    const { stack } = await makeApp({ settings: exampleSettings });
    Template.fromStack(stack).resourceCountIs("AWS::EC2::VPCEndpoint", 0);
  });
});
