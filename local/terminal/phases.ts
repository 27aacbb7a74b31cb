import type { CompiledPlan } from "../../lambdas/shared/plan.ts";

/** Minutes that the plan expects of phases and states, by their names in the machine. */
export function plannedMinutes({ migrations, expectedMinutes }: CompiledPlan): ReadonlyMap<string, number> {
  return new Map([
    ["Admit", expectedMinutes.admit],
    ["Migrate", migrations.reduce((sum, migration) => sum + migration.expectedMinutes, 0)],
    ...migrations.map((m) => [`Apply ${m.version} to production`, m.expectedMinutes] as const),
    ["Prove", expectedMinutes.prove],
    ["Open", expectedMinutes.open],
  ]);
}

/** The gates that a run of this plan may come to. */
export function gateNames({ migrations }: CompiledPlan): string[] {
  return [
    "readiness",
    "rehearsal",
    ...migrations.flatMap(({ version, unasked }) => (unasked ? [] : [`after-${version}`])),
    "open",
    "keep",
    "restore",
  ];
}
