import type { Construct } from "constructs";
import { nameOf } from "../lambdas/shared/names.ts";
import type { CompiledPlan } from "../lambdas/shared/plan.ts";
import type { Functions } from "./functions/functions.ts";
import { Monitoring } from "./monitoring.ts";
import type { Notices } from "./notices.ts";
import type { Database } from "./settings.ts";
import { Watch } from "./watch.ts";

/**
 * Resources of the watch: its schedule, and a dashboard and alarms for each database. All work with any plan, and show the
 * deployed plan's metrics one by one.
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
    /** Label of the database that the stack is named after, which may have been the only one before. */
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
      // Not by place in the list, which may change: a dashboard's name is taken until the former one is deleted.
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
