import { Annotations, Stack } from "aws-cdk-lib";
import * as ec2 from "aws-cdk-lib/aws-ec2";
import { Construct } from "constructs";
import type { Settings } from "./settings.ts";

const HTTPS = ec2.Port.tcp(443);

/** Network of the functions that use the database. */
export interface FunctionsNetwork {
  readonly vpc: ec2.IVpc;
  readonly subnets: ec2.SubnetSelection;
  /** The database's security group must let this one in. */
  readonly securityGroup: ec2.ISecurityGroup;
}

/** The database's network, by the ids in the settings. Nothing is looked up unless the settings ask for it. */
export class Network extends Construct implements FunctionsNetwork {
  readonly vpc: ec2.IVpc;
  readonly subnets: ec2.SubnetSelection;
  readonly securityGroup: ec2.ISecurityGroup;

  constructor(scope: Construct, id: string, settings: Settings["network"]) {
    super(scope, id);
    const { vpcId, lookUp, availabilityZones = [], subnetIds = [] } = settings;
    if (lookUp) {
      this.vpc = ec2.Vpc.fromLookup(this, "Vpc", { vpcId });
      this.subnets = {
        subnetType:
          lookUp.subnets === "isolated"
            ? ec2.SubnetType.PRIVATE_ISOLATED
            : ec2.SubnetType.PRIVATE_WITH_EGRESS,
      };
    } else {
      this.vpc = ec2.Vpc.fromVpcAttributes(this, "Vpc", {
        vpcId,
        availabilityZones,
        privateSubnetIds: subnetIds,
      });
      this.subnets = { subnets: this.vpc.privateSubnets };
    }
    // No route is made here, so the subnets' route tables need not be known.
    for (const subnet of this.vpc.privateSubnets)
      Annotations.of(subnet).acknowledgeWarning("@aws-cdk/aws-ec2:noSubnetRouteTableId");
    this.securityGroup = ec2.SecurityGroup.fromSecurityGroupId(
      this,
      "SecurityGroup",
      settings.securityGroupId,
      // Its rules belong to the deployer.
      { mutable: false },
    );
    if (settings.endpoints) this.endpoints(settings.endpoints.routeTableIds);
  }

  /** For networks without a way out: endpoints for S3, Secrets Manager, SNS and EventBridge, which the functions call. */
  private endpoints(routeTableIds: string[]): void {
    new ec2.CfnVPCEndpoint(this, "S3", {
      vpcId: this.vpc.vpcId,
      vpcEndpointType: "Gateway",
      serviceName: `com.amazonaws.${Stack.of(this).region}.s3`,
      routeTableIds,
    });
    const securityGroup = new ec2.SecurityGroup(this, "EndpointGroup", {
      vpc: this.vpc,
      description: "From the functions of Sluice to the VPC endpoints",
      allowAllOutbound: false,
    });
    securityGroup.addIngressRule(this.securityGroup, HTTPS, "Functions of Sluice");
    const services = {
      SecretsManager: ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
      Sns: ec2.InterfaceVpcEndpointAwsService.SNS,
      Events: ec2.InterfaceVpcEndpointAwsService.EVENTBRIDGE,
    };
    for (const [id, service] of Object.entries(services))
      new ec2.InterfaceVpcEndpoint(this, id, {
        vpc: this.vpc,
        service,
        subnets: this.subnets,
        securityGroups: [securityGroup],
        open: false,
      });
  }
}
