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
 * Lambda itself attaches a function to the network, with the function's role. So the role needs the right in these subnets
 * and with this security group; the function's own code does not get it.
 */
export function interfaceStatements(
  stack: Stack,
  { vpc, subnets, securityGroup }: FunctionsNetwork,
): iam.PolicyStatement[] {
  // Subnets and security groups of a shared VPC belong to another account.
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
    // EC2's describe actions take no resources.
    new iam.PolicyStatement({ actions: LOOK, resources: ["*"] }),
    new iam.PolicyStatement({
      effect: iam.Effect.DENY,
      actions: [...LOOK, ...CREATE, ...CHANGE],
      resources: ["*"],
      // The key is present if a function's code makes the call, and absent if Lambda does.
      conditions: { Null: { "lambda:SourceFunctionArn": "false" } },
    }),
  ];
}
