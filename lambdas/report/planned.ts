import type { Facts } from "./facts.ts";

/**
 * Returns the seconds that the plan expects for each phase of the timeline, by phase id. The plan's minutes are for
 * production, so a run on copies has none.
 */
export function plannedOf({ plan, request }: Pick<Facts, "plan" | "request">): ReadonlyMap<string, number> {
  if (request?.copyOf !== undefined) return new Map();
  const { admit, prove, open } = plan.expectedMinutes ?? {};
  const planned: (readonly [string, number | undefined])[] = [
    ["admit", admit],
    ...plan.migrations.map((one) => [`migrate-${one.version}`, one.expectedMinutes] as const),
    ["prove", prove],
    ["open", open],
  ];
  return new Map(planned.flatMap(([id, minutes]) => (minutes === undefined ? [] : [[id, minutes * 60]])));
}
