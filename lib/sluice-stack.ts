import { Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { CompiledPlan } from "../lambdas/shared/plan.ts";
import { Deployment } from "./deployment.ts";
import { Network } from "./network.ts";
import type { Settings } from "./settings.ts";

export interface SluiceStackProps extends StackProps {
  settings: Settings;
  /** The plan that a run gets which names none. */
  plan: CompiledPlan;
}

/** A deployment in a stack of its own, by settings alone: what `cdk deploy` makes of cdk.json. */
export class SluiceStack extends Stack {
  constructor(scope: Construct, id: string, { settings, plan, ...props }: SluiceStackProps) {
    const { lookUp } = settings.network;
    // Only a stack that says where it goes can look anything up there.
    const env = lookUp && { env: { account: lookUp.account, region: lookUp.region } };
    super(scope, id, {
      description: `Sluice: ${plan.title}`,
      // A third of the template would be spaces, and CloudFormation takes a megabyte.
      suppressTemplateIndentation: true,
      ...env,
      ...props,
    });
    const network = new Network(this, "Network", settings.network);
    // This name is left out of what resources are called, which is as if the stack had them itself.
    new Deployment(this, "Default", { settings, plan, network });
  }
}
