import type { Metric, Threshold } from "../shared/plan.ts";

/** How a reading stands: within its target, between target and alert, beyond the alert, or not measured. */
export type Standing = "target" | "between" | "alert" | "unknown";

export function standingOf(
  { target, alert }: Pick<Metric, "target" | "alert">,
  value: number | null,
): Standing {
  if (value === null) return "unknown";
  if (satisfies(alert, value)) return "alert";
  return satisfies(target, value) ? "target" : "between";
}

export function satisfies({ operator, value: limit }: Threshold, value: number): boolean {
  switch (operator) {
    case "<":
      return value < limit;
    case "<=":
      return value <= limit;
    case ">":
      return value > limit;
    case ">=":
      return value >= limit;
    case "=":
      return value === limit;
  }
}

/** Such as `<100 ms`, `0`, `>90 %`: as people write it into a table. */
export function thresholdText({ operator, value }: Threshold, unit: string): string {
  return `${operator === "=" ? "" : operator}${quantity(value, unit)}`;
}

/** Such as `12.3 ms`, `0.05 %`, `3`: as many digits as say something. */
export function quantity(value: number, unit: string): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return `${Number(value.toFixed(digits))}${unit === "" ? "" : ` ${unit}`}`;
}
