import { App, Stack } from "aws-cdk-lib";
import * as lambda from "aws-cdk-lib/aws-lambda";
import type { CompiledPlan } from "../lambdas/shared/plan.ts";
import { MACHINE_CAPABILITIES } from "../lib/machine/capabilities.ts";
import { Machine } from "../lib/machine/machine.ts";
import { type Definition, definitionOf } from "./definition.ts";

export async function synthesize(
  plan: CompiledPlan,
  settings: { rehearse: "before" | "inside" },
): Promise<Definition> {
  const app = new App({ context: { "aws:cdk:bundling-stacks": [] } });
  const stack = new Stack(app, "Sluice");
  const functions = Object.fromEntries(
    MACHINE_CAPABILITIES.map((c) => {
      const f = new lambda.Function(stack, c, {
        code: lambda.Code.fromInline("x"),
        handler: "index.handler",
        runtime: lambda.Runtime.NODEJS_24_X,
      });
      (f.node.defaultChild as lambda.CfnFunction).addMetadata("sluice:capability", c);
      return [c, f];
    }),
  ) as never;
  new Machine(stack, "Machine", { plan, rehearse: settings.rehearse, functions });
  return definitionOf(app.synth().getStackByName("Sluice").template as never);
}
