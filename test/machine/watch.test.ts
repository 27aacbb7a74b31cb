import { Match, Template } from "aws-cdk-lib/assertions";
import { beforeAll, describe, expect, test } from "vitest";
import { Envar } from "../../lambdas/shared/deployment.ts";
import type { CompiledPlan } from "../../lambdas/shared/plan.ts";
import { PUBLISHED_BEYOND_ALERT, runbookOf, sectionText } from "../../lambdas/watch/readings.ts";
import { thresholdText } from "../../lambdas/watch/thresholds.ts";
import { compilePlan } from "../../lib/plan/compile.ts";
import { DASHBOARD } from "../support/dashboard.ts";
import { changedPlan } from "../support/rehearsal.ts";
import { exampleSettings } from "../support/settings.ts";
import { fullSettings, makeApp } from "../support/stack.ts";

const FOLDER = "sql/knowledge-graph";

interface Alarm {
  AlarmName: string;
  AlarmDescription: string;
  Threshold: number;
  ComparisonOperator: string;
  TreatMissingData: string;
  AlarmActions: unknown[];
  OKActions: unknown[];
}

let plan: CompiledPlan;
let template: Template;
let alarms: Alarm[];

beforeAll(async () => {
  plan = await compilePlan(FOLDER);
  template = Template.fromStack((await makeApp({ planFolder: FOLDER })).stack);
  // The stack has other alarms, too.
  alarms = Object.entries(template.findResources("AWS::CloudWatch::Alarm"))
    .filter(([id]) => id.startsWith("Monitoring"))
    .map(([, { Properties }]) => Properties as Alarm);
});

describe("the dashboard", () => {
  test("has a graph for every row of the plan's, with its target and its alert drawn", () => {
    const metrics = plan.watch?.metrics ?? [];
    expect(
      metrics.map(({ title, unit, target, alert }) => [
        title,
        thresholdText(target, unit),
        thresholdText(alert, unit),
      ]),
    ).toEqual(DASHBOARD);
    const body = JSON.stringify(template.findResources("AWS::CloudWatch::Dashboard"));
    for (const [title, target, alert] of DASHBOARD) {
      expect(body).toContain(`\\"title\\":\\"${title}\\"`);
      expect(body).toContain(`Target ${target}`);
      expect(body).toContain(`Alert ${alert}`);
    }
  });
});

describe("the alarms", () => {
  test("are one for every row, at its threshold, and show what to do and where to read on", () => {
    for (const metric of plan.watch?.metrics ?? []) {
      const alarm = alarms.find(({ AlarmDescription }) => AlarmDescription.startsWith(`${metric.title} of `));
      expect(alarm).toMatchObject({
        // RDS measures bytes.
        Threshold: metric.alert.value * (metric.source.kind === "free-disk" ? 1024 ** 3 : 1),
        ComparisonOperator: metric.alert.operator === "<" ? "LessThanThreshold" : "GreaterThanThreshold",
      });
      expect(alarm?.AlarmDescription).toContain(thresholdText(metric.alert, metric.unit));
      expect(alarm?.AlarmDescription).toContain(thresholdText(metric.target, metric.unit));
      expect(alarm?.AlarmDescription).toContain(runbookOf(metric));
    }
  });

  test("are also one for the 50 connections, for checks that hold no more, and for the watch itself", () => {
    const about = (text: string) => alarms.filter(({ AlarmDescription }) => AlarmDescription.includes(text));
    expect(about("fewer than 50 connections")[0]).toMatchObject({
      Threshold: 50,
      ComparisonOperator: "LessThanThreshold",
    });
    expect(about("passed before the opening")[0]).toMatchObject({ Threshold: 0 });
    expect(about("A reading of the watch")[0]).toMatchObject({ Threshold: 0 });
    expect(alarms).toHaveLength(DASHBOARD.length + 4);
  });

  test("notify the approvers when they begin and when they are over, by a topic that CloudWatch may use", () => {
    const topics = JSON.stringify(template.findResources("AWS::SNS::TopicPolicy"));
    expect(topics).toContain("cloudwatch.amazonaws.com");
    expect(JSON.stringify(template.findResources("AWS::KMS::Key"))).toContain("cloudwatch.amazonaws.com");
    for (const { AlarmActions, OKActions } of alarms) {
      expect(AlarmActions).toHaveLength(1);
      expect(OKActions).toEqual(AlarmActions);
      expect(JSON.stringify(AlarmActions)).toContain("NoticesApprovers");
    }
  });

  test("keep their state between readings: nothing measured is neither good nor bad news", () => {
    for (const { AlarmName, TreatMissingData } of alarms)
      expect([AlarmName, TreatMissingData]).toEqual([
        AlarmName,
        AlarmName.includes("Probe") ? "notBreaching" : "ignore",
      ]);
  });
});

describe("of several databases", () => {
  const { database, ...others } = fullSettings;
  const stock = { ...database, instance: "stock" };
  const names = async (databases: object[]) => {
    const settings = { ...others, databases, stackName: "Sluice-orders-production" };
    const from = Template.fromStack((await makeApp({ planFolder: FOLDER, settings })).stack);
    const of = (type: string, name: string) =>
      Object.entries(from.findResources(type)).map(([id, { Properties }]) => [id, String(Properties[name])]);
    return {
      dashboards: of("AWS::CloudWatch::Dashboard", "DashboardName"),
      alarms: Object.entries(from.findResources("AWS::CloudWatch::Alarm")).map(
        ([, { Properties }]) => Properties,
      ),
      policies: JSON.stringify(from.findResources("AWS::IAM::Policy")),
    };
  };

  test("each has a dashboard and alarms of its own metrics, and schedules that the aftercare may make", async () => {
    const { dashboards, alarms, policies } = await names([
      database,
      { ...stock, name: "a" },
      { ...stock, name: "b/c" },
    ]);
    const titles = dashboards.map(([, name]) => name);
    expect(titles).toEqual([
      "Sluice-orders-production",
      "Sluice-stock_a",
      expect.stringMatching(/^Sluice-stock_b-c-[0-9a-f]{12}$/),
    ]);
    for (const [label, name] of [
      ["orders-production"],
      ["stock/a", "stock_a"],
      ["stock/b/c", titles[2]?.slice(7)],
    ]) {
      const own = alarms.filter((alarm) =>
        JSON.stringify(alarm.Dimensions ?? alarm.Metrics ?? []).includes(`"${label}"`),
      );
      expect(own.length).toBeGreaterThan(5);
      for (const { AlarmName } of own) expect(AlarmName).toContain(`Sluice-${name ?? label}-`);
      expect(policies).toContain(`/${name ?? label}-hourly`);
    }
  });

  test("none gets another's place where the list has another order, or was a single one before", async () => {
    const sorted = async (databases: object[]) => (await names(databases)).dashboards.sort();
    expect(await sorted([database, stock])).toEqual(await sorted([stock, database]));
    const [before] = await sorted([database]);
    expect(await sorted([stock, database])).toContainEqual(before);
    expect(before).toEqual(
      Object.entries(template.findResources("AWS::CloudWatch::Dashboard")).map(([id, { Properties }]) => [
        id,
        Properties.DashboardName,
      ])[0],
    );
  });
});

describe("the schedule", () => {
  test("is made by the aftercare alone, under its two names, with a role that may call the probe and nothing else", () => {
    const policies = Object.values(template.findResources("AWS::IAM::Policy"));
    const schedules = policies.filter((policy) => JSON.stringify(policy).includes("scheduler:"));
    expect(schedules).toHaveLength(1);
    expect(JSON.stringify(schedules[0])).toMatch(/aftercareRole/);
    expect(JSON.stringify(schedules[0])).not.toMatch(/schedule\/[^"]*\*/);
    template.hasResourceProperties("AWS::IAM::Role", {
      AssumeRolePolicyDocument: {
        Statement: [
          {
            Principal: { Service: "scheduler.amazonaws.com" },
            Condition: {
              StringEquals: { "aws:SourceAccount": Match.anyValue(), "aws:SourceArn": Match.anyValue() },
            },
          },
        ],
      },
    });
    const calls = policies.filter((policy) => /"Roles":\[\{"Ref":"WatchRole/.test(JSON.stringify(policy)));
    const statements = calls.flatMap(({ Properties }) => Properties.PolicyDocument.Statement);
    expect(statements).toEqual([
      expect.objectContaining({
        Action: "lambda:InvokeFunction",
        Resource: { "Fn::GetAtt": [expect.stringMatching(/^Functionswatch/), "Arn"] },
      }),
    ]);
  });

  test("is not made up for: a probe that could not be called in time is not called late, nor twice", () => {
    template.hasResourceProperties("AWS::Lambda::EventInvokeConfig", {
      MaximumRetryAttempts: 0,
      MaximumEventAgeInSeconds: 60,
    });
  });

  test("goes with the stack", () => {
    template.hasResource("AWS::Scheduler::ScheduleGroup", { DeletionPolicy: "Delete" });
  });
});

describe("of plans that are published later", () => {
  const bodyOf = (of: Template) =>
    JSON.stringify(of.findResources("AWS::CloudWatch::Dashboard")).replaceAll("\\", "");

  test("there is a graph of every metric that is read, whatever its name, of this instance alone", () => {
    expect(bodyOf(template)).toContain(
      `SEARCH('{"Sluice","service","Instance"} "service"="watch" "Instance"="${exampleSettings.database.instance}" '`,
    );
  });

  test("one alarm covers all metrics, and shows where to find the metric that raised it", () => {
    const [alarm, ...others] = alarms.filter(({ AlarmDescription }) =>
      AlarmDescription.includes("published plan"),
    );
    expect(others).toEqual([]);
    expect(alarm).toMatchObject({ Threshold: 0, ComparisonOperator: "GreaterThanThreshold" });
    expect(alarm?.AlarmDescription).toContain(sectionText("published"));
    expect(JSON.stringify(alarm)).toContain(PUBLISHED_BEYOND_ALERT);
  });

  test("the probe's environment names the deployed plan, whose metrics have alarms of their own", () => {
    const probes = Object.values(
      template.findResources("AWS::Lambda::Function", { Properties: { Timeout: 240 } }),
    );
    expect(probes.map(({ Properties }) => Properties.Environment.Variables[Envar.plan])).toEqual([
      plan.checksum,
    ]);
  });

  test("where the deployed plan watches nothing, the metrics of published plans still have graphs and alarms", async () => {
    const planFolder = await changedPlan({
      "plan.yaml": (text) => text.replace(/^watch:\n(?:[ \t]+.*\n?)+/m, ""),
    });
    const { stack } = await makeApp({ planFolder });
    const silent = Template.fromStack(stack);
    expect(bodyOf(silent)).toContain("SEARCH(");
    for (const [title] of DASHBOARD) expect(bodyOf(silent)).not.toContain(title);
    const own = Object.entries(silent.findResources("AWS::CloudWatch::Alarm"))
      .filter(([id]) => id.startsWith("Monitoring"))
      .map(([, { Properties }]) => Properties.AlarmDescription as string);
    expect(own).toHaveLength(3);
    for (const text of ["published plan", "passed before the opening", "A reading of the watch"])
      expect(own.filter((description) => description.includes(text))).toHaveLength(1);
  });
});
