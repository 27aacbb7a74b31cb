import type { Construct } from "constructs";
import { nameOf } from "../lambdas/shared/names.ts";
import type { CompiledPlan } from "../lambdas/shared/plan.ts";
import type { Functions } from "./functions/functions.ts";
import { Monitoring } from "./monitoring.ts";
import type { Notices } from "./notices.ts";
import type { Database } from "./settings.ts";
import { Watch } from "./watch.ts";

/**
 * What a watch takes: its schedule, and a dashboard and alarms for each database. All serve any plan, and show the
 * deployed one's metrics each by itself.
 */
export function watchProduction(
  scope: Construct,
  {
    plan,
    databases,
    namedAfter,
    functions,
    notices,
  }: {
    plan: CompiledPlan;
    databases: readonly Database[];
    /** Label of the one that the stack is named after: it may have been the only one before. */
    namedAfter: string | undefined;
    functions: Functions;
    notices: Notices;
  },
): Monitoring[] {
  const { aftercare, watch: probe } = functions.byCapability;
  new Watch(scope, "Watch", {
    starter: aftercare,
    probe,
    labels: databases.map(({ label }) => label),
  });
  return databases.map(
    ({ label, instance, cluster }) =>
      // Not by their place in the list: its order may change, and a dashboard's name is taken until the former one is gone.
      new Monitoring(scope, label === namedAfter ? "Monitoring" : `Monitoring-${nameOf(label, 100)}`, {
        plan,
        label,
        instance,
        cluster: cluster !== undefined,
        probe,
        topic: notices.approvers,
      }),
  );
}
