import type { CompiledPlan } from "../../lambdas/shared/plan.ts";

/** Minutes that the plan expects for phases and states, by their names in the machine. A plan may leave some out. */
export function plannedMinutes({ migrations, expectedMinutes }: CompiledPlan): ReadonlyMap<string, number> {
  const all = migrations.map((migration) => migration.expectedMinutes);
  const known = all.filter((minutes) => minutes !== undefined);
  const planned: (readonly [string, number | undefined])[] = [
    ["Admit", expectedMinutes?.admit],
    ["Migrate", known.length < all.length ? undefined : known.reduce((sum, minutes) => sum + minutes, 0)],
    ...migrations.map((m) => [`Apply ${m.version} to production`, m.expectedMinutes] as const),
    ["Prove", expectedMinutes?.prove],
    ["Open", expectedMinutes?.open],
  ];
  return new Map(planned.flatMap(([name, minutes]) => (minutes === undefined ? [] : [[name, minutes]])));
}

/** The gates that a run of this plan may open. */
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
