import { Duration } from "aws-cdk-lib";
import * as cloudwatch from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import * as events from "aws-cdk-lib/aws-events";
import * as targets from "aws-cdk-lib/aws-events-targets";
import { Topic } from "aws-cdk-lib/aws-sns";
import * as sqs from "aws-cdk-lib/aws-sqs";
import type { StateMachine } from "aws-cdk-lib/aws-stepfunctions";
import { Construct } from "constructs";
import { END_NAMES } from "../lambdas/shared/documents.ts";
import { CLEAN_UP_FAILED } from "./machine/clean-up.ts";
import type { Notices } from "./notices.ts";

export interface StoppedRunsProps {
  machine: StateMachine;
  cleanUp: StateMachine;
  notices: Notices;
}

const { fromPath } = events.EventField;

/**
 * Handles executions that end from outside, where no Catch runs. To a rule, a failed end of the machine's own may look the
 * same, as its event need not name the error: the clean-up itself distinguishes the two, and notifies people.
 */
export class StoppedRuns extends Construct {
  constructor(scope: Construct, id: string, { machine, cleanUp, notices }: StoppedRunsProps) {
    super(scope, id);
    const deadLetterQueue = new sqs.Queue(this, "Undelivered", {
      encryption: sqs.QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    new cloudwatch.Alarm(this, "UndeliveredAlarm", {
      alarmDescription:
        "Sluice: EventBridge could not start the clean-up of a stopped run, or notify people of one. The queue has the event; docs/deploying.md shows how to start a clean-up by hand.",
      metric: deadLetterQueue.metricApproximateNumberOfMessagesVisible({
        period: Duration.minutes(1),
        statistic: "Maximum",
      }),
      threshold: 1,
      evaluationPeriods: 1,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    }).addAlarmAction(new SnsAction(notices.escalation));

    this.rule(
      "Runs",
      machine,
      { status: ["ABORTED", "TIMED_OUT", "FAILED"] },
      new targets.SfnStateMachine(cleanUp, {
        input: events.RuleTargetInput.fromObject({
          run: fromPath("$.detail.name"),
          execution: fromPath("$.detail.executionArn"),
          status: fromPath("$.detail.status"),
        }),
        deadLetterQueue,
      }),
    );
    // The clean-up has no clean-up: people must act.
    const text = `Sluice: the clean-up of a run was itself ended (${fromPath("$.detail.status")}): ${fromPath("$.detail.executionArn")}. A person must act now: production may be half migrated, and fenced. To continue, redrive that execution; a new one would not act, as this one holds the clean-up. See the operator runbook, The clean-up was ended.`;
    const topics = [notices.approvers, notices.escalation].map(({ node, topicArn }) => {
      // By its ARN, so that CDK does not allow every account's rules to send messages; notices.ts allows this account's.
      const topic = Topic.fromTopicArn(this, node.id, topicArn);
      const message = events.RuleTargetInput.fromText(text);
      return new targets.SnsTopic(topic, { message, deadLetterQueue });
    });
    // An error other than the machine's own ends, or no error: "anything-but" matches only a field that exists.
    const fromOutside = [{ "anything-but": [...END_NAMES, CLEAN_UP_FAILED] }, { exists: false }];
    this.rule(
      "CleanUps",
      cleanUp,
      { $or: [{ status: ["ABORTED", "TIMED_OUT"] }, { status: ["FAILED"], error: fromOutside }] },
      ...topics,
    );
  }

  private rule(
    id: string,
    machine: StateMachine,
    detail: Record<string, unknown>,
    ...targets: events.IRuleTarget[]
  ): void {
    new events.Rule(this, id, {
      description: `Sluice: executions that ended from outside or failed (${id})`,
      eventPattern: {
        source: ["aws.states"],
        detailType: ["Step Functions Execution Status Change"],
        detail: { stateMachineArn: [machine.stateMachineArn], ...detail },
      },
      targets,
    });
  }
}
