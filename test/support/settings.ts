/** Minimal settings of a deployment. */
export const exampleSettings = {
  database: {
    instance: "orders-production",
    name: "orders",
    secretArn: "arn:aws:secretsmanager:eu-central-1:123456789012:secret:orders/master-AbCdEf",
  },
  network: {
    vpcId: "vpc-0123456789abcdef0",
    availabilityZones: ["eu-central-1a", "eu-central-1b"],
    subnetIds: ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    securityGroupId: "sg-0123456789abcdef0",
  },
  approvers: ["dba@example.com"],
  escalation: ["head-of-platform@example.com"],
};
