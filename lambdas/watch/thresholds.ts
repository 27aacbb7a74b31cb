import type { ReadingValue } from "../shared/documents.ts";
import type { Metric, Threshold } from "../shared/plan.ts";

/** How a reading stands: within its target, between target and alert, beyond the alert, or not measured. */
type Standing = "target" | "between" | "alert" | "unknown";

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

/** Such as `<100 ms`, `0`, `>90 %`: the notation of a table. */
export function thresholdText({ operator, value }: Threshold, unit: string): string {
  return `${operator === "=" ? "" : operator}${quantity(value, unit)}`;
}

/** Such as `12.3 ms`, `0.05 %`, `3`: only significant digits. */
export function quantity(value: number, unit: string): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return `${Number(value.toFixed(digits))}${unit === "" ? "" : ` ${unit}`}`;
}

/** A reading in words: one line for each metric, with the runbook if it is beyond its alert threshold. */
export function readingLines(values: readonly ReadingValue[]): string[] {
  return values.map(
    (value) => `${value.title}: ${valueText(value)}${noteText(value)}, ${standingText(value)}`,
  );
}

/** Such as `12.3 ms`, or that it was not measured. */
export function valueText({ value, unit }: Pick<ReadingValue, "value" | "unit">): string {
  return value === null ? "not measured" : quantity(value, unit);
}

function noteText({ note }: ReadingValue): string {
  return note === null ? "" : ` (${note})`;
}

export function standingText({ standing, target, alert, runbook }: ReadingValue): string {
  switch (standing) {
    case "target":
      return `within its target of ${target}`;
    case "between":
      return `short of its target of ${target}, alert at ${alert}`;
    case "alert":
      return `ALERT at ${alert}, target ${target}: see ${runbook}`;
    case "unknown":
      return `target ${target}, alert at ${alert}`;
  }
}

const SHORT = {
  target: "✓ within target",
  between: "– short of target",
  alert: "✕ ALERT",
  unknown: "?",
} as const;

/** The same as a table for terminals. */
export function readingTable(values: readonly ReadingValue[]): string[] {
  const rows = [
    ["Metric", "Now", "Target", "Alert", ""],
    ...values.map((value) => [
      value.title,
      valueText(value),
      value.target,
      value.alert,
      SHORT[value.standing] + noteText(value),
    ]),
  ];
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
