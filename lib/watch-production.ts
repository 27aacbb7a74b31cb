import type { Construct } from "constructs";
import type { CompiledPlan } from "../lambdas/shared/plan.ts";
import type { Functions } from "./functions/functions.ts";
import { Monitoring } from "./monitoring.ts";
import type { Notices } from "./notices.ts";
import { Watch } from "./watch.ts";

/** What a watch takes: its schedule, dashboard and alarms serve any plan, and show the deployed one's metrics each by itself. */
export function watchProduction(
  scope: Construct,
  {
    plan,
    instance,
    functions,
    notices,
  }: { plan: CompiledPlan; instance: string; functions: Functions; notices: Notices },
): Monitoring {
  const { aftercare, watch: probe } = functions.byCapability;
  new Watch(scope, "Watch", { starter: aftercare, probe });
  return new Monitoring(scope, "Monitoring", { plan, instance, probe, topic: notices.approvers });
}
