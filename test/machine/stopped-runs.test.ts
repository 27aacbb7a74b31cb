import { Match, Template } from "aws-cdk-lib/assertions";
import { beforeAll, describe, expect, test } from "vitest";
import { END_NAMES } from "../../lambdas/shared/documents.ts";
import { makeApp } from "../support/stack.ts";

interface Rule {
  Properties: { EventPattern: { detail: Record<string, unknown> }; Targets: Record<string, unknown>[] };
}

/**
 * Matches a flat event as EventBridge does, for the parts that our rules use: any value of a field's list matches,
 * "anything-but" needs the field to be present, and null is not the same as absent.
 */
function matches(pattern: Record<string, unknown>, event: Record<string, unknown>): boolean {
  const { $or, ...fields } = pattern as { $or?: Record<string, unknown>[] };
  if ($or && !$or.some((one) => matches({ ...fields, ...one }, event))) return false;
  return Object.entries(fields).every(([field, wanted]) => {
    const present = field in event;
    return (wanted as unknown[]).some((one) => {
      if (typeof one !== "object" || one === null) return present && event[field] === one;
      const rule = one as { exists?: boolean; "anything-but"?: unknown[] };
      if (rule.exists !== undefined) return rule.exists === present;
      if (rule["anything-but"]) return present && !rule["anything-but"].includes(event[field]);
      throw new Error(`This test has no ${JSON.stringify(one)}`);
    });
  });
}

const text = (value: unknown) => JSON.stringify(value);

let template: Template;
let rules: Record<"Runs" | "CleanUps", Rule>;
beforeAll(async () => {
  template = Template.fromStack((await makeApp()).stack);
  const found = Object.values(template.findResources("AWS::Events::Rule")) as Rule[];
  const about = (machine: string) =>
    found.find(({ Properties }) =>
      text(Properties.EventPattern.detail.stateMachineArn ?? "").includes(`"${machine}`),
    ) as Rule;
  rules = { Runs: about("Machine"), CleanUps: about("CleanUp") };
});

describe("a run that ends otherwise than by its own ways", () => {
  test("starts the clean-up, with what it needs to know of the run", () => {
    expect(rules.Runs.Properties.EventPattern).toMatchObject({
      source: ["aws.states"],
      detail: { status: ["ABORTED", "TIMED_OUT", "FAILED"] },
    });
    expect(text(rules.Runs.Properties.EventPattern.detail.stateMachineArn)).toMatch(/"Machine\w+"/);
    const [target, ...others] = rules.Runs.Properties.Targets;
    expect(others).toEqual([]);
    expect(text(target?.Arn)).toMatch(/"CleanUp\w+"/);
    expect(target?.InputTransformer).toHaveProperty(
      "InputTemplate",
      '{"run":<detail-name>,"execution":<detail-executionArn>,"status":<detail-status>}',
    );
  });

  test("whose clean-up is itself ended makes people look, and does not start another", () => {
    const targets = rules.CleanUps.Properties.Targets;
    expect(targets.map(({ Arn }) => text(Arn)).sort()).toEqual([
      expect.stringMatching(/NoticesApprovers/),
      expect.stringMatching(/NoticesEscalation/),
    ]);
    const { stateMachineArn, ...when } = rules.CleanUps.Properties.EventPattern.detail;
    expect(text(stateMachineArn)).toMatch(/"CleanUp\w+"/);
    const ended = (detail: Record<string, unknown>) => matches(when, detail);
    expect(ended({ status: "ABORTED", error: null })).toBe(true);
    expect(ended({ status: "TIMED_OUT" })).toBe(true);
    expect(ended({ status: "FAILED", error: "States.Runtime" })).toBe(true);
    // AWS does not promise that the event names the error.
    expect(ended({ status: "FAILED" })).toBe(true);
    expect(ended({ status: "FAILED", error: null })).toBe(true);
    // The run's own ends do not count: they notify people themselves.
    for (const error of [...END_NAMES, "CleanUpFailed"])
      expect(ended({ status: "FAILED", error }), error).toBe(false);
    expect(ended({ status: "SUCCEEDED" })).toBe(false);
    expect(ended({ status: "RUNNING" })).toBe(false);
  });

  test("is not lost where EventBridge cannot deliver: the event is kept, and people get a message", () => {
    for (const { Properties } of Object.values(rules))
      for (const target of Properties.Targets)
        expect(text(target.DeadLetterConfig)).toContain("StoppedRunsUndelivered");
    template.hasResourceProperties("AWS::SQS::Queue", {
      MessageRetentionPeriod: 14 * 86_400,
      SqsManagedSseEnabled: true,
    });
    template.hasResourceProperties("AWS::CloudWatch::Alarm", {
      MetricName: "ApproximateNumberOfMessagesVisible",
      AlarmActions: [{ Ref: Match.stringLikeRegexp("NoticesEscalation") }],
    });
  });
});

test("rules and alarms of this account alone may send messages to people", () => {
  const policies = Object.values(template.findResources("AWS::SNS::TopicPolicy"));
  expect(policies).toHaveLength(2);
  for (const { Properties } of policies) {
    const allowed = Properties.PolicyDocument.Statement.filter(
      ({ Effect }: { Effect: string }) => Effect === "Allow",
    );
    expect(allowed).toEqual([
      expect.objectContaining({
        Action: "sns:Publish",
        Principal: { Service: ["cloudwatch.amazonaws.com", "events.amazonaws.com"] },
        Condition: { StringEquals: { "aws:SourceAccount": { Ref: "AWS::AccountId" } } },
      }),
    ]);
  }
});

test("the key of messages permits EventBridge, which sends no account, and alarms of this account only", () => {
  const statements = Object.values(template.findResources("AWS::KMS::Key")).flatMap(
    ({ Properties }) => Properties.KeyPolicy.Statement as { Principal: unknown; Condition?: unknown }[],
  );
  const conditionsOf = (service: string) =>
    statements
      .filter(({ Principal }) => text(Principal).includes(`"${service}"`))
      .map(({ Condition }) => Condition);
  expect(conditionsOf("events.amazonaws.com")).toContain(undefined);
  const ofAlarms = conditionsOf("cloudwatch.amazonaws.com");
  expect(ofAlarms).not.toEqual([]);
  for (const condition of ofAlarms)
    expect(condition).toEqual({ StringEquals: { "aws:SourceAccount": { Ref: "AWS::AccountId" } } });
});
