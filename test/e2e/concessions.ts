import { type IAMClient, ListRolesCommand, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import { GetBucketPolicyCommand, PutBucketPolicyCommand, type S3Client } from "@aws-sdk/client-s3";

// What is deployed is changed here, and only here, where MiniStack's IAM would refuse what AWS allows. All other
// policies are in force as they are deployed.

/**
 * MiniStack does not know the condition s3:if-none-match and takes it for absent, so the statement that forbids
 * overwriting evidence would forbid writing it. Nor does it put in who asks for \${aws:userid}.
 */
export async function forgetUnknownCondition(s3: S3Client, Bucket: string): Promise<void> {
  const { Policy = "" } = await s3.send(new GetBucketPolicyCommand({ Bucket }));
  const policy = JSON.parse(Policy) as { Statement: { Sid?: string }[] };
  const unknown = ["EvidenceIsWrittenOnce", "WhoPublishedIsProven"];
  const Statement = policy.Statement.filter(({ Sid = "" }) => !unknown.includes(Sid));
  if (Statement.length !== policy.Statement.length - unknown.length)
    throw new Error("The bucket's policy is another");
  await s3.send(new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify({ ...policy, Statement }) }));
}

const PARAMETER_GROUPS = [
  "rds:DescribeDBClusterParameterGroups",
  "rds:DescribeDBClusterParameters",
  "rds:CreateDBClusterParameterGroup",
  "rds:ModifyDBClusterParameterGroup",
  "rds:DescribeDBParameterGroups",
  "rds:DescribeDBParameters",
  "rds:CreateDBParameterGroup",
  "rds:ModifyDBParameterGroup",
];

const SNAPSHOTS = ["rds:DescribeDBSnapshots", "rds:DescribeDBClusterSnapshots"];
const TO_A_MOMENT = "rds:RestoreDBInstanceToPointInTime";

/**
 * Calls whose resource MiniStack does not find: the execution of a task token, the snapshot or parameter group, the
 * instances of a restore to a moment, the group of a schedule. It checks whether the action is allowed on everything, or
 * on another group's resources.
 */
const UNTOLD: Readonly<Record<string, readonly string[]>> = {
  gatepage: ["states:SendTaskSuccess"],
  rollout: ["states:SendTaskSuccess"],
  snapshot: SNAPSHOTS,
  staging: [
    ...SNAPSHOTS,
    "rds:DeleteDBSnapshot",
    "rds:DeleteDBClusterSnapshot",
    "rds:DeleteDBClusterParameterGroup",
    ...PARAMETER_GROUPS,
    TO_A_MOMENT,
    "rds:DeleteDBParameterGroup",
  ],
  restore: [...SNAPSHOTS, ...PARAMETER_GROUPS, TO_A_MOMENT],
  aftercare: ["scheduler:CreateSchedule", "scheduler:UpdateSchedule"],
};

export async function allowUntold(iam: IAMClient): Promise<void> {
  const { Roles = [] } = await iam.send(new ListRolesCommand({ MaxItems: 1000 }));
  for (const [name, Action] of Object.entries(UNTOLD)) {
    const role = Roles.find(({ RoleName }) => RoleName?.includes(`Functions${name}Role`));
    if (!role) throw new Error(`There is no role for ${name}`);
    const Statement = [{ Effect: "Allow", Action, Resource: "*" }];
    await iam.send(
      new PutRolePolicyCommand({
        RoleName: role.RoleName,
        PolicyName: "Untold",
        PolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement }),
      }),
    );
  }
}
