import type { Construct } from "constructs";
import type { CompiledPlan } from "../lambdas/shared/plan.ts";
import type { Functions } from "./functions/functions.ts";
import { Monitoring } from "./monitoring.ts";
import type { Notices } from "./notices.ts";
import { Watch } from "./watch.ts";

/**
 * What a watch takes. Its schedule serves any plan. Of the plan that is deployed the metrics are known, and get a
 * dashboard and alarms; those of another one are in the same namespace under their names, and in the report.
 */
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
  const { aftercare, watch: probe } = functions.byCapability;
  new Watch(scope, "Watch", { starter: aftercare, probe });
  if (!watch) return undefined;
  return new Monitoring(scope, "Monitoring", {
    plan: { ...plan, watch },
    instance,
    probe,
    topic: notices.approvers,
  });
}
