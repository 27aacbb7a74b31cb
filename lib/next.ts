import { CfnMapping, CfnOutput, Stack } from "aws-cdk-lib";
import type { ManagedPolicy } from "aws-cdk-lib/aws-iam";
import type { StateMachine } from "aws-cdk-lib/aws-stepfunctions";
import { Construct } from "constructs";
import { fullName } from "../lambdas/shared/settings.ts";
import type { Notices } from "./notices.ts";
import type { Database, Settings } from "./settings.ts";
import type { Storage } from "./storage.ts";

export interface NextProps {
  /** Whether this deployment is alone in the stack; then outputs have simple names. */
  alone: boolean;
  machine: StateMachine;
  cleanUp: StateMachine;
  rollout: StateMachine;
  storage: Storage;
  notices: Notices;
  /** Names of the watches' dashboards. */
  dashboards: readonly string[];
  databases: Settings["databases"];
  /** Checksum of the plan of runs whose input names none. */
  plan: string;
  /** Policy that allows its holders to publish plans. */
  publishers: ManagedPolicy;
}

const CONSOLES = {
  aws: { host: "console.aws.amazon.com" },
  "aws-cn": { host: "console.amazonaws.cn" },
  "aws-us-gov": { host: "console.amazonaws-us-gov.com" },
};

/** Outputs at the end of `cdk deploy`: what exists now, and what to do next. They are printed in the order of their names. */
export class Next extends Construct {
  private readonly alone: boolean;

  constructor(
    scope: Construct,
    id: string,
    {
      alone,
      machine,
      cleanUp,
      rollout,
      storage,
      notices,
      dashboards,
      databases,
      plan,
      publishers,
    }: NextProps,
  ) {
    super(scope, id);
    this.alone = alone;
    const { region, partition } = Stack.of(this);
    const host = new CfnMapping(this, "Consoles", { mapping: CONSOLES }).findInMap(partition, "host");
    const [first] = databases;
    const several = databases.length > 1;
    const input = JSON.stringify({
      ...(several ? { database: nameFor(first) } : {}),
      startedBy: "your name",
      reason: "why",
    });
    const arn = machine.stateMachineArn;
    this.say("StateMachineArn", arn);
    this.say("CleanUpStateMachineArn", cleanUp.stateMachineArn);
    this.say("RolloutStateMachineArn", rollout.stateMachineArn);
    this.say("EvidenceBucket", storage.bucket.bucketName);
    this.say("PlanChecksum", plan);
    this.say("Databases", databases.map(nameFor).join(", "));
    this.say("PublishersPolicyArn", publishers.managedPolicyArn);
    this.say("ApproversTopicArn", notices.approvers.topicArn);
    this.say("EscalationTopicArn", notices.escalation.topicArn);
    this.say(
      "Todo1Confirm",
      "Each address gets a mail from AWS Notifications. Gates reach an address only after its link, Confirm subscription, was opened.",
    );
    this.say(
      "Todo2Add",
      // A subscription without a filter would get everyone's own links.
      notices.named
        ? "To add an approver, put the name and address into the setting approvers, and deploy again."
        : `aws sns subscribe --topic-arn ${notices.approvers.topicArn} --protocol email --notification-endpoint ADDRESS`,
    );
    this.say(
      "Todo3Start",
      `https://${host}/states/home?region=${region}#/statemachines/view/${arn} (Start execution, with the input below${several ? ", for another database with its name" : " or {}"})`,
    );
    this.say("Todo4Input", input);
    this.say(
      "Todo5OrStart",
      `aws stepfunctions start-execution --state-machine-arn ${arn} --input '${input}'`,
    );
    this.say(
      "Todo6Report",
      `aws s3 sync s3://${storage.bucket.bucketName}/runs/RUN evidence (RUN is the execution's name; report.html is in it)`,
    );
    this.say(
      "Todo7Watch",
      `https://${host}/cloudwatch/home?region=${region}#dashboards/dashboard/${dashboards.join(" or ")} (after a success)`,
    );
  }

  private say(id: string, value: string): void {
    const output = new CfnOutput(this, id, { value });
    if (this.alone) output.overrideLogicalId(id);
  }
}

/** In full, which an execution's input always accepts. */
function nameFor({ instance, name }: Database): string {
  return fullName({ instance, database: name });
}
