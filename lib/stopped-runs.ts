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
 * What is done about executions that end from outside, where no Catch runs. A failed end of the machine's own looks the
 * same to a rule, as nobody promises that the event names its error: the clean-up itself tells the two apart, and tells
 * people.
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
        "Sluice: EventBridge could not start the clean-up of a stopped run, or tell people of one. The queue holds the event; docs/deploying.md says how to begin a clean-up by hand.",
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
    // Nothing watches over the clean-up but people.
    const text = `Sluice: the clean-up of a run has itself been ended (${fromPath("$.detail.status")}): ${fromPath("$.detail.executionArn")}. A person must look now: production may be half migrated, and fenced. To go on with it, redrive that execution; a new one would find somebody else cleaning up. See the operator runbook, The clean-up was ended.`;
    const told = [notices.approvers, notices.escalation].map(({ node, topicArn }) => {
      // By its ARN, so that CDK does not let every account's rules send messages: notices.ts lets this one's.
      const topic = Topic.fromTopicArn(this, node.id, topicArn);
      const message = events.RuleTargetInput.fromText(text);
      return new targets.SnsTopic(topic, { message, deadLetterQueue });
    });
    // Another error than those of its own ends, or none that the event names: "anything-but" takes only a field that is there.
    const fromOutside = [{ "anything-but": [...END_NAMES, CLEAN_UP_FAILED] }, { exists: false }];
    this.rule(
      "CleanUps",
      cleanUp,
      { $or: [{ status: ["ABORTED", "TIMED_OUT"] }, { status: ["FAILED"], error: fromOutside }] },
      ...told,
    );
  }

  private rule(
    id: string,
    machine: StateMachine,
    detail: Record<string, unknown>,
    ...targets: events.IRuleTarget[]
  ): void {
    new events.Rule(this, id, {
      description: `Sluice: executions that ended otherwise than they should (${id})`,
      eventPattern: {
        source: ["aws.states"],
        detailType: ["Step Functions Execution Status Change"],
        detail: { stateMachineArn: [machine.stateMachineArn], ...detail },
      },
      targets,
    });
  }
}
