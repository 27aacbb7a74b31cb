import {
  CloudWatchClient,
  DescribeAlarmsCommand,
  DisableAlarmActionsCommand,
  EnableAlarmActionsCommand,
} from "@aws-sdk/client-cloudwatch";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { DescribeExecutionCommand, SendTaskSuccessCommand, SFNClient } from "@aws-sdk/client-sfn";
import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, test } from "vitest";
import { CloudWatchAlarms } from "../../../lambdas/shared/aws/cloudwatch-alarms.ts";
import { EventBridgeAnnouncer } from "../../../lambdas/shared/aws/events.ts";
import { SnsNotifier } from "../../../lambdas/shared/aws/sns-notifier.ts";
import { SfnCallbacks, SfnExecutions } from "../../../lambdas/shared/aws/step-functions.ts";
import { awsError } from "../../support/aws-error.ts";

const region = "eu-central-1";
const sfn = mockClient(SFNClient);
const sns = mockClient(SNSClient);
const eventBridge = mockClient(EventBridgeClient);
const cloudWatch = mockClient(CloudWatchClient);

beforeEach(() => {
  sfn.reset();
  sns.reset();
  cloudWatch.reset();
  eventBridge.reset();
});

describe("answers to gates", () => {
  const callbacks = new SfnCallbacks(new SFNClient({ region }));

  test.each(["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])(
    "%s means that the run no longer waits",
    async (name) => {
      sfn.on(SendTaskSuccessCommand).rejects(awsError(name));
      expect(await callbacks.succeed("token", { decision: "Go" })).toBe(false);
    },
  );

  test("a failed call is no answer", async () => {
    sfn.on(SendTaskSuccessCommand).rejects(awsError("AccessDeniedException"));
    await expect(callbacks.succeed("token", {})).rejects.toThrow("AccessDenied");
  });

  test("the output is sent as JSON", async () => {
    sfn.on(SendTaskSuccessCommand).resolves({});
    expect(await callbacks.succeed("token", { decision: "Go" })).toBe(true);
    expect(sfn.commandCalls(SendTaskSuccessCommand)[0]?.args[0].input).toEqual({
      taskToken: "token",
      output: '{"decision":"Go"}',
    });
  });
});

describe("executions", () => {
  const executions = new SfnExecutions(new SFNClient({ region }));

  test("an execution that Step Functions no longer lists does not run", async () => {
    sfn.on(DescribeExecutionCommand).rejects(awsError("ExecutionDoesNotExist"));
    expect(await executions.isRunning("arn")).toBe(false);
  });

  test("a failed look-up does not free a lock", async () => {
    sfn.on(DescribeExecutionCommand).rejects(awsError("ThrottlingException"));
    await expect(executions.isRunning("arn")).rejects.toThrow("Throttling");
  });

  test.each([
    ["RUNNING", true],
    ["PENDING_REDRIVE", true],
    ["ABORTED", false],
    ["FAILED", false],
    ["SUCCEEDED", false],
    ["TIMED_OUT", false],
  ] as const)("%s: running is %s", async (status, running) => {
    sfn.on(DescribeExecutionCommand).resolves({ status });
    expect(await executions.isRunning("arn")).toBe(running);
  });

  test.each([
    [1, true],
    [14, true],
    [16, false],
  ])("one that was stopped %i minutes ago may have left a worker: %s", async (minutes, may) => {
    const stopDate = new Date(Date.now() - minutes * 60_000);
    sfn.on(DescribeExecutionCommand).resolves({ status: "ABORTED", stopDate });
    expect(await executions.isRunning("arn")).toBe(may);
  });
});

describe("messages", () => {
  const notifier = new SnsNotifier(new SNSClient({ region }), { approvers: "arn:a", escalation: "arn:e" });

  test("a message that cannot be sent is an error", async () => {
    sns.on(PublishCommand).rejects(awsError("KMSAccessDenied"));
    await expect(notifier.send({ subject: "s", text: "t", audience: "approvers" })).rejects.toThrow("KMS");
  });

  test("a message for one subscriber names them in the attribute that their subscription filters by", async () => {
    sns.on(PublishCommand).resolves({});
    await notifier.send({ subject: "s", text: "t", audience: "approvers", to: "a1" });
    await notifier.send({ subject: "s", text: "t", audience: "approvers" });
    expect(sns.commandCalls(PublishCommand).map((call) => call.args[0].input.MessageAttributes)).toEqual([
      { person: { DataType: "String", StringValue: "a1" } },
      undefined,
    ]);
  });

  test("each audience has its topic", async () => {
    sns.on(PublishCommand).resolves({});
    await notifier.send({ subject: "s", text: "t", audience: "approvers" });
    await notifier.send({ subject: "s", text: "t", audience: "escalation" });
    expect(sns.commandCalls(PublishCommand).map((call) => call.args[0].input.TopicArn)).toEqual([
      "arn:a",
      "arn:e",
    ]);
  });

  test("a subject that SNS would refuse is corrected, so that the message arrives", async () => {
    sns.on(PublishCommand).resolves({});
    await notifier.send({ subject: `Gate für\nalle ${"x".repeat(200)}`, text: "t", audience: "approvers" });
    const subject = sns.commandCalls(PublishCommand)[0]?.args[0].input.Subject ?? "";
    expect(subject).toMatch(/^Gate f\?r\?alle x+$/);
    expect(subject).toHaveLength(100);
  });
});

describe("announcements", () => {
  const announcer = new EventBridgeAnnouncer(new EventBridgeClient({ region }));
  const announcement = { type: "Gate Opened", detail: { gate: "open", by: 'the "lead"' } } as const;

  test("an event has Sluice as its source, its kind as its type, and its detail as JSON", async () => {
    eventBridge.on(PutEventsCommand).resolves({ FailedEntryCount: 0, Entries: [{ EventId: "1" }] });
    await announcer.announce(announcement);
    expect(eventBridge.commandCalls(PutEventsCommand)[0]?.args[0].input).toEqual({
      Entries: [
        { Source: "sluice", DetailType: "Gate Opened", Detail: '{"gate":"open","by":"the \\"lead\\""}' },
      ],
    });
  });

  test("a rejected event is an error, even if the call succeeds", async () => {
    eventBridge
      .on(PutEventsCommand)
      .resolves({ FailedEntryCount: 1, Entries: [{ ErrorCode: "ThrottlingException" }] });
    await expect(announcer.announce(announcement)).rejects.toThrow("ThrottlingException");
  });
});

describe("alarms", () => {
  const alarms = new CloudWatchAlarms(new CloudWatchClient({ region }));

  test("without names there is no call: CloudWatch would take it as all alarms", async () => {
    expect(await alarms.enabled([])).toEqual([]);
    await alarms.disable([]);
    await alarms.enable([]);
    expect(cloudWatch.calls()).toEqual([]);
  });

  test("only alarms with actions on are returned, composite ones too", async () => {
    cloudWatch.on(DescribeAlarmsCommand).resolves({
      MetricAlarms: [
        { AlarmName: "on", ActionsEnabled: true },
        { AlarmName: "off", ActionsEnabled: false },
      ],
      CompositeAlarms: [{ AlarmName: "both", ActionsEnabled: true }],
    });
    expect(await alarms.enabled(["on", "off", "both"])).toEqual(["on", "both"]);
    expect(cloudWatch.commandCalls(DescribeAlarmsCommand)[0]?.args[0].input.AlarmTypes).toEqual([
      "MetricAlarm",
      "CompositeAlarm",
    ]);
  });

  test("more names than CloudWatch takes in one call go in several calls", async () => {
    const names = Array.from({ length: 205 }, (_, i) => `alarm-${i}`);
    await alarms.disable(names);
    await alarms.enable(names);
    const sizes = (command: typeof DisableAlarmActionsCommand | typeof EnableAlarmActionsCommand) =>
      cloudWatch.commandCalls(command).map((call) => call.args[0].input.AlarmNames?.length);
    expect(sizes(DisableAlarmActionsCommand)).toEqual([100, 100, 5]);
    expect(sizes(EnableAlarmActionsCommand)).toEqual([100, 100, 5]);
  });
});
