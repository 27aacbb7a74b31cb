import { Stack } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import * as kms from "aws-cdk-lib/aws-kms";
import * as sns from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import { Construct } from "constructs";
import { FOR_ONE } from "../lambdas/shared/names.ts";
import { type Asked, personOf } from "./settings.ts";

/** Messages to the approvers, and to the escalation contacts. */
export class Notices extends Construct {
  readonly approvers: sns.Topic;
  readonly escalation: sns.Topic;
  readonly key: kms.Key;
  /** Whether each person gets their own link. */
  readonly named: boolean;

  constructor(
    scope: Construct,
    id: string,
    props: { approvers: readonly Asked[]; escalation: readonly Asked[] },
  ) {
    super(scope, id);
    // Messages have links that decide, so readers of messages could decide.
    this.key = new kms.Key(this, "Key", { description: "Sluice's messages", enableKeyRotation: true });
    this.named = props.approvers.some((one) => typeof one !== "string");
    this.approvers = this.topic("Approvers", "Sluice: decisions", props.approvers);
    this.escalation = this.topic("Escalation", "Sluice: escalations", props.escalation);
    this.allow("events.amazonaws.com");
    this.allow("cloudwatch.amazonaws.com");
  }

  sendStatements(): iam.PolicyStatement[] {
    return [
      new iam.PolicyStatement({
        actions: ["sns:Publish"],
        resources: [this.approvers.topicArn, this.escalation.topicArn],
      }),
      new iam.PolicyStatement({
        actions: ["kms:Decrypt", "kms:GenerateDataKey"],
        resources: [this.key.keyArn],
        conditions: { StringEquals: { "kms:ViaService": `sns.${Stack.of(this).region}.amazonaws.com` } },
      }),
    ];
  }

  /** Allows rules and alarms of this account to send messages. */
  private allow(service: string): void {
    const from = new iam.ServicePrincipal(service, {
      conditions: { StringEquals: { "aws:SourceAccount": Stack.of(this).account } },
    });
    // EventBridge gives KMS neither account nor rule: with a condition here its messages would be lost. The topics have one.
    const user = service === "events.amazonaws.com" ? new iam.ServicePrincipal(service) : from;
    this.key.grant(user, "kms:Decrypt", "kms:GenerateDataKey*");
    for (const topic of [this.approvers, this.escalation]) topic.grantPublish(from);
  }

  private topic(id: string, displayName: string, asked: readonly Asked[]): sns.Topic {
    const topic = new sns.Topic(this, id, { displayName, masterKey: this.key, enforceSSL: true });
    for (const one of asked)
      topic.addSubscription(
        typeof one === "string"
          ? new EmailSubscription(one)
          : new EmailSubscription(one.email, { filterPolicy: { [FOR_ONE]: forAllOr(personOf(one).id) } }),
      );
    return topic;
  }
}

/** A filter for messages to everyone, such as AWS's own, and for those to this person. */
function forAllOr(id: string): sns.SubscriptionFilter {
  return new sns.SubscriptionFilter([{ exists: false }, id]);
}
