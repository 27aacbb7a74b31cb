import type { Construct } from "constructs";
import type { CompiledPlan } from "../lambdas/shared/plan.ts";
import type { Functions } from "./functions/functions.ts";
import { Monitoring } from "./monitoring.ts";
import type { Notices } from "./notices.ts";
import { Watch } from "./watch.ts";

/** All that a plan's watch takes: its schedule, its dashboard and its alarms. Nothing for a plan that watches nothing. */
export function watchProduction(
  scope: Construct,
  {
    plan,
    instance,
    functions,
    notices,
  }: { plan: CompiledPlan; instance: string; functions: Functions; notices: Notices },
): Monitoring | undefined {
  const { watch } = plan;
  if (!watch) return undefined;
  const { aftercare, watch: probe } = functions.byCapability;
  new Watch(scope, "Watch", { starter: aftercare, probe });
  return new Monitoring(scope, "Monitoring", {
    plan: { ...plan, watch },
    instance,
    probe,
    topic: notices.approvers,
  });
}
