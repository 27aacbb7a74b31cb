import { ArnFormat, type Stack } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import type { Settings } from "../settings.ts";

/** Turning the actions off and on of the alarms named for any of the databases, and of no others. */
export function alarmStatements(stack: Stack, { databases }: Settings): iam.PolicyStatement[] {
  const alarms = new Set(databases.flatMap((one) => one.alarms));
  if (alarms.size === 0) return [];
  const named = [...alarms].map((resourceName) =>
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
      // CloudWatch shows composite alarms only to callers that may see all alarms.
      resources: ["*"],
    }),
  ];
}
