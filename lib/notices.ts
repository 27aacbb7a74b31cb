import { Stack } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import * as kms from "aws-cdk-lib/aws-kms";
import * as sns from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import { Construct } from "constructs";

/** Messages to people: those who decide at the gates, and those who are asked when nobody did. */
export class Notices extends Construct {
  readonly approvers: sns.Topic;
  readonly escalation: sns.Topic;
  readonly key: kms.Key;

  constructor(
    scope: Construct,
    id: string,
    props: { approvers: readonly string[]; escalation: readonly string[] },
  ) {
    super(scope, id);
    // Messages hold links that decide: whoever may read them may decide.
    this.key = new kms.Key(this, "Key", { description: "Sluice's messages", enableKeyRotation: true });
    this.approvers = this.topic("Approvers", "Sluice: decisions", props.approvers);
    this.escalation = this.topic("Escalation", "Sluice: escalations", props.escalation);
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

  /** The approvers' topic, to which CloudWatch may then send what its alarms say. */
  forAlarms(): sns.Topic {
    const cloudWatch = new iam.ServicePrincipal("cloudwatch.amazonaws.com");
    const conditions = { StringEquals: { "aws:SourceAccount": Stack.of(this).account } };
    this.approvers.addToResourcePolicy(
      new iam.PolicyStatement({
        principals: [cloudWatch],
        actions: ["sns:Publish"],
        resources: [this.approvers.topicArn],
        conditions,
      }),
    );
    this.key.addToResourcePolicy(
      new iam.PolicyStatement({
        principals: [cloudWatch],
        actions: ["kms:Decrypt", "kms:GenerateDataKey"],
        resources: ["*"],
        conditions,
      }),
    );
    return this.approvers;
  }

  private topic(id: string, displayName: string, emails: readonly string[]): sns.Topic {
    const topic = new sns.Topic(this, id, { displayName, masterKey: this.key, enforceSSL: true });
    for (const email of emails) topic.addSubscription(new EmailSubscription(email));
    return topic;
  }
}
