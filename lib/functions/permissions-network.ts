import type { Stack } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import type { FunctionsNetwork } from "../network.ts";

const LOOK = ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"];
const CREATE = ["ec2:CreateNetworkInterface"];
const CHANGE = [
  "ec2:DeleteNetworkInterface",
  "ec2:AssignPrivateIpAddresses",
  "ec2:UnassignPrivateIpAddresses",
];

/**
 * Lambda itself puts a function into the network, with the function's role: so the role must be allowed to, in these
 * subnets and with this security group. The function's own code is not.
 */
export function interfaceStatements(
  stack: Stack,
  { vpc, subnets, securityGroup }: FunctionsNetwork,
): iam.PolicyStatement[] {
  // Subnets and groups of a shared VPC belong to another account.
  const ec2 = (resource: string, resourceName: string, account?: string) =>
    stack.formatArn({ service: "ec2", resource, resourceName, ...(account ? { account } : {}) });
  const interfaces = ec2("network-interface", "*");
  const inside = vpc.selectSubnets(subnets).subnetIds.map((id) => ec2("subnet", id, "*"));
  return [
    new iam.PolicyStatement({
      actions: CREATE,
      resources: [interfaces, ...inside, ec2("security-group", securityGroup.securityGroupId, "*")],
    }),
    new iam.PolicyStatement({ actions: CHANGE, resources: [interfaces] }),
    // EC2 knows no resources for looking.
    new iam.PolicyStatement({ actions: LOOK, resources: ["*"] }),
    new iam.PolicyStatement({
      effect: iam.Effect.DENY,
      actions: [...LOOK, ...CREATE, ...CHANGE],
      resources: ["*"],
      // Present where the call comes from a function's code, and not from Lambda.
      conditions: { Null: { "lambda:SourceFunctionArn": "false" } },
    }),
  ];
}
