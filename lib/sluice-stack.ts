import { Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { CompiledPlan } from "../lambdas/shared/plan.ts";
import { Deployment } from "./deployment.ts";
import { Network } from "./network.ts";
import type { Settings } from "./settings.ts";

export interface SluiceStackProps extends StackProps {
  settings: Settings;
  /** The plan of runs whose input names none. */
  plan: CompiledPlan;
}

/** A deployment in its own stack, from the settings alone: `cdk deploy` makes it from cdk.json. */
export class SluiceStack extends Stack {
  constructor(scope: Construct, id: string, { settings, plan, ...props }: SluiceStackProps) {
    const { lookUp } = settings.network;
    // CDK looks things up only in a stack with an account and a Region.
    const env = lookUp && { env: { account: lookUp.account, region: lookUp.region } };
    super(scope, id, {
      description: `Sluice: ${plan.title}`,
      // Indentation would be a third of the template, which CloudFormation limits to a megabyte.
      suppressTemplateIndentation: true,
      ...env,
      ...props,
    });
    const network = new Network(this, "Network", settings.network);
    // The id "Default" is left out of resource names, as if the stack had the resources itself.
    new Deployment(this, "Default", { settings, plan, network });
  }
}
