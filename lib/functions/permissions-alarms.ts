import { ArnFormat, type Stack } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import type { Settings } from "../settings.ts";

/** Of the named alarms, and no others, the actions may be turned off and on. */
export function alarmStatements(stack: Stack, { alarms }: Settings): iam.PolicyStatement[] {
  if (alarms.length === 0) return [];
  const named = alarms.map((resourceName) =>
    stack.formatArn({
      service: "cloudwatch",
      resource: "alarm",
      resourceName,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    }),
  );
  return [
    new iam.PolicyStatement({
      actions: ["cloudwatch:DisableAlarmActions", "cloudwatch:EnableAlarmActions"],
      resources: named,
    }),
    new iam.PolicyStatement({
      actions: ["cloudwatch:DescribeAlarms"],
      // CloudWatch shows composite alarms only to those who may see all.
      resources: ["*"],
    }),
  ];
}
